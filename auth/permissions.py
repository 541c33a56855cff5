"""Who may do what: one pure table of rules over plain facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

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
    CANCEL_BUILD = "cancel_build"  # PlatformFacts
    READ_ENVIRONMENTS = "read_environments"  # PlatformFacts: all of them, and which would go
    REMOVE_ENVIRONMENT = "remove_environment"  # PlatformFacts
    READ_PEOPLE = "read_people"  # PlatformFacts
    MANAGE_PEOPLE = "manage_people"  # PlatformFacts
    READ_OWN_TOKENS = "read_own_tokens"  # PlatformFacts
    MANAGE_OWN_TOKENS = "manage_own_tokens"  # PlatformFacts
    USE_GIT = "use_git"  # PlatformFacts: a password for it that ends with the session that asks
    CREATE_GROUP = "create_group"  # PlatformFacts
    READ_GROUPS = "read_groups"  # PlatformFacts: those of everybody
    READ_GROUP = "read_group"  # GroupFacts: its members, its storage, its projects
    CHANGE_GROUP = "change_group"  # GroupFacts: its title, its members and their roles
    LEAVE_GROUP = "leave_group"  # GroupFacts
    DELETE_GROUP = "delete_group"  # GroupFacts
    CREATE_PROJECT = "create_project"  # NamespaceFacts of the place it is made in
    FORK_PROJECT = "fork_project"  # ProjectFacts of the origin
    WRITE_PROJECT = "write_project"  # ProjectFacts
    PROPOSE = "propose"  # ProjectFacts of the project that is to take the changes
    ACCEPT_PROPOSAL = "accept_proposal"  # ProjectFacts of the project that takes them
    OPEN_SESSION = "open_session"  # SessionFacts; whether the project may be read is asked beside it
    READ_SESSION = "read_session"  # SessionFacts
    STOP_SESSION = "stop_session"  # SessionFacts
    KEEP_SESSION = "keep_session"  # SessionFacts: that it does not end for want of use
    READ_SESSIONS = "read_sessions"  # PlatformFacts: those of everybody
    USE_SIZE = "use_size"  # SizeFacts
    MAKE_BATCH = "make_batch"  # PlatformFacts
    READ_BATCH = "read_batch"  # RunFacts: whose it is
    START_BATCH = "start_batch"  # RunFacts: its runs are its owner's, who alone starts and continues it
    STOP_BATCH = "stop_batch"  # RunFacts
    IMPORT_REPOSITORY = "import_repository"  # ImportFacts: a copy of one from elsewhere
    READ_IMPORT = "read_import"  # RunFacts: whose it is
    READ_OWN_USAGE = "read_own_usage"  # PlatformFacts: of the AlphaGenome gateway, and its terms
    AGREE_TO_TERMS = "agree_to_terms"  # PlatformFacts: also keeping a key of one's own
    KEEP_USAGE_LOG = "keep_usage_log"  # PlatformFacts: as a file in one's home
    READ_GATEWAY = "read_gateway"  # PlatformFacts: everybody's use, quotas, who shares the key
    GOVERN_GATEWAY = "govern_gateway"  # PlatformFacts: quotas, who shares the key


class Role(StrEnum):
    """What a member may do with a group's files and projects; each may also do what those before it may."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


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
class GroupFacts:
    """What decides about a group: the caller's role in it, or None for somebody who is no member."""

    role: Role | None = None


@dataclass(frozen=True)
class NamespaceFacts:
    """What decides about a place for projects: `own` for the caller's own, else their role in its group."""

    own: bool = False
    role: Role | None = None


@dataclass(frozen=True)
class SessionFacts:
    """What decides about a session: the account it belongs to (or would), and its kind."""

    owner: str
    kind: str = "lab"


@dataclass(frozen=True)
class SizeFacts:
    """What decides about a size of sessions: the groups it is kept for (none: nobody), and the caller's."""

    kept_for: frozenset[str] = frozenset()
    member_of: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ImportFacts:
    """What decides about repositories from elsewhere: the levels that the workspace allows them to."""

    levels: frozenset[Level]


@dataclass(frozen=True)
class PlatformFacts:
    """The workspace as a whole: nothing but the caller decides."""


PLATFORM = PlatformFacts()

Resource = (
    ProjectFacts
    | RunFacts
    | GroupFacts
    | NamespaceFacts
    | SessionFacts
    | SizeFacts
    | ImportFacts
    | PlatformFacts
)
Facts = TypeVar("Facts")

