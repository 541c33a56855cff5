"""Who may do what: one pure table of rules over plain facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from auth.identity import Identity, Level


class Action(StrEnum):
    """What somebody may want to do; the comment names the facts that decide it."""

    READ_PROJECT = "read_project"  # ProjectFacts
    RUN_WORKSHEET = "run_worksheet"  # ProjectFacts
    CURATE_PROJECT = "curate_project"  # ProjectFacts
    READ_RUN = "read_run"  # RunFacts
    CANCEL_RUN = "cancel_run"  # RunFacts
    READ_ENVIRONMENT = "read_environment"  # PlatformFacts
    REBUILD_ENVIRONMENT = "rebuild_environment"  # PlatformFacts
    READ_PEOPLE = "read_people"  # PlatformFacts
    MANAGE_PEOPLE = "manage_people"  # PlatformFacts
    READ_OWN_TOKENS = "read_own_tokens"  # PlatformFacts
    MANAGE_OWN_TOKENS = "manage_own_tokens"  # PlatformFacts


@dataclass(frozen=True)
class ProjectFacts:
    """What decides about a project.

    `visibility` is the forge's word (`public`, `internal`, `private`); `member_level` is the caller's access
    level there (10 guest ... 50 owner, GitLab's numbers), or None for somebody who is no member.
    """

    visibility: str
    member_level: int | None = None


@dataclass(frozen=True)
class RunFacts:
    """What decides about a run.

    `owner` is the account it belongs to; `owner_is_system` says that this is one of the workspace's own
    accounts, so that `visitor` (the id in a visitor's browser) tells whose it is.
    """

    owner: str
    visitor: str | None = None
    public: bool = False
    owner_is_system: bool = False


@dataclass(frozen=True)
class PlatformFacts:
    """The workspace as a whole: nothing but the caller decides."""


PLATFORM = PlatformFacts()

Resource = ProjectFacts | RunFacts | PlatformFacts

READING = frozenset(
    {
        Action.READ_PROJECT,
        Action.READ_RUN,
        Action.READ_ENVIRONMENT,
        Action.READ_PEOPLE,
        Action.READ_OWN_TOKENS,
    }
)


def may(identity: Identity, action: Action, resource: Resource) -> bool:
    """Return whether `identity` may do `action` to `resource`.

    A token's scopes come first: `api` reads and writes, `read_api` only reads, `alphagenome` opens the
    gateway and nothing here. Raises TypeError when `resource` is not the kind of facts
    that `action` is decided by.
    """
    if not scopes_allow(identity.scopes, reading=action in READING):
        return False
    return _RULES[action](identity, resource)


def scopes_allow(scopes: frozenset[str], *, reading: bool) -> bool:
    """Return whether a token of these scopes may read (or, with `reading` false, change) anything."""
    return "api" in scopes or (reading and "read_api" in scopes)


def _reads_project(identity: Identity, resource: Resource) -> bool:
    facts = _project(resource)
    if facts.visibility == "public" or identity.admin or facts.member_level is not None:
        return True
    return facts.visibility == "internal" and identity.signed_in


def _curates(identity: Identity, resource: Resource) -> bool:
    _project(resource)
    return identity.admin


def _owns_run(identity: Identity, resource: Resource) -> bool:
    facts = _run(resource)
    if identity.admin:
        return True
    if facts.owner_is_system:
        return facts.visitor is not None and facts.visitor == identity.visitor
    return identity.user == facts.owner


def _reads_run(identity: Identity, resource: Resource) -> bool:
    return _run(resource).public or _owns_run(identity, resource)


def _anyone(_identity: Identity, resource: Resource) -> bool:
    _platform(resource)
    return True


def _signed_in(identity: Identity, resource: Resource) -> bool:
    _platform(resource)
    return identity.signed_in


def _edits_notebooks(identity: Identity, resource: Resource) -> bool:
    _platform(resource)
    return identity.admin or (identity.signed_in and identity.level in (Level.AUTHOR, Level.DEVELOPER))


def _administers(identity: Identity, resource: Resource) -> bool:
    _platform(resource)
    return identity.admin


def _project(resource: Resource) -> ProjectFacts:
    if not isinstance(resource, ProjectFacts):
        raise TypeError(f"this action is decided by ProjectFacts, not {type(resource).__name__}")
    return resource


def _run(resource: Resource) -> RunFacts:
    if not isinstance(resource, RunFacts):
        raise TypeError(f"this action is decided by RunFacts, not {type(resource).__name__}")
    return resource


def _platform(resource: Resource) -> PlatformFacts:
    if not isinstance(resource, PlatformFacts):
        raise TypeError(f"this action is decided by PlatformFacts, not {type(resource).__name__}")
    return resource


_RULES: Mapping[Action, Callable[[Identity, Resource], bool]] = {
    Action.READ_PROJECT: _reads_project,
    Action.RUN_WORKSHEET: _reads_project,
    Action.CURATE_PROJECT: _curates,
    Action.READ_RUN: _reads_run,
    Action.CANCEL_RUN: _owns_run,
    Action.READ_ENVIRONMENT: _anyone,
    Action.REBUILD_ENVIRONMENT: _edits_notebooks,
    Action.READ_PEOPLE: _administers,
    Action.MANAGE_PEOPLE: _administers,
    Action.READ_OWN_TOKENS: _signed_in,
    Action.MANAGE_OWN_TOKENS: _signed_in,
}
