"""Batches: uploading a table, what is wrong with its rows, and the ranked table of what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.pages import WorkspacePages
from landing.picker import Choice, folder_page
from landing.typed import PREFIX, Form, fields_of, text_of, typed_values
from landing.values import values_shown
from workspace_api.batches.declaration import declared, without_own
from workspace_api.batches.ranking import ORDERS, STATES, Wanted
from workspace_api.batches.routes import source_of
from workspace_api.batches.views import BatchRow, BatchView
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    LimitReachedError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.paging import Page
from workspace_api.workspace import Workspace

ROWS_ON_A_PAGE = 50
BATCHES_ON_A_PAGE = 30
SHOWN_PROBLEMS = 100
TABLES = (".xlsx", ".xlsm", ".csv", ".tsv", ".txt", ".tab", ".vcf", ".gz", ".bgz")
REFUSALS = (InvalidInputError, LimitReachedError, UnavailableError)
ORDER_WORDS = {"down": "largest first", "up": "smallest first", "size": "largest either way first"}
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$")]


@dataclass(frozen=True)
class Asked:
    """How the table is narrowed and sorted, as the address has it."""

    state: Annotated[str, Query(max_length=40)] = ""
    q: Annotated[str, Query(max_length=200)] = ""
    least: Annotated[str, Query(max_length=40)] = ""
    sort: Annotated[str, Query(max_length=100)] = ""
    order: Annotated[str, Query(max_length=10)] = ""

    def address(self, **changes: Any) -> str:
        """Return the same in an address, with changes; what is empty is left out."""
        return urlencode({key: value for key, value in {**vars(self), **changes}.items() if value != ""})

    @property
    def wanted(self) -> Wanted:
        """The same for the service; raises InvalidInputError for a bound that is no number."""
        try:
            least = float(self.least.replace(",", ".")) if self.least.strip() else None
        except ValueError:
            words = f"“{self.least}” is not a number. Write it like 0.5."
            raise InvalidInputError("The table is not narrowed.", [FieldError("least", words)]) from None
        return Wanted(self.state, self.q, least, self.sort, self.order)


class BatchPage:
    """Shows the pages on which a batch is made and followed."""

    def __init__(self, pages: WorkspacePages) -> None:
        self._pages = pages

    def upload(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        project: str,
        notebook: str,
        ref: str,
        *,
        typed: Mapping[str, str] | None = None,
        error: WorkspaceError | None = None,
    ) -> HTMLResponse:
        """Return the page that asks for a table for a worksheet."""
        sheet = services.projects.worksheet(caller, project, notebook, ref or None)
        declaration = declared(sheet.schema)
        return self._pages.page(
            request,
            caller,
            "upload.html",
            status=error.status if error else 200,
            sheet=sheet,
            takes=declaration is not None,
            assembly=declaration.assembly if declaration else "",
            ref=ref,
            typed=typed or {"path": "", "title": ""},
            tables=",".join(TABLES),
            error=error,
        )

    def batch(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        view: BatchView,
        *,
        asked: Asked | None = None,
        page: int = 1,
        values: Mapping[str, Any] | None = None,
        error: WorkspaceError | None = None,
    ) -> HTMLResponse:
        """Return the page of a batch: its problems and form before it is started, its rows from then on."""
        asked = asked or Asked()
        rows, asked, narrowing = self._rows(services, caller, view, asked, page)
        chosen = without_own(view.schema)
        return self._pages.page(
            request,
            caller,
            "batch.html",
            status=error.status if error else (422 if narrowing else 200),
            batch=view,
            rows=rows,
            asked=asked,
            narrowing=narrowing,
            states=STATES,
            orders=[(order, ORDER_WORDS[order]) for order in ORDERS],
            problems=view.problems[:SHOWN_PROBLEMS],
            schema=chosen,
            values=values_shown(chosen, view.parameters or {}),
            fields=fields_of(chosen, values if values is not None else view.parameters or {}),
            errors={each.field: each.message for each in error.errors} if error else {},
            wrong=error.errors if error else (),
            refusal=error.detail if error and not error.errors else "",
            prefix=PREFIX,
            picks=False,
        )

    @staticmethod
    def _rows(
        services: Workspace, caller: Identity, view: BatchView, asked: Asked, page: int
    ) -> tuple[Page[BatchRow], Asked, Sequence[FieldError]]:
        """Return a page of rows; where the address asks for what there is not, all, and what is wrong."""
        if view.trouble is not None:
            return Page([], 0, 1, ROWS_ON_A_PAGE), asked, ()
        try:
            found = services.batches.rows(caller, view.id, asked.wanted, page=page, per_page=ROWS_ON_A_PAGE)
        except InvalidInputError as error:
            kept = replace(asked, state="", least="", sort="", order="")
            found = services.batches.rows(caller, view.id, kept.wanted, page=1, per_page=ROWS_ON_A_PAGE)
            return found, kept, error.errors
        return found, asked, ()


Shows = Annotated[BatchPage, Depends()]
router = APIRouter(include_in_schema=False, prefix="/batches")


@router.get("", response_class=HTMLResponse)
def batches(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """List one's own batches."""
    found = services.batches.list(caller, page=page, per_page=BATCHES_ON_A_PAGE)
    return pages.page(request, caller, "batches.html", batches=found)


