"""Files below a folder that belongs to somebody else: links are never followed, only plain files are opened.

Who owns a folder may at any moment replace anything in it by a symbolic link to `/etc` or by a pipe that
blocks its reader. So every step is taken relative to an open folder (`openat`) and refuses links.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REFUSED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EMLINK, errno.ENAMETOOLONG})
DEEPEST = 40
PARTIAL_BYTES = 8
UNTIL_LOCKED_SECONDS = 10.0  # whoever has just made a file has still to lock it


class UnsafePathError(OSError):
    """A path that leaves its folder, or meets a link or something that is no plain file or folder."""


@dataclass(frozen=True)
class Entry:
    """A plain file: its path below the folder that was walked, and its size in bytes."""

    path: str
    size: int


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names of a relative path; raises UnsafePathError for one that could leave its folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise UnsafePathError(f"“{path[:200]!s}” is no path below a folder")
    return parts


@contextmanager
def folder(root: Path, *names: str, create: bool = False, owner: int | None = None) -> Iterator[int]:
    """Open the folder `names` below `root` and give its descriptor, closed when the block ends.

    With `create` missing folders are made, and given to the user id `owner`. Raises UnsafePathError where a
    link or a file is in the way, and FileNotFoundError.
    """
    descriptor = os.open(root, _FOLDER)
    try:
        for name in names:
            below = enter(descriptor, name, create=create, owner=owner)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def enter(at: int, name: str, *, create: bool = False, owner: int | None = None) -> int:
    """Open the folder `name` in the folder `at` and return its descriptor; else as `folder`."""
    if name in ("", ".", "..") or "/" in name:
        raise UnsafePathError(f"“{name}” is no name of a folder")
    if create:
        _make(at, name, owner)
    try:
        return os.open(name, _FOLDER, dir_fd=at)
    except OSError as error:
        if error.errno in _REFUSED:
            raise UnsafePathError(f"“{name}” is a link or no folder") from error
        raise


def open_plain(at: int, path: str) -> int:
    """Open a plain file below the folder `at` for reading and return its descriptor.

    Raises UnsafePathError for a link, a pipe, a device or a folder, and FileNotFoundError.
    """
    *folders, name = parts_of(path)
    descriptor = os.dup(at)
    try:
        for step in folders:
            below = enter(descriptor, step)
            os.close(descriptor)
            descriptor = below
        return _open_plain(descriptor, name)
    finally:
        os.close(descriptor)


def read_plain(at: int, path: str, most: int) -> bytes:
    """Return at most `most` bytes of a plain file below the folder `at`; raises as `open_plain` does."""
    with os.fdopen(open_plain(at, path), "rb") as file:
        return file.read(most)


def walk(at: int, *, skip: frozenset[str] = frozenset(), most: int = 100_000) -> Iterator[Entry]:
    """Yield the plain files below the folder `at`, by name, at most `most` of them.

    Links, pipes and devices are passed over, as are files and folders named in `skip`, whatever lies more
    than 40 folders deep, names that no page and no archive could give, and what vanishes meanwhile.
    """
    left = most
    for entry in _walk(at, "", skip, DEEPEST):
        if left == 0:
            return
        left -= 1
        yield entry


def give_to(at: int, uid: int) -> None:
    """Make user and group `uid` the owner of the folder `at` and everything below, links themselves."""
    os.fchown(at, uid, uid)
    for name in os.listdir(at):
        if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            below = enter(at, name)
            try:
                give_to(below, uid)
            finally:
                os.close(below)
        else:
            os.chown(name, uid, uid, dir_fd=at, follow_symlinks=False)


def write_new(at: int, name: str, data: bytes) -> None:
    """Write the new file `name` in the folder `at`; raises FileExistsError, UnsafePathError for no name."""
    if len(parts_of(name)) != 1:
        raise UnsafePathError(f"“{name}” is no name of a file")
    with os.fdopen(os.open(name, _NEW, 0o644, dir_fd=at), "wb") as file:
        file.write(data)


def replace_file(at: int, name: str, pieces: Iterable[bytes], owner: int | None = None) -> None:
    """Put a file in the place of `name` in the folder `at`, whole or not at all, as the user id `owner`'s.

    What an earlier call left behind that was killed is removed. A link of that name is replaced and never
    followed. Raises UnsafePathError for no name, and IsADirectoryError where a folder has it.
    """
    if len(parts_of(name)) != 1:
        raise UnsafePathError(f"“{name}” is no name of a file")
    _remove_left_over(at, name)
    partial = f".{name}.{secrets.token_hex(PARTIAL_BYTES)}"
    try:
        with os.fdopen(os.open(partial, _NEW, 0o644, dir_fd=at), "wb") as file:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if owner is not None:
                os.fchown(file.fileno(), owner, owner)
            file.writelines(pieces)
            file.flush()
            os.rename(partial, name, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=at)
        raise


def copy_plain(origin: int, path: str, target: int, name: str) -> None:
    """Copy a plain file below the folder `origin` to the new file `name` below the folder `target`.

    Folders of `name` are made as needed. Raises as `open_plain` does, and FileExistsError.
    """
    *folders, last = parts_of(name)
    at = os.dup(target)
    try:
        for step in folders:
            below = enter(at, step, create=True)
            os.close(at)
            at = below
        with (
            os.fdopen(open_plain(origin, path), "rb") as reading,
            os.fdopen(os.open(last, _NEW, 0o644, dir_fd=at), "wb") as writing,
        ):
            shutil.copyfileobj(reading, writing, 1 << 20)
    finally:
        os.close(at)


def copy_tree(source: Path, at: int, name: str) -> None:
    """Copy the plain files of the folder `source` into the new folder `name` in the folder `at`."""
    os.mkdir(name, 0o755, dir_fd=at)
    target = enter(at, name)
    try:
        with folder(source) as origin:
            for entry in walk(origin):
                copy_plain(origin, entry.path, target, entry.path)
    finally:
        os.close(target)


def remove_tree(at: int, name: str) -> None:
    """Remove the folder `name` with all in it from the folder `at`; nothing happens when it is not there."""
    with suppress(FileNotFoundError):
        shutil.rmtree(name, dir_fd=at)


def _remove_left_over(at: int, name: str) -> None:
    """Remove what writers of `name` left behind that were killed: who still writes holds a lock on it."""
    left = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{{2 * PARTIAL_BYTES}}}")
    for each in filter(left.fullmatch, os.listdir(at)):
        with suppress(OSError):  # it is no plain file, is being written, or has its name by now
            descriptor = os.open(each, _PLAIN | os.O_RDWR, dir_fd=at)  # locks of NFS are for who may write
            try:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > UNTIL_LOCKED_SECONDS:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(each, dir_fd=at)
            finally:
                os.close(descriptor)


def _make(at: int, name: str, owner: int | None) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=at)
    except FileExistsError:
        return
    if owner is not None:
        os.chown(name, owner, owner, dir_fd=at, follow_symlinks=False)


def _open_plain(at: int, name: str) -> int:
    try:
        descriptor = os.open(name, _PLAIN, dir_fd=at)
    except OSError as error:
        if error.errno in _REFUSED:
            raise UnsafePathError(f"“{name}” is a link or no file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafePathError(f"“{name}” is no plain file")
    return descriptor


def _walk(at: int, prefix: str, skip: frozenset[str], depth: int) -> Iterator[Entry]:
    with os.scandir(at) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in skip or not entry.name.isprintable():
            continue
        if entry.is_dir(follow_symlinks=False) and depth:
            with suppress(FileNotFoundError, UnsafePathError):
                below = enter(at, entry.name)
                try:
                    yield from _walk(below, f"{prefix}{entry.name}/", skip, depth - 1)
                finally:
                    os.close(below)
        elif entry.is_file(follow_symlinks=False):
            with suppress(FileNotFoundError):
                yield Entry(prefix + entry.name, entry.stat(follow_symlinks=False).st_size)
