"""A worksheet's page: the form to fill in, checked as it is filled."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, may
from landing.pages import WorkspacePages
from landing.picker import picker_page, with_file
from landing.projects import forkable
from landing.shelf import WorkspaceShelf
from landing.typed import PREFIX, Form, fields_of, text_of, typed_values, values_in_address
from workspace_api.batches.declaration import declared
from workspace_api.errors import (
    FieldError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.files.kinds import chosen_files
from workspace_api.http import Caller, Services
from workspace_api.projects.views import WorksheetView
from workspace_api.runs.limits import limits_of
from workspace_api.worksheets.formats import FormatError
from workspace_api.worksheets.forms import as_text
from workspace_api.worksheets.values import resolve_value
from workspace_api.workspace import Workspace

EARLIER_RUNS = 6
Part = Annotated[str, InPath(max_length=255)]
File = Annotated[str, InPath(max_length=500)]
Ref = Annotated[str | None, Query(max_length=255)]
Field = Annotated[str, Query(max_length=200)]


@dataclasses.dataclass(frozen=True)
class Filled:
    """A form as it stands: the values in it, what is wrong with them, and where they come from."""

    values: Mapping[str, Any]
    title: str = ""
    ref: str | None = None
    errors: Sequence[FieldError] = ()
    refusal: str = ""
    source: str | None = None

    @property
    def by_field(self) -> dict[str, str]:
        """The message of each wrong field."""
        return {error.field: error.message for error in self.errors}


@dataclasses.dataclass(frozen=True)
class Sent:
    """A form that was sent, and the worksheet that it is of."""

    form: FormData
    sheet: WorksheetView
    ref: str | None

    @property
    def typed(self) -> dict[str, Any]:
        """What was typed, by field."""
        return typed_values(self.sheet.schema, self.form)


def _sent(
    services: Services, caller: Caller, form: Form, namespace: Part, name: Part, notebook: File
) -> Sent:
    """Return the form of a call, with its worksheet at the version that the form names."""
    ref = text_of(form, "ref") or None
    return Sent(form, services.projects.worksheet(caller, f"{namespace}/{name}", notebook, ref), ref)


SentForm = Annotated[Sent, Depends(_sent)]


class WorksheetForm:
    """Shows worksheets' forms."""

    def __init__(self, pages: WorkspacePages, shelf: WorkspaceShelf) -> None:
        self._pages = pages
        self._shelf = shelf

    def page(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        sheet: WorksheetView,
        filled: Filled,
        *,
        status: int = 200,
    ) -> HTMLResponse:
        """Return the page of a worksheet with its form as `filled`."""
        earlier = services.runs.list(
            caller, project=sheet.project, notebook=sheet.notebook, per_page=EARLIER_RUNS
        )
        batch = declared(sheet.schema)
        return self._pages.page(
            request,
            caller,
            "worksheet.html",
            status=status,
            sheet=sheet,
            fields=[
                field
                for field in fields_of(sheet.schema, filled.values)
                if not batch or field.name != batch.journal
            ],
            takes_tables=batch is not None,
            picks=True,
            filled=filled,
            prefix=PREFIX,
            details=self._shelf.details(sheet.project, sheet.notebook),
            environment=services.environments.view(sheet.environment_key),
            earlier=earlier,
            limits=limits_of(services.settings.runs, sheet.resources),
            may_rebuild=may(caller, Action.REBUILD_ENVIRONMENT, PLATFORM),
            may_fork=forkable(caller, sheet.project, sheet.visibility),
        )

    def note(
        self, services: Workspace, caller: Identity, sheet: WorksheetView, name: str, value: Any
    ) -> HTMLResponse:
        """Return what to say beside one field."""
        field = sheet.schema["properties"].get(name)
        if field is None:
            raise NotFoundError(f"This worksheet has no field “{name[:80]}”.")
        error, read_as = "", ""
        try:
            resolved = resolve_value(field, value, from_form=True)
            for _, path in chosen_files({"properties": {name: field}}, {name: resolved}):
                services.files.check(caller, path)
            proper = as_text(resolved)
        except FormatError as problem:
            error = str(problem)
        else:
            read_as = proper if isinstance(value, str) and field.get("format") and proper != value else ""
        return self._pages.fragment("field_note.html", error=error, read_as=read_as)


Forms = Annotated[WorksheetForm, Depends()]
router = APIRouter(include_in_schema=False, prefix="/projects/{namespace}/{name}/worksheets")


@router.post("/{notebook:path}/validate", response_class=HTMLResponse)
def validate(form: Forms, services: Services, caller: Caller, sent: SentForm, field: Field) -> HTMLResponse:
    """Say what is wrong with one field, or how it was read."""
    return form.note(services, caller, sent.sheet, field, sent.typed.get(field))


@router.post("/{notebook:path}/pick", response_class=HTMLResponse)
def pick(
    pages: WorkspacePages,
    form: Forms,
    request: Request,
    services: Services,
    caller: Caller,
    sent: SentForm,
    field: Field,
) -> HTMLResponse:
    """Let a file be chosen for a field; the form comes along, and back again with the file in it."""
    chosen = text_of(sent.form, "chosen")
    if text_of(sent.form, "back") or chosen:
        typed = with_file(sent.sheet.schema, sent.typed, field, chosen)
        filled = Filled(typed, text_of(sent.form, "title"), sent.ref)
        return form.page(request, services, caller, sent.sheet, filled)
    return picker_page(pages, request, services, caller, sent.sheet, field, sent.form)


@router.get("/{notebook:path}", response_class=HTMLResponse)
def worksheet(
    form: Forms,
    request: Request,
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    notebook: File,
    ref: Ref = None,
    source: Annotated[str | None, Query(alias="from", max_length=24)] = None,
) -> HTMLResponse:
    """Show the form, empty or with the values of a link or an earlier run."""
    path = f"{namespace}/{name}"
    sheet = services.projects.worksheet(caller, path, notebook, ref)
    services.warm.expect()
    given = values_in_address(sheet.schema, request.query_params)
    title = ""
    if source is not None:
        run = services.runs.get(caller, source)
        given = {**run.parameters, **given}
        title = run.title if run.title != run.worksheet_title else ""
    return form.page(request, services, caller, sheet, Filled(given, title, ref, source=source))


@router.post("/{notebook:path}", response_class=HTMLResponse)
def run(form: Forms, request: Request, services: Services, caller: Caller, sent: SentForm) -> Response:
    """Start a run, or show the form again with what is wrong."""
    title = text_of(sent.form, "title")
    try:
        asked = services.runs.request(
            caller,
            sent.sheet.project,
            sent.sheet.notebook,
            ref=sent.ref,
            values=sent.typed,
            from_form=True,
            title=title or None,
            fresh=bool(text_of(sent.form, "fresh")),
        )
    except (InvalidInputError, LimitReachedError, UnavailableError) as error:
        filled = _refused(Filled(sent.typed, title, sent.ref), error)
        return form.page(request, services, caller, sent.sheet, filled, status=error.status)
    reused = "?reused=1" if asked.reused and asked.run.ended else ""
    return RedirectResponse(f"/runs/{asked.run.id}{reused}", 303)


def _refused(filled: Filled, error: WorkspaceError) -> Filled:
    """Return the form with what is wrong, in words beside the fields or above them."""
    if error.errors:
        return dataclasses.replace(filled, errors=error.errors)
    return dataclasses.replace(filled, refusal=error.detail)