WRITES_FROM = 30  # GitLab's developer
ACCEPTS_FROM = 40  # GitLab's maintainer
_RUNS_WORK = frozenset({Level.END_USER, Level.AUTHOR, Level.DEVELOPER})
_EDITS = frozenset({Level.AUTHOR, Level.DEVELOPER})
_SESSION_LEVELS = {"lab": _EDITS, "worksheet": _RUNS_WORK, "viewer": _RUNS_WORK}

READING = frozenset(
    {
        Action.READ_PROJECT,
        Action.READ_RUN,
        Action.READ_BATCH,
        Action.READ_IMPORT,
        Action.READ_ENVIRONMENT,
        Action.READ_ENVIRONMENTS,
        Action.READ_PEOPLE,
        Action.READ_OWN_TOKENS,
        Action.READ_GROUPS,
        Action.READ_GROUP,
        Action.READ_SESSION,
        Action.READ_SESSIONS,
        Action.READ_OWN_USAGE,
        Action.READ_GATEWAY,
    }
)


# What these make opens the workspace for longer than a session or run lasts.
OUTLASTING = frozenset({Action.MANAGE_OWN_TOKENS, Action.MANAGE_PEOPLE, Action.CHANGE_GROUP})
# By these a person answers before others for a project, a group or the workspace, or gives their word: a
# notebook that they merely run must not.
DECIDING = frozenset(
    {
        Action.ACCEPT_PROPOSAL,
        Action.CURATE_PROJECT,
        Action.LEAVE_GROUP,
        Action.DELETE_GROUP,
        Action.AGREE_TO_TERMS,
        Action.GOVERN_GATEWAY,
    }
)


def may(identity: Identity, action: Action, resource: Resource) -> bool:
    """Return whether `identity` may do `action` to `resource`.

    A token's scopes come first: `api` reads and writes, `read_api` only reads, `alphagenome` opens the
    gateway and nothing here. The token of a session or run makes nothing that outlasts it, and decides
    nothing in its person's place. Raises TypeError when `resource` is not the kind of facts that `action` is
    decided by.
    """
    if not scopes_allow(identity.scopes, reading=action in READING):
        return False
    if identity.passing and action in OUTLASTING | DECIDING:
        return False
    return _RULES[action](identity, resource)


def scopes_allow(scopes: frozenset[str], *, reading: bool) -> bool:
    """Return whether a token of these scopes may read (or, with `reading` false, change) anything."""
    return "api" in scopes or (reading and "read_api" in scopes)


def _reads_project(identity: Identity, resource: Resource) -> bool:
    facts = _as(ProjectFacts, resource)
    if facts.visibility == "public" or identity.admin or facts.member_level is not None:
        return True
    return facts.visibility == "internal" and identity.signed_in


def _forks(identity: Identity, resource: Resource) -> bool:
    return _reads_project(identity, resource) and _has_level(identity, _RUNS_WORK)


def _proposes(identity: Identity, resource: Resource) -> bool:
    return _reads_project(identity, resource) and _has_level(identity, _EDITS)


def _writes_project(identity: Identity, resource: Resource) -> bool:
    return _has_access(identity, _as(ProjectFacts, resource), WRITES_FROM)


def _accepts(identity: Identity, resource: Resource) -> bool:
    return _has_access(identity, _as(ProjectFacts, resource), ACCEPTS_FROM)


def _has_access(identity: Identity, facts: ProjectFacts, level: int) -> bool:
    return identity.signed_in and (
        identity.admin or (facts.member_level is not None and facts.member_level >= level)
    )


def _curates(identity: Identity, resource: Resource) -> bool:
    _as(ProjectFacts, resource)
    return identity.admin


def _owns_run(identity: Identity, resource: Resource) -> bool:
    facts = _as(RunFacts, resource)
    if identity.admin:
        return True
    if facts.owner_is_system:
        return facts.visitor is not None and facts.visitor == identity.visitor
    return identity.user == facts.owner


def _reads_run(identity: Identity, resource: Resource) -> bool:
    return _as(RunFacts, resource).public or _owns_run(identity, resource)


def _is_owner(identity: Identity, resource: Resource) -> bool:
    return identity.signed_in and identity.user == _as(RunFacts, resource).owner


def _is_member(identity: Identity, resource: Resource) -> bool:
    return _as(GroupFacts, resource).role is not None and identity.signed_in


def _reads_group(identity: Identity, resource: Resource) -> bool:
    return _is_member(identity, resource) or identity.admin


def _governs_group(identity: Identity, resource: Resource) -> bool:
    facts = _as(GroupFacts, resource)
    return identity.admin or (identity.signed_in and facts.role is Role.ADMIN)


