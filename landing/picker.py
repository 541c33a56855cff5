"""Choosing a file for a field of a worksheet's form, folder by folder, with nothing but forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse

from auth.identity import Identity
from landing.pages import Pages
from landing.typed import text_of
from workspace_api.errors import NotFoundError
from workspace_api.files.kinds import endings, file_schema
from workspace_api.files.views import Folder
from workspace_api.projects.views import WorksheetView
from workspace_api.workspace import Workspace

OWN = frozenset(
    {"csrf", "at", "chosen", "every", "back"}
)  # what the picker itself sends; the rest is the form's


@dataclass(frozen=True)
class Choice:
    """What a file is chosen for: where the form goes, whose it is, the field's title, how names end."""

    action: str
    crumb: str
    title: str
    endings: tuple[str, ...]


def picker_page(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    sheet: WorksheetView,
    name: str,
    sent: FormData,
) -> HTMLResponse:
    """Return the page of the folder that was asked for last; raises NotFoundError for no field of files."""
    field = sheet.schema["properties"].get(name)
    if field is None or file_schema(field) is None:
        raise NotFoundError(f"This worksheet has no field “{name[:80]}” that takes a file.")
    title = field.get("title", name)
    action = f"/projects/{sheet.project}/worksheets/{quote(sheet.notebook)}/pick?field={quote(name)}"
    return folder_page(
        pages, request, services, caller, sent, Choice(action, sheet.title, title, endings(field))
    )


def folder_page(
    pages: Pages, request: Request, services: Workspace, caller: Identity, sent: FormData, choice: Choice
) -> HTMLResponse:
    """Return the page of the folder that was asked for last, with all that was typed into the form before."""
    wanted = () if text_of(sent, "every") else choice.endings
    folder, trouble = _folder(services, caller, text_of(sent, "at"), wanted)
    return pages.page(
        request,
        caller,
        "pick.html",
        choice=choice,
        kept=[(key, text) for key, text in sent.multi_items() if key not in OWN and isinstance(text, str)],
        folder=folder,
        trouble=trouble,
        wanted=[ending for ending in wanted if not ending.endswith((".gz", ".bgz"))],
        every=bool(text_of(sent, "every")),
    )


def with_file(schema: Mapping[str, Any], typed: Mapping[str, Any], name: str, chosen: str) -> dict[str, Any]:
    """Return what was typed with a file in the field `name`, beside those that a list has already."""
    field = schema["properties"].get(name, {})
    before = str(typed.get(name) or "").strip().rstrip(",")
    several = isinstance(field.get("items"), dict) and before and chosen
    return {**typed, name: f"{before}, {chosen}" if several else chosen or before}


def _folder(services: Workspace, caller: Identity, at: str, wanted: tuple[str, ...]) -> tuple[Folder, str]:
    try:
        return services.files.browse(caller, at, wanted), ""
    except NotFoundError as error:
        return services.files.browse(caller, ""), error.detail
