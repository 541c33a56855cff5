"""Where the data of a bigWig or bigBed file lie, from its index; the file is anybody's, and read as such."""

from __future__ import annotations

import os
import struct
from collections import deque
from dataclasses import dataclass

SIGNATURES = (0x888FFC26, 0x8789F2EB)  # bigWig, bigBed
TREE, INDEX = 0x78CA8C91, 0x2468ACE0
MOST_NODES = 64  # of the tree of names; a file of a hundred thousand scaffolds has more
LONGEST_NAME = 255


@dataclass(frozen=True)
class Stretch:
    """A part of a chromosome: `start` counts from 0, `end` is not in it."""

    chromosome: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.chromosome}:{self.start}-{self.end}"


def first_stretch(fd: int) -> Stretch | None:
    """Return where the file's data begin, on the first chromosome that has any; None for no such file."""
    try:
        return _first_stretch(fd)
    except (struct.error, ValueError, OSError, OverflowError):
        return None


def _first_stretch(fd: int) -> Stretch | None:
    head = os.pread(fd, 32, 0)
    order = next((sign for sign in "<>" if struct.unpack(f"{sign}I", head[:4])[0] in SIGNATURES), None)
    if order is None:
        return None
    tree, _, index = struct.unpack(f"{order}QQQ", head[8:32])
    magic, _, _, first, start, last, end = struct.unpack(f"{order}IIQIIII", os.pread(fd, 32, index))
    if magic != INDEX:
        return None
    found = _chromosome(fd, order, tree, first)
    if found is None:
        return None
    name, length = found
    stop = end if first == last else length
    return Stretch(name, start, stop) if start < stop else None


def _chromosome(fd: int, order: str, tree: int, wanted: int) -> tuple[str, int] | None:
    """Return name and length of the chromosome with the number `wanted`, from the tree at byte `tree`."""
    magic, _, key_size, _, _ = struct.unpack(f"{order}IIIIQ", os.pread(fd, 24, tree))
    if magic != TREE or not 0 < key_size <= LONGEST_NAME:
        return None
    nodes = deque([tree + 32])
    for _ in range(MOST_NODES):
        if not nodes:
            return None
        at = nodes.popleft()
        leaf, _, count = struct.unpack(f"{order}BBH", os.pread(fd, 4, at))
        for key, value in struct.iter_unpack(f"{key_size}s8s", _items(fd, at + 4, count, key_size + 8)):
            if not leaf:
                nodes.append(struct.unpack(f"{order}Q", value)[0])
                continue
            number, length = struct.unpack(f"{order}II", value)
            if number == wanted:
                return key.rstrip(b"\0").decode("ascii"), length
    return None


def _items(fd: int, at: int, count: int, size: int) -> bytes:
    """Return the items of a node, whole ones only where the file ends early."""
    read = os.pread(fd, count * size, at)
    return read[: len(read) - len(read) % size]
