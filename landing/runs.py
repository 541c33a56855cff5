"""A run's page: wait, then read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.memory import Memory, Remembered
from landing.pages import WorkspacePages
from landing.previews import TablePreview, is_table, table_preview
from landing.thumbnails import thumbnail
from landing.values import values_shown
from landing.words import common_folder
from workspace_api.errors import NotFoundError
from workspace_api.http import Caller, Services
from workspace_api.runs.results import REPORT
from workspace_api.runs.tracks import tracks_of
from workspace_api.runs.views import RunFile, RunView
from workspace_api.workspace import Workspace

OUTPUTS = "outputs/"
MOST_SHOWN = 200
MOST_PREVIEWS = 6
LARGEST_PICTURE = 5_000_000
THUMBNAILS_KEPT_SECONDS = 3600.0
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$")]


@dataclass(frozen=True)
class FileShown:
    """One output by its path below the folder that all share; `picture` or `table` is its preview, if any."""

    file: RunFile
    name: str
    picture: bool = False
    table: TablePreview | None = None


Thumbnails = Annotated[Memory[bytes | None], Depends(Remembered("thumbnails", THUMBNAILS_KEPT_SECONDS))]
router = APIRouter(include_in_schema=False, prefix="/runs/{run_id}")


@router.get("", response_class=HTMLResponse)
def run(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    run_id: Id,
    reused: bool = False,
) -> HTMLResponse:
    """Show how far a run is, or what it found."""
    view = services.runs.get(caller, run_id)
    files = list(services.runs.files(caller, run_id))
    waiting = not view.ended
    environment = services.environments.view(view.environment_key)
    outputs = [file for file in files if file.path.startswith(OUTPUTS)]
    folder = common_folder([file.path for file in outputs])
    return pages.page(
        request,
        caller,
        "run.html",
        run=view,
        reused=reused or view.cached_from is not None,
        report=any(file.path == REPORT for file in files),
        outputs=outputs_shown(services, caller, run_id, outputs, folder),
        folder=folder.removeprefix(OUTPUTS),
        values=values_shown(view.schema, view.parameters),
        records=[file for file in files if not file.path.startswith(OUTPUTS)],
        batch=services.batches.of_run(run_id),
        along_genome=bool(tracks_of(files)),
        output_count=len(outputs),
        log="" if view.state == "queued" else services.runs.log_tail(caller, run_id),
        environment=environment,
        building=waiting and not environment.settled,
        left=seconds_left(view),
    )


@router.post("/cancel")
def cancel(services: Services, caller: Caller, run_id: Id) -> Response:
    """End a run."""
    services.runs.cancel(caller, run_id)
    return RedirectResponse(f"/runs/{run_id}", 303)


@router.post("/rerun")
def rerun(services: Services, caller: Caller, run_id: Id) -> Response:
    """Compute a run again."""
    return RedirectResponse(f"/runs/{services.runs.rerun(caller, run_id).run.id}", 303)


@router.get("/thumbnail.webp")
def small_picture(kept: Thumbnails, services: Services, caller: Caller, run_id: Id) -> Response:
    """Give a small copy of the run's picture."""
    if not services.runs.get(caller, run_id).ended:
        raise NotFoundError("This run shows no picture yet.")

    def make() -> bytes | None:
        png = services.runs.picture(caller, run_id)
        return None if png is None else thumbnail(png)

    picture = kept.get(run_id, make)
    if picture is None:
        raise NotFoundError("This run shows no picture.")
    return Response(picture, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400"})


def outputs_shown(
    services: Workspace, caller: Identity, run_id: str, outputs: Sequence[RunFile], folder: str
) -> list[FileShown]:
    """Return the run's outputs below `folder`, at most two hundred, the first few with a preview."""
    shown, previews = [], 0
    for file in outputs[:MOST_SHOWN]:
        item = FileShown(file, file.path.removeprefix(folder))
        if previews < MOST_PREVIEWS:
            item = _with_preview(services, caller, run_id, item)
            previews += item.picture or item.table is not None
        shown.append(item)
    return shown


def _with_preview(services: Workspace, caller: Identity, run_id: str, shown: FileShown) -> FileShown:
    file = shown.file
    if file.media_type.startswith("image/"):
        return replace(shown, picture=file.size <= LARGEST_PICTURE)
    if not is_table(file.path):
        return shown
    opened = services.runs.open_file(caller, run_id, file.path)
    try:
        return replace(shown, table=table_preview(opened))
    finally:
        opened.close()


def seconds_left(run: RunView) -> float | None:
    """Return about how many seconds a running run still takes, or None where nobody can tell."""
    if run.state != "running" or run.estimate is None or run.seconds is None:
        return None
    left = run.estimate - run.seconds
    return left if left > 0 else None
