"""A run's tracks along the genome: drawn by igv.js where there is JavaScript, and as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse

from landing.pages import WorkspacePages
from landing.words import common_folder
from workspace_api.genomes import CHROMOSOMES
from workspace_api.http import Caller, Services
from workspace_api.runs.tracks import GenomeView, Track
from workspace_api.worksheets.formats import FormatError, genomic_interval

DRAWN_AT_FIRST = 8
ALLELES = re.compile("reference|alternate")
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$")]


@dataclass(frozen=True)
class TrackShown:
    """A track in the table: its path below the folder of all, where its file is, whether it is drawn."""

    track: Track
    name: str
    url: str
    index_url: str
    drawn: bool


router = APIRouter(include_in_schema=False, prefix="/runs/{run_id}/genome")


@router.get("", response_class=HTMLResponse)
def genome(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    run_id: Id,
    place: Annotated[str, Query(max_length=200)] = "",
    assembly: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Show the tracks of a run, at `place` or where its data begin."""
    run, view = services.runs.get(caller, run_id), services.runs.genome(caller, run_id)
    chosen = assembly if assembly in CHROMOSOMES else view.assembly
    first = _begin(view, chosen)
    shown, trouble = place.strip() or first, ""
    try:
        shown = genomic_interval(shown, {"x-assembly": chosen})
    except FormatError as error:
        trouble = str(error)
    return pages.page(
        request,
        caller,
        "genome.html",
        status=422 if trouble and place else 200,
        run=run,
        tracks=tracks_shown(run_id, view),
        assembly=chosen,
        assemblies=list(CHROMOSOMES),
        place=shown,
        begin=first if trouble else shown,
        trouble=trouble,
    )


def tracks_shown(run_id: str, view: GenomeView) -> list[TrackShown]:
    """Return the rows of the table; the first few that can be drawn are.

    Places and variants come before signals, and signals of the two alleles, which are named alike but for
    that word, side by side.
    """
    shown, left = [], DRAWN_AT_FIRST
    folder = common_folder([track.path for track in view.tracks])
    for track in sorted(view.tracks, key=lambda track: (track.type == "wig", ALLELES.sub("", track.path))):
        drawn = track.trouble is None and left > 0
        left -= drawn
        index = _address(run_id, track.index) if track.index else ""
        name = track.path.removeprefix(folder)
        shown.append(TrackShown(track, name, _address(run_id, track.path), index, drawn))
    return shown


def _begin(view: GenomeView, assembly: str) -> str:
    """Return the place to begin with, within its chromosome; the start of the first where none is known."""
    place, lengths = view.place, CHROMOSOMES[assembly]
    if place is None or place.start >= lengths.get(place.chromosome, 0):
        name, length = next(iter(lengths.items()))
        return f"{name}:0-{length}"
    return f"{place.chromosome}:{place.start}-{min(place.end, lengths[place.chromosome])}"


def _address(run_id: str, path: str) -> str:
    return f"/api/v1/runs/{run_id}/files/{quote(path)}"