def _creates_project(identity: Identity, resource: Resource) -> bool:
    facts = _as(NamespaceFacts, resource)
    at_home = facts.own or facts.role in (Role.WRITER, Role.ADMIN)
    return _has_level(identity, _EDITS) and (at_home or identity.admin)


def _opens_session(identity: Identity, resource: Resource) -> bool:
    facts = _as(SessionFacts, resource)
    levels = _SESSION_LEVELS.get(facts.kind, frozenset())
    return bool(levels) and identity.user == facts.owner and _has_level(identity, levels)


def _owns_session(identity: Identity, resource: Resource) -> bool:
    facts = _as(SessionFacts, resource)
    return identity.signed_in and (identity.admin or identity.user == facts.owner)


def _uses_size(identity: Identity, resource: Resource) -> bool:
    facts = _as(SizeFacts, resource)
    return identity.signed_in and (
        identity.admin or not facts.kept_for or not facts.kept_for.isdisjoint(facts.member_of)
    )


def _imports(identity: Identity, resource: Resource) -> bool:
    return _has_level(identity, _as(ImportFacts, resource).levels)


def _anyone(_identity: Identity, resource: Resource) -> bool:
    _as(PlatformFacts, resource)
    return True


def _signed_in(identity: Identity, resource: Resource) -> bool:
    _as(PlatformFacts, resource)
    return identity.signed_in


def _within_a_session(identity: Identity, resource: Resource) -> bool:
    return _signed_in(identity, resource) and identity.passing


def _edits_notebooks(identity: Identity, resource: Resource) -> bool:
    _as(PlatformFacts, resource)
    return _has_level(identity, _EDITS)


def _administers(identity: Identity, resource: Resource) -> bool:
    _as(PlatformFacts, resource)
    return identity.admin


def _has_level(identity: Identity, levels: frozenset[Level]) -> bool:
    """Whether somebody signed in is shown this much; an administrator is at any level."""
    return identity.signed_in and (identity.admin or identity.level in levels)


def _as(kind: type[Facts], resource: object) -> Facts:
    if not isinstance(resource, kind):
        raise TypeError(f"this action is decided by {kind.__name__}, not {type(resource).__name__}")
    return resource


_RULES: Mapping[Action, Callable[[Identity, Resource], bool]] = {
    Action.READ_PROJECT: _reads_project,
    Action.RUN_WORKSHEET: _reads_project,
    Action.CURATE_PROJECT: _curates,
    Action.READ_RUN: _reads_run,
    Action.CANCEL_RUN: _owns_run,
    Action.MAKE_BATCH: _signed_in,
    Action.READ_BATCH: _owns_run,
    Action.START_BATCH: _is_owner,
    Action.STOP_BATCH: _owns_run,
    Action.READ_ENVIRONMENT: _anyone,
    Action.REBUILD_ENVIRONMENT: _edits_notebooks,
    Action.CANCEL_BUILD: _edits_notebooks,
    Action.READ_ENVIRONMENTS: _administers,
    Action.REMOVE_ENVIRONMENT: _administers,
    Action.READ_PEOPLE: _administers,
    Action.MANAGE_PEOPLE: _administers,
    Action.READ_OWN_TOKENS: _signed_in,
    Action.MANAGE_OWN_TOKENS: _signed_in,
    Action.USE_GIT: _within_a_session,
    Action.CREATE_GROUP: _edits_notebooks,
    Action.READ_GROUPS: _administers,
    Action.READ_GROUP: _reads_group,
    Action.CHANGE_GROUP: _governs_group,
    Action.LEAVE_GROUP: _is_member,
    Action.DELETE_GROUP: _governs_group,
    Action.CREATE_PROJECT: _creates_project,
    Action.FORK_PROJECT: _forks,
    Action.WRITE_PROJECT: _writes_project,
    Action.PROPOSE: _proposes,
    Action.ACCEPT_PROPOSAL: _accepts,
    Action.OPEN_SESSION: _opens_session,
    Action.READ_SESSION: _owns_session,
    Action.STOP_SESSION: _owns_session,
    Action.KEEP_SESSION: _owns_session,
    Action.READ_SESSIONS: _administers,
    Action.USE_SIZE: _uses_size,
    Action.IMPORT_REPOSITORY: _imports,
    Action.READ_IMPORT: _owns_run,
    Action.READ_OWN_USAGE: _signed_in,
    Action.AGREE_TO_TERMS: _signed_in,
    Action.KEEP_USAGE_LOG: _signed_in,
    Action.READ_GATEWAY: _administers,
    Action.GOVERN_GATEWAY: _administers,
}
