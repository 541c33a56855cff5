"""Files of a run that lie along a genome: which there are, how each is drawn, and where its data begin."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workspace_api.genomes import CHROMOSOMES
from workspace_api.runs.bigwig import Stretch, first_stretch
from workspace_api.runs.views import OpenFile, RunFile
from workspace_api.worksheets.formats import FORMATS

Open = Callable[[str], OpenFile]

MOST_TRACKS = 200
LOOKED_AT = 64_000
LARGEST_WHOLE = 20_000_000
AROUND_VARIANT = 5_000
PACKED = (".gz", ".bgz")
# How a name ends: what the file holds in words, the viewer's name of the format, of the track, and whether
# the file has an index of its own, so that only what is looked at is read.
KINDS: Mapping[str, tuple[str, str, str, bool]] = {
    ".bw": ("Signal (bigWig)", "bigwig", "wig", True),
    ".bigwig": ("Signal (bigWig)", "bigwig", "wig", True),
    ".bedgraph": ("Signal (bedGraph)", "bedgraph", "wig", False),
    ".bb": ("Features (bigBed)", "bigbed", "annotation", True),
    ".bigbed": ("Features (bigBed)", "bigbed", "annotation", True),
    ".bed": ("Features (BED)", "bed", "annotation", False),
    ".narrowpeak": ("Peaks (narrowPeak)", "narrowpeak", "annotation", False),
    ".broadpeak": ("Peaks (broadPeak)", "broadpeak", "annotation", False),
    ".gff3": ("Features (GFF3)", "gff3", "annotation", False),
    ".gtf": ("Features (GTF)", "gtf", "annotation", False),
    ".vcf": ("Variants (VCF)", "vcf", "variant", False),
}
PLACES = ("genomic-variant", "genomic-interval")
USUAL = next(iter(CHROMOSOMES))
FROM_ONE = ("vcf", "gff3", "gtf")  # these count positions from 1, and have the position in another column
COLUMN = {"vcf": 1, "gff3": 3, "gtf": 3}
NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True)
class Track:
    """One file along a genome; `starts` is where its data begin, as far as that could be told.

    `index` is the path of its tabix index, if it has one. `trouble` says in words why it cannot be drawn.
    """

    path: str
    kind: str
    format: str
    type: str
    size: int
    index: str | None = None
    starts: Stretch | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class GenomeView:
    """What of a run can be looked at along a genome, and the stretch to begin with, if any is known."""

    assembly: str
    place: Stretch | None
    tracks: tuple[Track, ...]


def tracks_of(files: Sequence[RunFile]) -> list[Track]:
    """Return the files of a run that lie along a genome, by name, at most two hundred."""
    paths = {file.path for file in files}
    found = []
    for file in files:
        ending, packed = _ending(file.path)
        if ending not in KINDS or (packed and KINDS[ending][3]):
            continue
        kind, form, drawn_as, indexed = KINDS[ending]
        index = f"{file.path}.tbi" if packed and f"{file.path}.tbi" in paths else None
        trouble = None
        if file.size > LARGEST_WHOLE and not indexed and index is None:
            trouble = (
                f"It has more than {LARGEST_WHOLE / 1e6:.0f} MB and no index, so it would have to be loaded "
                "whole. Write a bigWig or bigBed, or a .gz with its .tbi."
            )
        found.append(Track(file.path, kind, form, drawn_as, file.size, index, trouble=trouble))
    return found[:MOST_TRACKS]


def genome_view(
    schema: Mapping[str, Any], parameters: Mapping[str, Any], files: Sequence[RunFile], opened: Open
) -> GenomeView:
    """Return a run's tracks and where to begin: at the region or variant it was asked about, else at data."""
    tracks = tuple(replace(track, starts=_starts(track, opened)) for track in tracks_of(files))
    assembly, asked = _asked(schema, parameters)
    first = next((track.starts for track in tracks if track.starts and track.trouble is None), None)
    return GenomeView(assembly, asked or first, tracks)


def _ending(path: str) -> tuple[str, bool]:
    """Return how a name ends, without what says that it is packed, and whether it is."""
    name = path.lower()
    packed = name.endswith(PACKED)
    return os.path.splitext(os.path.splitext(name)[0] if packed else name)[1], packed  # noqa: PTH122


def _asked(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[str, Stretch | None]:
    """Return the assembly that a run's parameters speak of, and the first place that they name."""
    said = None
    for name, field in schema.get("properties", {}).items():
        items = field.get("items")
        part = items if "format" not in field and isinstance(items, dict) else field
        assembly = str(part.get("x-assembly", USUAL))
        said = assembly if "x-assembly" in part and said is None else said
        form, value = str(part.get("format", "")), parameters.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if form in PLACES and isinstance(first, str) and first:
            return assembly, _place(form, first, assembly)
    return said or USUAL, None


def _place(form: str, value: str, assembly: str) -> Stretch:
    chromosome, _, rest = FORMATS[form](value, {"x-assembly": assembly}).partition(":")
    if form == "genomic-interval":
        start, _, end = rest.partition("-")
        return Stretch(chromosome, int(start), int(end))
    position = int(rest.partition(":")[0])
    length = CHROMOSOMES[assembly][chromosome]
    return Stretch(chromosome, max(0, position - AROUND_VARIANT), min(length, position + AROUND_VARIANT))


def _starts(track: Track, opened: Open) -> Stretch | None:
    file = opened(track.path)
    try:
        if KINDS[_ending(track.path)[0]][3]:
            return first_stretch(file.fd)
        return next(_places(track.format, _lines(file)), None)
    finally:
        file.close()


def _lines(file: OpenFile) -> list[str]:
    """Return the first whole lines of a file, unpacked where it is packed."""
    data = os.pread(file.fd, LOOKED_AT, 0)
    if _ending(file.path)[1]:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, LOOKED_AT)
        except zlib.error:
            return []
    lines = data.decode("utf-8", "replace").splitlines()
    return lines if len(data) < LOOKED_AT else lines[:-1]


def _places(form: str, lines: Sequence[str]) -> Iterator[Stretch]:
    """Yield where each line's feature lies, with something around it; lines that are none are passed over."""
    column = COLUMN.get(form, 1)
    for line in lines:
        cells = line.split("\t")
        if line.startswith(("#", "track", "browser")) or len(cells) <= column + 1:
            continue
        if not NUMBER.fullmatch(cells[column]):
            continue
        start = int(cells[column]) - (form in FROM_ONE)
        says_end = form != "vcf" and NUMBER.fullmatch(cells[column + 1])
        end = max(start + 1, int(cells[column + 1]) if says_end else start + 1)
        around = max(200, end - start)
        yield Stretch(cells[0][:60], max(0, start - around), end + around)
