"""Everything about one environment that one caller may know: what it is made of, and who uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, may
from workspace_api.environments.views import EnvironmentView
from workspace_api.errors import NotFoundError, UnavailableError
from workspace_api.paging import Page
from workspace_api.projects.views import UseView
from workspace_api.runs.views import RunView
from workspace_api.sessions.views import SessionView

if TYPE_CHECKING:
    from workspace_api.workspace import Workspace

ACTIONS = {
    "rebuild": (Action.REBUILD_ENVIRONMENT, ("ready", "failed", "removed")),
    "cancel": (Action.CANCEL_BUILD, ("wanted", "building")),
    "remove": (Action.REMOVE_ENVIRONMENT, ("ready",)),
}


@dataclass(frozen=True)
class Details:
    """One environment as one caller sees it.

    `files` is empty, `packages` None, and what the build said left out, for somebody who may see no project
    that uses it: what is in a private project is not told to others. `packages` is None too while the
    environment is not there. `in_use` says whether a session or run uses it, the caller's or not.
    """

    environment: EnvironmentView
    files: Mapping[str, str]
    packages: Mapping[str, str] | None
    projects: Sequence[UseView]
    sessions: Sequence[SessionView]
    runs: Sequence[RunView]
    in_use: bool
    actions: Sequence[str]


def details_of(workspace: Workspace, identity: Identity, key: str) -> Details:
    """Return everything about an environment; NotFoundError for a key that nothing ever wanted."""
    environments = workspace.environments
    view = environments.view(key)
    projects = _projects(workspace, identity, key)
    known = bool(projects) or identity.admin
    return Details(
        environment=view if known else replace(view, error=None, log_tail=""),
        files=environments.files(key) if known else {},
        packages=(environments.packages(key) or None) if known else None,
        projects=projects,
        sessions=workspace.sessions.using(identity, key),
        runs=workspace.runs.using(identity, key),
        in_use=environments.in_use(key),
        actions=actions_on(identity, view.state),
    )


def packages_of(
    workspace: Workspace, identity: Identity, key: str, *, q: str = "", page: int = 1, per_page: int = 30
) -> Page[tuple[str, str]]:
    """Return packages of an environment with their versions, those whose name has `q` in it.

    Raises NotFoundError also for somebody who may see no project that uses the environment.
    """
    require_known(workspace, identity, key, "packages")
    return chosen(workspace.environments.packages(key), q=q, page=page, per_page=per_page)


def require_known(workspace: Workspace, identity: Identity, key: str, what: str) -> None:
    """Raise NotFoundError for somebody who may see no project that uses the environment."""
    if not (identity.admin or _projects(workspace, identity, key)):
        raise NotFoundError(f"There is no environment {key} whose {what} you may see.")


def chosen(packages: Mapping[str, str], *, q: str, page: int, per_page: int) -> Page[tuple[str, str]]:
    """Return one page of the packages whose name has `q` in it."""
    found = [pair for pair in packages.items() if q.casefold() in pair[0].casefold()]
    return Page(found[(page - 1) * per_page : page * per_page], len(found), page, per_page)


def actions_on(identity: Identity, state: str) -> list[str]:
    """Return what the caller may have done to an environment in this state."""
    return [
        name
        for name, (action, states) in ACTIONS.items()
        if state in states and may(identity, action, PLATFORM)
    ]


def _projects(workspace: Workspace, identity: Identity, key: str) -> Sequence[UseView]:
    """Return the projects that use the environment; of a forge that does not answer, none."""
    try:
        return workspace.projects.using(identity, key)
    except UnavailableError:
        return []
