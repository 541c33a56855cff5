"""Writes a small bigWig with the standard library alone, so that any notebook of a test can."""

from __future__ import annotations


def write_bigwig(path, chromosome, length, start, values, span=1, number=0):
    """Write `values`, one for each `span` bp from `start` on, of a chromosome with the id `number`."""
    import struct
    from pathlib import Path

    name = chromosome.encode()
    end = start + span * len(values)
    tree_at, summary_at = 104, 64
    tree = struct.pack("<IIIIQQ", 0x78CA8C91, 1, len(name), 8, 1, 0)
    tree += struct.pack("<BBH", 1, 0, 1) + name + struct.pack("<II", number, length)
    data_at = tree_at + len(tree)
    section = struct.pack("<IIIIIBBH", number, start, end, span, span, 3, 0, len(values))
    section += struct.pack(f"<{len(values)}f", *values)
    index_at = data_at + 8 + len(section)
    index = struct.pack("<IIQIIII", 0x2468ACE0, 256, 1, number, start, number, end)
    index += struct.pack("<QII", index_at, 1, 0)
    index += struct.pack("<BBH", 1, 0, 1)
    index += struct.pack("<IIIIQQ", number, start, number, end, data_at + 8, len(section))
    head = struct.pack(
        "<IHHQQQHHQQIQ", 0x888FFC26, 4, 0, tree_at, data_at, index_at, 0, 0, 0, summary_at, 0, 0
    )
    total = sum(values)
    summary = struct.pack("<Qdddd", end - start, min(values), max(values), total, sum(v * v for v in values))
    Path(path).write_bytes(head + summary + tree + struct.pack("<Q", 1) + section + index)
