"""Batches over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile as StarletteFile
from starlette.responses import Response, StreamingResponse

from workspace_api import csrf
from workspace_api.batches.making import not_taken
from workspace_api.batches.ranking import Wanted
from workspace_api.batches.schemas import (
    BatchForm,
    BatchLineSchema,
    BatchRequest,
    BatchRowSchema,
    BatchSchema,
    BatchStart,
)
from workspace_api.batches.sources import Kept, Sent, Source, Uploaded
from workspace_api.http import Caller, Listing, Paging, Services

router = APIRouter(prefix="/batches", tags=["batches"])
over_rows = APIRouter(prefix="/runs", tags=["batches"])
Asked = TypeVar("Asked", bound=BaseModel)
BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": BatchRequest.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    **(form := BatchForm.model_json_schema()),
                    "properties": {**form["properties"], "table": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
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


def source_of(table: object, path: str) -> Source:
    """Return where the rows come from: an uploaded file, or a chosen one. Raises InvalidInputError."""
    if isinstance(table, StarletteFile) and table.filename:
        return Uploaded(table.filename, table.file.read())
    if path.strip():
        return Kept(path)
    words = "No file was chosen. Choose a table of variants."
    raise not_taken("table", words)


@router.post("", status_code=201)
def check(
    services: Services,
    caller: Caller,
    project: Annotated[str, Form(max_length=510, description="`namespace/name`.")],
    notebook: Annotated[str, Form(max_length=500, description="The worksheet's path in the project.")],
    table: Annotated[
        UploadFile | None, File(description="Excel, CSV, TSV or VCF, the last three packed with gzip or not.")
    ] = None,
    path: Annotated[
        str, Form(max_length=1000, description="A table in your home or a share, in the place of a file.")
    ] = "",
    ref: Annotated[str, Form(max_length=255, description="Tag, branch or commit.")] = "",
    title: Annotated[str, Form(max_length=1000, description="What to call it.")] = "",
) -> BatchSchema:
    """Check every row of a table for a worksheet that takes batches; nothing is started."""
    made = services.batches.check(
        caller,
        project,
        notebook,
        source_of(table, path),
        ref=ref or None,
        title=title,
    )
    return BatchSchema.of(made)


async def read_asked(request: Request) -> tuple[BatchRequest | BatchForm, object]:
    """Return what `POST /runs/batch` was sent, JSON or a form, and the file of a form."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form()
        fields = {name: value for name, value in form.items() if name not in ("table", csrf.FIELD)}
        return _read(BatchForm.model_validate, fields), form.get("table")
    return _read(BatchRequest.model_validate_json, await request.body()), None


def _read(validate: Callable[[Any], Asked], sent: object) -> Asked:
    try:
        return validate(sent)
    except ValidationError as error:
        problems: list[Any] = error.errors()
        raise RequestValidationError([{**told, "loc": ("body", *told["loc"])} for told in problems]) from None


@over_rows.post("/batch", status_code=202, openapi_extra=BODIES)
def run_over_rows(
    services: Services,
    caller: Caller,
    asked: Annotated[tuple[BatchRequest | BatchForm, object], Depends(read_asked)],
) -> BatchSchema:
    """Run a worksheet over rows or a table: one run for all where it takes batches, else one for each."""
    body, table = asked
    source = Sent(body.rows) if isinstance(body, BatchRequest) else source_of(table, body.path)
    made = services.batches.run(
        caller,
        body.project,
        body.notebook,
        source,
        body.parameters,
        ref=body.ref or None,
        title=body.title,
        fresh=body.fresh,
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
