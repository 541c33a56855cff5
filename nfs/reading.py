"""Who may read what in shares: the permissions of files, asked for a person whose programs are not ours."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from nfs.beneath import UnsafePathError, enter, open_plain, parts_of

READ, ENTER = 4, 1


@dataclass(frozen=True)
class Reader:
    """Somebody as the system knows their programs: user and group numbers."""

    uid: int
    gids: frozenset[int]


@dataclass(frozen=True)
class Seen:
    """Something in a folder; `size` is in bytes."""

    name: str
    folder: bool
    size: int


def may(wanted: int, status: os.stat_result, reader: Reader) -> bool:
    """Whether the permissions of a file let `reader` do what is `wanted`: READ it, or ENTER a folder."""
    if status.st_uid == reader.uid:
        return bool(status.st_mode >> 6 & wanted)
    if status.st_gid in reader.gids:
        return bool(status.st_mode >> 3 & wanted)
    return bool(status.st_mode & wanted)


def open_for(at: int, path: str, reader: Reader) -> int:
    """Open a plain file below the folder `at` for somebody and return its descriptor.

    No link is followed. Raises UnsafePathError, FileNotFoundError, and PermissionError where they may not.
    """
    *folders, name = parts_of(path)
    below = descend(at, folders, reader)
    try:
        descriptor = open_plain(below, name)
    finally:
        os.close(below)
    if not _allowed(READ, os.fstat(descriptor), reader):
        os.close(descriptor)
        raise PermissionError(path)
    return descriptor


def descend(at: int, names: Sequence[str], reader: Reader) -> int:
    """Open the folder `names` below `at` for somebody and return its descriptor; raises as `open_for`."""
    descriptor = os.dup(at)
    try:
        for name in names:
            below = enter(descriptor, name)
            os.close(descriptor)
            descriptor = below
            if not _allowed(ENTER, os.fstat(descriptor), reader):
                raise PermissionError(name)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def listing(at: int, reader: Reader, most: int) -> tuple[list[Seen], bool]:
    """Return what is in the open folder `at` and can be read by somebody, by name, and whether that is all.

    Hidden names, links, pipes, devices and names that no page could show are passed over.
    """
    if not _allowed(READ, os.fstat(at), reader):
        raise PermissionError("the folder")
    found = []
    with os.scandir(at) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.name.isprintable():
                continue
            with suppress(FileNotFoundError, UnsafePathError):
                status = entry.stat(follow_symlinks=False)
                folder = stat.S_ISDIR(status.st_mode)
                if not folder and not stat.S_ISREG(status.st_mode):
                    continue
                if _allowed(ENTER if folder else READ, status, reader):
                    found.append(Seen(entry.name, folder, status.st_size))
            if len(found) > most * 10:  # a folder without end is not read to its end
                break
    found.sort(key=lambda seen: (not seen.folder, seen.name.lower(), seen.name))
    return found[:most], len(found) <= most


def _allowed(wanted: int, status: os.stat_result, reader: Reader) -> bool:
    """Whether `reader` may; where all files belong to the workspace's account, the share alone decides."""
    return os.geteuid() != 0 or may(wanted, status, reader)
