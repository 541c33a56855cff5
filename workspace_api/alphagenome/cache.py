"""Answers kept on disk: each under its key, compressed, checked when it is read, the least used go first.

Any number of processes may use one folder: an answer appears in one step, and whatever is found damaged is
removed. A file holds `MAGIC`, then each message as its length and how it is packed, then how many there are
and the SHA-256 of everything before.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import struct
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from workspace_api.alphagenome.framing import Framing

logger = logging.getLogger(__name__)
MAGIC = b"LFAG1\n"
HEAD = struct.Struct("<QB")  # length of what follows, and whether it is packed
TAIL = struct.Struct("<Q32s")  # how many messages, and the digest
LEVEL = 1  # zstd's fastest: most of an answer is packed already
WORTH_PACKING = 0.9
BLOCK = 1_000_000
AT_ONCE = 4_000_000  # an answer of so many bytes is read in one go
RECENT_BYTES = 32_000_000  # of answers that were read lately and are not read again
KEPT_SHARE = 0.9  # of the room, after some of it was made
STALE_SECONDS = 3600.0  # after which a file that nobody finished is nobody's
DAY_SECONDS = 86_400.0


class DamagedError(Exception):
    """A kept answer that is not what was written, or too old to be given."""


class AnswerCache:
    """Answers below `folder`, at most `max_bytes` and none older than `days`; 0 bytes: none at all."""

    def __init__(self, folder: Path, max_bytes: int, days: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._seconds = days * DAY_SECONDS
        self._written = 0
        self._recent = RecentAnswers()
        self.keeps = max_bytes > 0
        for name in ("parts", "locks"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.tidy()

    def recall(self, key: str) -> KeptAnswer | None:
        """Return an answer that was checked lately, without reading its file, which has not changed since."""
        path = self._path(key)
        try:
            stat = path.stat()
        except OSError:
            return None
        content = None if self._is_old(stat) else self._recent.get(key, stat)
        if content is None:
            return None
        _note_use(path)
        return KeptAnswer(None, content)

    def open(self, key: str) -> KeptAnswer | None:
        """Return a kept answer, checked to its last byte; None where there is none that can be used."""
        path = self._path(key)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("a kept answer cannot be read: %s", error)
            return None
        try:
            stat = os.fstat(file.fileno())
            if self._is_old(stat):
                raise DamagedError("it is too old")
            content = _checked(file, stat.st_size)
        except (DamagedError, OSError) as error:
            logger.warning("a kept answer was removed: %s", error)
            file.close()
            path.unlink(missing_ok=True)
            return None
        if content is not None:
            self._recent.put(key, stat, content)
        _note_use(path)
        return KeptAnswer(file, content)

    def record(self, method: str) -> Recording:
        """Return where an answer to a call of `method` is written; OSError where the disk does not let us."""
        return Recording(self._folder / "parts", method)

    def keep(self, recording: Recording, key: str) -> None:
        """Let a recorded answer be found from now on; BrokenAnswerError for one in parts, and OSError."""
        size = recording.finish()
        if not self.keeps or size > self._max_bytes:
            return
        path = self._path(key)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        recording.path.replace(path)
        self._written += size
        if self._written > self._max_bytes // 20:
            self.make_room()

    @contextlib.contextmanager
    def try_lock(self, key: str) -> Iterator[bool]:
        """Hold the key's lock across processes while the block lasts; gives False where another holds it.

        Where nothing is kept there is nothing to wait for, and everybody holds it.
        """
        if not self.keeps:
            yield True
            return
        path = self._folder / "locks" / key
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # better asked twice than not at all
            logger.warning("a call goes without its lock: %s", error)
            yield True
            return
        held = False
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = _is_still(descriptor, path)
            yield held
        finally:
            if held:
                path.unlink(missing_ok=True)
            os.close(descriptor)

    def make_room(self) -> int:
        """Remove what was used least recently until there is room again; return how many answers went."""
        self._written = 0
        found = sorted(self._stored())
        total, removed = sum(size for _, size, _ in found), 0
        if total <= self._max_bytes:
            return 0
        for _, size, path in found:
            if total <= self._max_bytes * KEPT_SHARE:
                break
            path.unlink(missing_ok=True)
            total, removed = total - size, removed + 1
        return removed

    def tidy(self) -> None:
        """Remove what processes that were killed left half written, and make room."""
        before = time.time() - STALE_SECONDS
        for path in [*(self._folder / "parts").iterdir(), *(self._folder / "locks").iterdir()]:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
        self.make_room()

    def size(self) -> tuple[int, int]:
        """Return how many answers are kept, and their bytes."""
        sizes = [size for _, size, _ in self._stored()]
        return len(sizes), sum(sizes)

    def _stored(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                yield stat.st_atime, stat.st_size, path

    def _is_old(self, stat: os.stat_result) -> bool:
        return time.time() - stat.st_mtime > self._seconds > 0

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


class RecentAnswers:
    """What files held when they were checked; those that were asked for least recently go first.

    A file that is another one now, or was written since, is not known any more.
    """

    def __init__(self, max_bytes: int = RECENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._contents: OrderedDict[tuple[str, int, int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str, stat: os.stat_result) -> bytes | None:
        """Return what the file of an answer holds, None where that is not known."""
        with self._lock:
            known = _identity(key, stat)
            if known in self._contents:
                self._contents.move_to_end(known)
            return self._contents.get(known)

    def put(self, key: str, stat: os.stat_result, content: bytes) -> None:
        """Remember what a file held that was found as `stat` says, and was checked."""
        with self._lock:
            known = _identity(key, stat)
            self._bytes += len(content) - len(self._contents.get(known, b""))
            self._contents[known] = content
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._contents.popitem(last=False)[1])


class KeptAnswer:
    """An answer that was found whole: its messages one by one, also when it is removed meanwhile.

    Its `content` is given where it is small; else it is read from `file`.
    """

    def __init__(self, file: BinaryIO | None, content: bytes | None) -> None:
        self._file = file
        self._content = content
        self.size = os.fstat(file.fileno()).st_size if file is not None else len(content or b"")
        self._unpacker = zstandard.ZstdDecompressor()
        self._at = len(MAGIC)

    @property
    def small(self) -> bool:
        """Whether all of it is in memory already."""
        return self._content is not None

    def __iter__(self) -> Iterator[bytes]:
        """Give the messages; the file is closed after the last one."""
        while (message := self.next()) is not None:
            yield message

    def next(self) -> bytes | None:
        """Return the next message, None after the last one."""
        if self._at >= self.size - TAIL.size:
            self.close()
            return None
        length, packed = HEAD.unpack(self._read(HEAD.size))
        content = self._read(length)
        return self._unpacker.decompress(content) if packed else content

    def close(self) -> None:
        """Stop reading."""
        if self._file is not None:
            self._file.close()

    def _read(self, size: int) -> bytes:
        begin, self._at = self._at, self._at + size
        if self._content is not None:
            return self._content[begin : self._at]
        if self._file is None:
            raise RuntimeError("an answer was made of neither a file nor its content")
        self._file.seek(begin)
        return self._file.read(size)


class Recording:
    """An answer that is being written: whatever was added can be read again by its place."""

    def __init__(self, folder: Path, method: str) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "w+b", buffering=0)
        self._framing = Framing(method)
        self._digest = hashlib.sha256()
        self._packer = zstandard.ZstdCompressor(level=LEVEL)
        self._at = 0
        self._write(MAGIC)

    def add(self, message: bytes) -> int:
        """Write one message, and return its place; BrokenAnswerError where it cannot follow, and OSError."""
        self._framing.take(message)
        place, packed = self._at, self._packer.compress(message)
        worth = len(packed) < WORTH_PACKING * len(message)
        content = packed if worth else message
        self._write(HEAD.pack(len(content), worth) + content)
        return place

    def read(self, place: int) -> bytes:
        """Return the message at a place."""
        descriptor = self._file.fileno()
        length, packed = HEAD.unpack(os.pread(descriptor, HEAD.size, place))
        content = os.pread(descriptor, length, place + HEAD.size)
        # One unpacker for each: readers are in several threads, and none may be shared by two.
        return zstandard.ZstdDecompressor().decompress(content) if packed else content

    def finish(self) -> int:
        """Write the end, and return the file's size; BrokenAnswerError where the answer is not whole."""
        self._framing.end()
        self._digest.update(struct.pack("<Q", self._framing.count))
        self._write(TAIL.pack(self._framing.count, self._digest.digest()))
        return self._at

    def close(self) -> None:
        """Remove the file; what was kept of it stays."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        self._digest.update(content)
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._at += len(content)


def _checked(file: BinaryIO, size: int) -> bytes | None:
    """Check a file, and return its content if it is small; raises DamagedError."""
    content = file.read() if size <= AT_ONCE else None
    body = size - TAIL.size
    digest = hashlib.sha256()
    if content is not None:
        digest.update(memoryview(content)[:body])
        tail, magic = content[body:], content[: len(MAGIC)]
    else:
        magic = file.read(len(MAGIC))
        file.seek(0)
        left = body
        while left > 0 and (block := file.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
        tail = file.read(TAIL.size)
    if body < len(MAGIC) or magic != MAGIC or len(tail) != TAIL.size:
        raise DamagedError("it is no whole file")
    count, said = TAIL.unpack(tail)
    digest.update(struct.pack("<Q", count))
    if digest.digest() != said:
        raise DamagedError("its bytes are not those that were written")
    return content


def _note_use(path: Path) -> None:
    """Put down when a file was used, for `make_room`."""
    with contextlib.suppress(OSError):  # removed meanwhile, or a disk that takes no change
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _identity(key: str, stat: os.stat_result) -> tuple[str, int, int, int]:
    return key, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether a locked file still has its name: whoever held the lock before has removed it."""
    try:
        there, ours = path.stat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
