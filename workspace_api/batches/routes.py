"""Batches over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from workspace_api.batches.ranking import Wanted
from workspace_api.batches.schemas import BatchLineSchema, BatchRowSchema, BatchSchema, BatchStart
from workspace_api.http import Caller, Listing, Paging, Services

router = APIRouter(prefix="/batches", tags=["batches"])
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$", description="A batch's id.")]


@dataclass(frozen=True)
class RowsRequest:
    """Which rows of a batch are wanted, and in which order."""

    state: Annotated[str, Query(max_length=40, description="waiting, done or failed.")] = ""
    q: Annotated[str, Query(max_length=200, description="Part of the variant, the name or a text.")] = ""
    least: Annotated[
        float | None, Query(allow_inf_nan=False, description="Smallest size of the ranked value.")
    ] = None
    sort: Annotated[str, Query(max_length=100, description="A value, or row; else the rank.")] = ""
    order: Annotated[str, Query(max_length=10, description="down, up, or size (whatever the sign).")] = ""

    @property
    def wanted(self) -> Wanted:
        """The same for the service."""
        return Wanted(self.state, self.q, self.least, self.sort, self.order)


Rows = Annotated[RowsRequest, Depends()]


@router.post("", status_code=201)
def check(
    services: Services,
    caller: Caller,
    project: Annotated[str, Form(max_length=510, description="`namespace/name`.")],
    notebook: Annotated[str, Form(max_length=500, description="The worksheet's path in the project.")],
    table: Annotated[UploadFile, File(description="CSV, TSV or VCF, packed with gzip or not.")],
    ref: Annotated[str, Form(max_length=255, description="Tag, branch or commit.")] = "",
    title: Annotated[str, Form(max_length=1000, description="What to call it.")] = "",
) -> BatchSchema:
    """Check every row of a table for a worksheet that takes batches; nothing is started."""
    made = services.batches.check(
        caller,
        project,
        notebook,
        ref=ref or None,
        filename=table.filename or "",
        data=table.file.read(),
        title=title,
    )
    return BatchSchema.of(made)


@router.get("")
def batches(services: Services, caller: Caller, paging: Paging) -> Listing[BatchLineSchema]:
    """List the caller's own batches, newest first."""
    page = services.batches.list(caller, page=paging.page, per_page=paging.per_page)
    return Listing[BatchLineSchema].of(page, BatchLineSchema.of)


@router.get("/{batch_id}")
def one(services: Services, caller: Caller, batch_id: Id) -> BatchSchema:
    """Say how far a batch is, and what is wrong with the rows that were left out."""
    return BatchSchema.of(services.batches.get(caller, batch_id))


@router.post("/{batch_id}/start", status_code=202)
def start(services: Services, caller: Caller, batch_id: Id, body: BatchStart) -> BatchSchema:
    """Start the run over all of its rows."""
    return BatchSchema.of(services.batches.start(caller, batch_id, body.parameters))


@router.post("/{batch_id}/stop", status_code=202)
def stop(services: Services, caller: Caller, batch_id: Id) -> BatchSchema:
    """Stop it; rows that are done stay so."""
    return BatchSchema.of(services.batches.stop(caller, batch_id))


@router.post("/{batch_id}/continue", status_code=202)
def resume(services: Services, caller: Caller, batch_id: Id) -> BatchSchema:
    """Continue with the rows that are not done; those that failed are tried again."""
    return BatchSchema.of(services.batches.resume(caller, batch_id))


@router.get("/{batch_id}/rows")
def rows(
    services: Services, caller: Caller, batch_id: Id, paging: Paging, asked: Rows
) -> Listing[BatchRowSchema]:
    """List its rows with what became of each, ranked."""
    page = services.batches.rows(caller, batch_id, asked.wanted, page=paging.page, per_page=paging.per_page)
    return Listing[BatchRowSchema].of(page, BatchRowSchema.of)


@router.get("/{batch_id}/table", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def table(services: Services, caller: Caller, batch_id: Id, asked: Rows) -> Response:
    """Give its rows as CSV, in the same order and narrowed alike."""
    pieces = services.batches.table(caller, batch_id, asked.wanted)
    headers = {"Content-Disposition": f'attachment; filename="batch-{batch_id[:6]}.csv"'}
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)
