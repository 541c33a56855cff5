"""A project's page, and its notebooks to be read."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, ProjectFacts, SessionFacts, may
from landing.links import link_to
from landing.markdown import PICTURES, render_markdown
from landing.memory import Memory, Remembered
from landing.notebooks import notebook_view
from landing.pages import WorkspacePages
from workspace_api.errors import NotFoundError, UnavailableError
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.projects.views import OriginView, SnapshotView, VersionView
from workspace_api.sessions.views import KINDS
from workspace_api.worksheets.parameters import MAX_NOTEBOOK_BYTES, NotebookError
from workspace_api.workspace import Workspace

MOST_PICTURE_BYTES = 5_000_000
REMEMBERED_SECONDS = 10.0
UNCHANGING_SECONDS = 3600.0
MOST_NOTEBOOKS = 100
GUEST = 10  # the least access level that a reader of a private project has
Part = Annotated[str, InPath(max_length=255)]
File = Annotated[str, InPath(max_length=500)]
Ref = Annotated[str | None, Query(max_length=255)]


@dataclass(frozen=True)
class Relations:
    """What a project was forked from, and what was forked from it; or why that cannot be told."""

    origin: OriginView | None = None
    forks: Sequence[str] = ()
    missing: str = ""

    def fork_of(self, user: str | None) -> str | None:
        """Return somebody's own fork."""
        return next((fork for fork in self.forks if fork.rpartition("/")[0] == user), None)


class _Relations:
    """Tells where a project comes from and who forked it; the forge is asked for each at most every 10 s."""

    def __init__(
        self, told: Annotated[Memory[Relations], Depends(Remembered("relations", REMEMBERED_SECONDS))]
    ) -> None:
        self._told = told

    def forget(self, caller: Identity, path: str) -> None:
        """Have them asked anew, after the caller has changed them."""
        self._told.forget((caller.user, path))

    def of(self, services: Workspace, caller: Identity, path: str) -> Relations:
        """Return them, or none and why not: a forge that is away must not take the page with it."""
        try:
            return self._told.get((caller.user, path), lambda: _relations(services, caller, path))
        except UnavailableError as error:
            return Relations(missing=error.detail)


class _Notebooks:
    """Tells which notebooks a commit has; it never changes, so the forge is asked once an hour at most."""

    def __init__(
        self, told: Annotated[Memory[Sequence[str]], Depends(Remembered("notebooks", UNCHANGING_SECONDS))]
    ) -> None:
        self._told = told

    def beside_worksheets(
        self, services: Workspace, caller: Identity, snapshot: SnapshotView
    ) -> Sequence[str]:
        """Return those that are no worksheets; none while the forge is away, without which none is read."""
        path, commit = snapshot.project.path, snapshot.commit
        worksheets = {sheet.notebook for sheet in snapshot.worksheets}
        try:
            found = self._told.get((path, commit), lambda: services.projects.notebooks(caller, path, commit))
        except UnavailableError:
            return ()
        return [notebook for notebook in found if notebook not in worksheets]


RelationsOf = Annotated[_Relations, Depends()]
NotebooksOf = Annotated[_Notebooks, Depends()]
router = APIRouter(include_in_schema=False, prefix="/projects/{namespace}/{name}")


@router.get("", response_class=HTMLResponse)
def project(
    pages: WorkspacePages,
    relations: RelationsOf,
    notebooks: NotebooksOf,
    request: Request,
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    ref: Ref = None,
) -> HTMLResponse:
    """Show what a project is for, its worksheets, versions and environment."""
    path = f"{namespace}/{name}"
    snapshot = services.projects.snapshot(caller, path, ref)
    versions, missing = _versions(services, caller, path)
    may_open = openable(caller)
    if may_open:
        services.warm.expect()
    choice = services.sessions.choice
    return pages.page(
        request,
        caller,
        "project.html",
        project=snapshot.project,
        snapshot=snapshot,
        asked=ref,
        readme=render_markdown(_below_title(snapshot.readme, snapshot.title), path, snapshot.commit),
        notebooks=notebooks.beside_worksheets(services, caller, snapshot),
        most_notebooks=MOST_NOTEBOOKS,
        versions=versions,
        versions_missing=missing,
        environment=services.environments.view(snapshot.environment_key),
        newest=services.projects.newest(caller, path),
        may_open=may_open,
        sizes=choice.offered(caller) if may_open else (),
        usual=choice.usual(caller, path, lambda: snapshot.resources) if may_open else None,
        may_rebuild=may(caller, Action.REBUILD_ENVIRONMENT, PLATFORM),
        may_fork=forkable(caller, path, snapshot.project.visibility),
        source=services.imports.source_of(path),
        relations=relations.of(services, caller, path),
        link=link_to(services.settings.public_url, snapshot.project.clone_url, ref or ""),
    )


