"""Groups: one's own, and each with its members, storage and projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, GroupFacts, NamespaceFacts, Role, may
from landing.memory import Memory, Remembered
from landing.pages import WorkspacePages
from landing.typed import Form, text_of
from workspace_api.errors import ConflictError, InvalidInputError, UnavailableError, WorkspaceError
from workspace_api.forge.views import ForgeProject
from workspace_api.groups.views import Removed
from workspace_api.http import Services, SignedIn
from workspace_api.workspace import Workspace

GROUPS_ON_A_PAGE = 30
MEMBERS_ON_A_PAGE = 50
REMEMBERED_SECONDS = 60.0
ROLES = (
    (Role.READER, "reads files and projects"),
    (Role.WRITER, "also changes them"),
    (Role.ADMIN, "also decides who is a member"),
)
REFUSALS = (InvalidInputError, ConflictError)
Name = Annotated[str, InPath(max_length=64)]
Number = Annotated[int, Query(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class Refused:
    """A form that was sent and refused: which one, why, and what was typed in it."""

    form: str
    error: WorkspaceError
    typed: dict[str, str]


class _Groups:
    """Draws the pages of groups; how much a group's files take up is looked at once a minute."""

    def __init__(
        self,
        pages: WorkspacePages,
        used: Annotated[Memory[int], Depends(Remembered("group storage", REMEMBERED_SECONDS))],
    ) -> None:
        self._pages = pages
        self._used = used

    def all(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        *,
        page: int = 1,
        refused: Refused | None = None,
        removed: Removed | None = None,
    ) -> HTMLResponse:
        """Return the page of the caller's groups."""
        return self._pages.page(
            request,
            caller,
            "groups.html",
            status=refused.error.status if refused else 200,
            groups=services.groups.overview(caller, page, GROUPS_ON_A_PAGE),
            may_make=may(caller, Action.CREATE_GROUP, PLATFORM),
            removed=removed,
            **_said(refused),
        )

    def one(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        name: str,
        *,
        page: int = 1,
        refused: Refused | None = None,
    ) -> HTMLResponse:
        """Return the page of a group."""
        group = services.groups.get(caller, name)
        projects, missing = _projects(services, caller, name)
        return self._pages.page(
            request,
            caller,
            "group.html",
            status=refused.error.status if refused else 200,
            group=group,
            members=services.groups.members(caller, name, page, MEMBERS_ON_A_PAGE),
            governs=may(caller, Action.CHANGE_GROUP, GroupFacts(group.role)),
            may_make_project=may(caller, Action.CREATE_PROJECT, NamespaceFacts(role=group.role)),
            roles=ROLES,
            used=self._used.get((name, group.gid), lambda: services.groups.used_bytes(caller, name)),
            projects=projects,
            projects_missing=missing,
            **_said(refused),
        )


Shown = Annotated[_Groups, Depends()]
router = APIRouter(include_in_schema=False, prefix="/groups")


@router.get("", response_class=HTMLResponse)
def groups(
    shown: Shown, request: Request, services: Services, caller: SignedIn, page: Number = 1
) -> HTMLResponse:
    """List one's own groups."""
    return shown.all(request, services, caller, page=page)


@router.post("", response_class=HTMLResponse)
def make(shown: Shown, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Make a group and show it."""
    name, title = text_of(sent, "name").strip(), text_of(sent, "title")
    try:
        services.groups.create(caller, name, title)
    except REFUSALS as error:
        return shown.all(
            request, services, caller, refused=Refused("make", error, {"name": name, "title": title})
        )
    return _back(name)


@router.get("/{name}", response_class=HTMLResponse)
def group(
    shown: Shown,
    request: Request,
    services: Services,
    caller: SignedIn,
    name: Name,
    page: Number = 1,
) -> HTMLResponse:
    """Show a group."""
    return shown.one(request, services, caller, name, page=page)


@router.post("/{name}", response_class=HTMLResponse)
def rename(
    shown: Shown, request: Request, services: Services, caller: SignedIn, name: Name, sent: Form
) -> Response:
    """Give a group another title."""
    title = text_of(sent, "title")
    try:
        services.groups.change(caller, name, title=title)
    except REFUSALS as error:
        return shown.one(request, services, caller, name, refused=Refused("title", error, {"title": title}))
    return _back(name)


@router.post("/{name}/members", response_class=HTMLResponse)
def add(
    shown: Shown, request: Request, services: Services, caller: SignedIn, name: Name, sent: Form
) -> Response:
    """Add a member."""
    user, role = text_of(sent, "user").strip(), text_of(sent, "role")
    try:
        services.groups.add_member(caller, name, user, role)
    except REFUSALS as error:
        refused = Refused("add", error, {"user": user, "role": role})
        return shown.one(request, services, caller, name, refused=refused)
    return _back(name)


@router.post("/{name}/members/{user}", response_class=HTMLResponse)
def change(
    shown: Shown,
    request: Request,
    services: Services,
    caller: SignedIn,
    name: Name,
    user: Name,
    sent: Form,
) -> Response:
    """Give a member another role."""
    try:
        services.groups.set_member(caller, name, user, text_of(sent, "role"))
    except REFUSALS as error:
        return shown.one(request, services, caller, name, refused=Refused("members", error, {}))
    return _back(name)


@router.post("/{name}/members/{user}/remove", response_class=HTMLResponse)
def remove(
    shown: Shown, request: Request, services: Services, caller: SignedIn, name: Name, user: Name
) -> Response:
    """Take a member out, or leave."""
    try:
        services.groups.remove_member(caller, name, user)
    except REFUSALS as error:
        return shown.one(request, services, caller, name, refused=Refused("members", error, {}))
    return _back("" if user == caller.user and not caller.admin else name)


@router.post("/{name}/delete", response_class=HTMLResponse)
def delete(
    shown: Shown, request: Request, services: Services, caller: SignedIn, name: Name, sent: Form
) -> Response:
    """Remove a group, and say where its files are."""
    try:
        removed = services.groups.delete(caller, name, confirm=text_of(sent, "confirm").strip())
    except REFUSALS as error:
        return shown.one(request, services, caller, name, refused=Refused("delete", error, {}))
    return shown.all(request, services, caller, removed=removed)


def _projects(services: Workspace, caller: Identity, name: str) -> tuple[list[ForgeProject], str]:
    """Return the projects, or none and why not: a forge that is away must not take the page with it."""
    try:
        return services.groups.projects(caller, name), ""
    except UnavailableError as error:
        return [], error.detail


def _said(refused: Refused | None) -> dict[str, object]:
    """Return what a page says of the form that was refused, and what it keeps of it."""
    errors = {each.field: each.message for each in refused.error.errors} if refused else {}
    return {
        "form": refused.form if refused else "",
        "typed": refused.typed if refused else {},
        "errors": errors,
        "refusal": refused.error.detail if refused and not errors else "",
    }


def _back(name: str) -> RedirectResponse:
    return RedirectResponse(f"/groups/{name}" if name else "/groups", 303)
