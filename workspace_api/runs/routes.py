"""Runs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from workspace_api.http import Caller, Listing, Paging, Services
from workspace_api.runs import serving
from workspace_api.runs.events import as_text
from workspace_api.runs.results import NOTEBOOK, REPORT
from workspace_api.runs.schemas import GenomeSchema, RunFilesSchema, RunRequest, RunSchema
from workspace_api.runs.views import Requested

router = APIRouter(prefix="/runs", tags=["runs"])
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$", description="A run's id.")]
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


@router.post("", status_code=202, responses={200: {"model": RunSchema}})
def request_run(services: Services, caller: Caller, body: RunRequest, response: Response) -> RunSchema:
    """Run a worksheet: 202 with the run, or 200 with an identical one that has finished already."""
    requested = services.runs.request(
        caller,
        body.project,
        body.notebook,
        ref=body.ref,
        values=body.parameters,
        title=body.title,
        fresh=body.fresh,
    )
    return _answer(requested, response)


@router.get("")
def list_runs(
    services: Services,
    caller: Caller,
    paging: Paging,
    project: Annotated[str | None, Query(description="Only runs of this project.")] = None,
    notebook: Annotated[str | None, Query(description="Only runs of this notebook.")] = None,
    state: Annotated[str | None, Query(description="Only runs in this state.")] = None,
) -> Listing[RunSchema]:
    """List the caller's own runs, newest first; a visitor's are those of their browser."""
    page = services.runs.list(
        caller,
        project=project,
        notebook=notebook,
        state=state,
        page=paging.page,
        per_page=paging.per_page,
    )
    return Listing[RunSchema].of(page, RunSchema.of)


@router.get("/{run_id}")
def get_run(services: Services, caller: Caller, run_id: Id) -> RunSchema:
    """Say how far a run is."""
    return RunSchema.of(services.runs.get(caller, run_id))


@router.get("/{run_id}/events", responses={200: {"content": {"text/event-stream": {}}}})
async def run_events(
    services: Services,
    caller: Caller,
    run_id: Id,
    offset: Annotated[int, Query(ge=0, description="From which byte of the log.")] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """Follow a run to its end: events `state`, `progress` and `log`."""
    await run_in_threadpool(services.runs.get, caller, run_id)
    begin = offset if last_event_id is None else last_event_id
    return StreamingResponse(
        as_text(services.runs.events(caller, run_id, begin)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.post("/{run_id}/cancel", status_code=202)
def cancel_run(services: Services, caller: Caller, run_id: Id) -> RunSchema:
    """End a run; what it has made by then is kept."""
    return RunSchema.of(services.runs.cancel(caller, run_id))


@router.post("/{run_id}/rerun", status_code=202)
def rerun(services: Services, caller: Caller, run_id: Id, response: Response) -> RunSchema:
    """Compute a run again, afresh, with the same commit and values."""
    return _answer(services.runs.rerun(caller, run_id), response)


@router.get("/{run_id}/report", response_class=Response, responses=HTML)
def run_report(services: Services, caller: Caller, run_id: Id) -> Response:
    """Give a run's report, which loads and executes nothing."""
    return serving.report(services.runs.open_file(caller, run_id, REPORT))


@router.get("/{run_id}/notebook", response_class=Response, responses=BYTES)
def run_notebook(services: Services, caller: Caller, run_id: Id) -> Response:
    """Give the notebook as it was executed."""
    return serving.plain(services.runs.open_file(caller, run_id, NOTEBOOK), attach=True)


@router.get("/{run_id}/picture", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def run_picture(services: Services, caller: Caller, run_id: Id) -> Response:
    """Give the first picture that the run's notebook shows; 404 where it shows none."""
    return serving.picture(services.runs.picture(caller, run_id))


@router.get("/{run_id}/files")
def run_files(services: Services, caller: Caller, run_id: Id) -> RunFilesSchema:
    """List the files of a run's results."""
    return RunFilesSchema.of(services.runs.files(caller, run_id))


@router.get("/{run_id}/files/{path:path}", response_class=Response, responses=BYTES)
def run_file(
    services: Services,
    caller: Caller,
    run_id: Id,
    path: str,
    wanted: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """Give one file of a run's results, or the part of it that the header Range asks for."""
    return serving.plain(services.runs.open_file(caller, run_id, path), wanted)


@router.get("/{run_id}/tracks")
def run_tracks(services: Services, caller: Caller, run_id: Id) -> GenomeSchema:
    """List those files of a run's results that lie along a genome, such as bigWig, BED and VCF files."""
    return GenomeSchema.of(services.runs.genome(caller, run_id))


@router.get("/{run_id}/crate", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def run_crate(services: Services, caller: Caller, run_id: Id) -> Response:
    """Give the results with their provenance as a Workflow Run RO-Crate, zipped."""
    return StreamingResponse(
        services.runs.crate(caller, run_id),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="run-{run_id[:6]}.crate.zip"'},
    )


def _answer(requested: Requested, response: Response) -> RunSchema:
    response.status_code = 200 if requested.run.ended else 202
    return RunSchema.of(requested.run)