@router.post("/fork")
def fork(
    relations: RelationsOf, services: Services, caller: SignedIn, namespace: Part, name: Part
) -> Response:
    """Make the caller's own copy of a project, and show it."""
    path = f"{namespace}/{name}"
    made = services.sessions.copies.fork(caller, path)
    relations.forget(caller, path)
    return RedirectResponse(f"/projects/{made}", 303)


@router.get("/notebooks/{notebook:path}", response_class=HTMLResponse)
def notebook(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    notebook: File,
    ref: Ref = None,
) -> HTMLResponse:
    """Show a notebook without running it."""
    path = f"{namespace}/{name}"
    snapshot = services.projects.snapshot(caller, path, ref)
    if not notebook.endswith(".ipynb"):
        raise NotFoundError(f"“{notebook[:200]}” is not a notebook; only notebooks can be read here.")
    data = services.projects.file(caller, path, snapshot.commit, notebook, MAX_NOTEBOOK_BYTES)
    try:
        view, trouble = notebook_view(data, path, snapshot.commit, notebook), ""
    except NotebookError as error:
        view, trouble = None, str(error)
    sheet = next((s for s in snapshot.worksheets if s.notebook == notebook), None)
    return pages.page(
        request,
        caller,
        "notebook.html",
        project=snapshot.project,
        snapshot=snapshot,
        asked=ref,
        notebook=notebook,
        view=view,
        trouble=trouble,
        worksheet=sheet,
    )


@router.get("/pictures/{picture:path}")
def picture(
    services: Services, caller: Caller, namespace: Part, name: Part, picture: File, ref: Ref = None
) -> Response:
    """Give a picture that a README or notebook shows."""
    path = f"{namespace}/{name}"
    if not picture.lower().endswith(PICTURES):
        raise NotFoundError(f"“{picture[:200]}” is not a picture.")
    commit = services.projects.snapshot(caller, path, ref).commit
    data = services.projects.file(caller, path, commit, picture, MOST_PICTURE_BYTES)
    media_type = mimetypes.guess_type(picture)[0] or "application/octet-stream"
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


def _relations(services: Workspace, caller: Identity, path: str) -> Relations:
    return Relations(services.lineage.origin(caller, path), services.lineage.forks(caller, path))


def forkable(caller: Identity, path: str, visibility: str) -> bool:
    """Whether the caller, who reads the project `path`, may fork it and has not made it themselves."""
    reads = ProjectFacts(visibility, member_level=GUEST)
    return path.rpartition("/")[0] != caller.user and may(caller, Action.FORK_PROJECT, reads)


def openable(caller: Identity) -> list[str]:
    """Return the kinds of session that the caller may open."""
    return [k for k in KINDS if may(caller, Action.OPEN_SESSION, SessionFacts(caller.user or "", k))]


def _below_title(readme: str, title: str) -> str:
    """Return a README without its first heading, where that repeats what stands above it on the page."""
    first, _, rest = readme.lstrip().partition("\n")
    return rest if first.strip("# \t\r").casefold() == title.casefold() else readme


def _versions(services: Workspace, caller: Identity, path: str) -> tuple[list[VersionView], str]:
    """Return the versions, or none and why not: a forge that is away must not take the page with it."""
    try:
        return services.projects.versions(caller, path), ""
    except UnavailableError as error:
        return [], error.detail