@router.get("/new", response_class=HTMLResponse)
def new(
    shows: Shows,
    request: Request,
    services: Services,
    caller: SignedIn,
    project: Annotated[str, Query(max_length=510)],
    notebook: Annotated[str, Query(max_length=500)],
    ref: Annotated[str, Query(max_length=255)] = "",
) -> HTMLResponse:
    """Ask for a table."""
    return shows.upload(request, services, caller, project, notebook, ref)


@router.post("", response_class=HTMLResponse)
def check(shows: Shows, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Check a table, or say what is wrong with all of it."""
    project, notebook, ref = (text_of(sent, name) for name in ("project", "notebook", "ref"))
    typed = {name: text_of(sent, name) for name in ("path", "title")}
    try:
        made = services.batches.check(
            caller,
            project,
            notebook,
            source_of(sent.get("table"), typed["path"]),
            ref=ref or None,
            title=typed["title"],
        )
    except (*REFUSALS, ConflictError) as error:
        return shows.upload(request, services, caller, project, notebook, ref, typed=typed, error=error)
    return RedirectResponse(f"/batches/{made.id}", 303)


@router.post("/pick", response_class=HTMLResponse)
def pick(
    pages: WorkspacePages,
    shows: Shows,
    request: Request,
    services: Services,
    caller: SignedIn,
    sent: Form,
) -> HTMLResponse:
    """Let a table be chosen among the caller's files, and go back to the form with it."""
    project, notebook, ref = (text_of(sent, name) for name in ("project", "notebook", "ref"))
    chosen = text_of(sent, "chosen")
    if text_of(sent, "back") or chosen:
        typed = {"path": chosen or text_of(sent, "path"), "title": text_of(sent, "title")}
        return shows.upload(request, services, caller, project, notebook, ref, typed=typed)
    sheet = services.projects.worksheet(caller, project, notebook, ref or None)
    choice = Choice("/batches/pick", sheet.title, "The table", TABLES)
    return folder_page(pages, request, services, caller, sent, choice)


@router.get("/{batch_id}", response_class=HTMLResponse)
def batch(
    shows: Shows,
    request: Request,
    services: Services,
    caller: Caller,
    batch_id: Id,
    asked: Annotated[Asked, Depends()],
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Show how far a batch is, and its rows."""
    view = services.batches.get(caller, batch_id)
    return shows.batch(request, services, caller, view, asked=asked, page=page)


@router.post("/{batch_id}/start", response_class=HTMLResponse)
def start(
    shows: Shows, request: Request, services: Services, caller: Caller, batch_id: Id, sent: Form
) -> Response:
    """Start the run over all rows, or show the form again with what is wrong."""
    view = services.batches.get(caller, batch_id)
    values = typed_values(without_own(view.schema), sent)
    try:
        services.batches.start(caller, batch_id, values, from_form=True)
    except REFUSALS as error:
        return shows.batch(request, services, caller, view, values=values, error=error)
    return RedirectResponse(f"/batches/{batch_id}", 303)


@router.post("/{batch_id}/stop")
def stop(services: Services, caller: Caller, batch_id: Id) -> Response:
    """Stop the run."""
    services.batches.stop(caller, batch_id)
    return RedirectResponse(f"/batches/{batch_id}", 303)


@router.post("/{batch_id}/continue")
def resume(services: Services, caller: Caller, batch_id: Id) -> Response:
    """Continue with the rows that are left."""
    services.batches.resume(caller, batch_id)
    return RedirectResponse(f"/batches/{batch_id}", 303)
