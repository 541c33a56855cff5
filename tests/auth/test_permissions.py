"""The permission table, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.identity import Identity, Level
from auth.permissions import (
    DECIDING,
    OUTLASTING,
    PLATFORM,
    READING,
    Action,
    GroupFacts,
    ImportFacts,
    NamespaceFacts,
    ProjectFacts,
    Role,
    RunFacts,
    SessionFacts,
    SizeFacts,
    may,
)

VISITOR = Identity(visitor="v1")
READER = Identity(user="ana", level=Level.END_USER)
AUTHOR = Identity(user="ben", level=Level.AUTHOR)
ADMIN = Identity(user="root1", level=Level.DEVELOPER, admin=True)

PUBLIC = ProjectFacts("public")
INTERNAL = ProjectFacts("internal")
PRIVATE = ProjectFacts("private")
MEMBER = ProjectFacts("private", member_level=10)
MAINTAINED = ProjectFacts("public", member_level=40)
IMPORT = ImportFacts(frozenset(Level))


@pytest.mark.parametrize(
    ("who", "project", "allowed"),
    [
        (VISITOR, PUBLIC, True),
        (VISITOR, INTERNAL, False),
        (VISITOR, PRIVATE, False),
        (READER, INTERNAL, True),
        (READER, PRIVATE, False),
        (READER, MEMBER, True),
        (ADMIN, PRIVATE, True),
    ],
)
@pytest.mark.parametrize("action", [Action.READ_PROJECT, Action.RUN_WORKSHEET])
def test_who_may_read_a_project_may_run_its_worksheets(who, project, allowed, action):
    assert may(who, action, project) is allowed


@pytest.mark.parametrize(("who", "allowed"), [(VISITOR, False), (AUTHOR, False), (ADMIN, True)])
def test_only_administrators_curate(who, allowed):
    assert may(who, Action.CURATE_PROJECT, PUBLIC) is allowed


ANAS = RunFacts(owner="ana")
ANAS_PUBLIC = RunFacts(owner="ana", public=True)
VISITORS = RunFacts(owner="public", visitor="v1", owner_is_system=True)
EXAMPLE = RunFacts(owner="labfork", public=True, owner_is_system=True)


@pytest.mark.parametrize(
    ("who", "run", "reads", "cancels"),
    [
        (READER, ANAS, True, True),
        (AUTHOR, ANAS, False, False),
        (VISITOR, ANAS, False, False),
        (ADMIN, ANAS, True, True),
        (AUTHOR, ANAS_PUBLIC, True, False),
        (VISITOR, ANAS_PUBLIC, True, False),
        (VISITOR, VISITORS, True, True),
        (Identity(visitor="v2"), VISITORS, False, False),
        (Identity(), RunFacts(owner="public", owner_is_system=True), False, False),
        (Identity(user="ana", visitor="v1"), VISITORS, True, True),
        (VISITOR, EXAMPLE, True, False),
        (READER, EXAMPLE, True, False),
        (Identity(user="labfork"), RunFacts(owner="labfork", owner_is_system=True), False, False),
    ],
)
def test_who_reads_and_cancels_a_run(who, run, reads, cancels):
    assert (may(who, Action.READ_RUN, run), may(who, Action.CANCEL_RUN, run)) == (reads, cancels)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        (Action.READ_ENVIRONMENT, {"visitor", "reader", "author", "admin"}),
        (Action.REBUILD_ENVIRONMENT, {"author", "admin"}),
        (Action.READ_PEOPLE, {"admin"}),
        (Action.MANAGE_PEOPLE, {"admin"}),
        (Action.READ_OWN_TOKENS, {"reader", "author", "admin"}),
        (Action.MANAGE_OWN_TOKENS, {"reader", "author", "admin"}),
        (Action.CREATE_GROUP, {"author", "admin"}),
        (Action.READ_GROUPS, {"admin"}),
        (Action.READ_GATEWAY, {"admin"}),
        (Action.GOVERN_GATEWAY, {"admin"}),
    ],
)
def test_what_concerns_the_whole_workspace(action, allowed):
    people = {"visitor": VISITOR, "reader": READER, "author": AUTHOR, "admin": ADMIN}

    assert {name for name, who in people.items() if may(who, action, PLATFORM)} == allowed


PEOPLE = {
    "visitor": VISITOR,
    "onlooker": Identity(user="pia", level=Level.PUBLIC),
    "end_user": READER,
    "author": AUTHOR,
    "developer": Identity(user="dev", level=Level.DEVELOPER),
    "admin": Identity(user="root1", level=Level.PUBLIC, admin=True),
}
SIGNED_IN = {"onlooker", "end_user", "author", "developer", "admin"}
RUN_WORK = {"end_user", "author", "developer", "admin"}
EDIT = {"author", "developer", "admin"}


def allowed_to(action: Action, facts) -> set[str]:
    """Return who of PEOPLE may do it."""
    return {name for name, who in PEOPLE.items() if may(who, action, facts)}


@pytest.mark.parametrize(
    ("role", "read", "change", "leave", "delete"),
    [
        (None, {"admin"}, {"admin"}, set(), {"admin"}),
        (Role.READER, SIGNED_IN, {"admin"}, SIGNED_IN, {"admin"}),
        (Role.WRITER, SIGNED_IN, {"admin"}, SIGNED_IN, {"admin"}),
        (Role.ADMIN, SIGNED_IN, SIGNED_IN, SIGNED_IN, SIGNED_IN),
    ],
)
def test_a_role_decides_about_its_group_whatever_the_level(role, read, change, leave, delete):
    facts = GroupFacts(role)
    actions = (Action.READ_GROUP, Action.CHANGE_GROUP, Action.LEAVE_GROUP, Action.DELETE_GROUP)

    assert [allowed_to(action, facts) for action in actions] == [read, change, leave, delete]


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        (NamespaceFacts(own=True), EDIT),
        (NamespaceFacts(role=Role.ADMIN), EDIT),
        (NamespaceFacts(role=Role.WRITER), EDIT),
        (NamespaceFacts(role=Role.READER), {"admin"}),
        (NamespaceFacts(), {"admin"}),
    ],
)
def test_who_edits_notebooks_makes_projects_at_home_and_where_they_may_write(facts, allowed):
    assert allowed_to(Action.CREATE_PROJECT, facts) == allowed


@pytest.mark.parametrize(
    ("facts", "fork", "propose"),
    [
        (PUBLIC, RUN_WORK, EDIT),
        (INTERNAL, RUN_WORK, EDIT),
        (PRIVATE, {"admin"}, {"admin"}),
        (MEMBER, RUN_WORK, EDIT),
    ],
)
def test_who_reads_a_project_may_fork_it_and_who_edits_may_propose_to_it(facts, fork, propose):
    assert allowed_to(Action.FORK_PROJECT, facts) == fork
    assert allowed_to(Action.PROPOSE, facts) == propose


@pytest.mark.parametrize("visibility", ["public", "internal", "private"])
@pytest.mark.parametrize(
    ("level", "writes", "accepts"),
    [
        (None, {"admin"}, {"admin"}),
        (10, {"admin"}, {"admin"}),
        (20, {"admin"}, {"admin"}),
        (30, SIGNED_IN, {"admin"}),
        (40, SIGNED_IN, SIGNED_IN),
        (50, SIGNED_IN, SIGNED_IN),
    ],
)
def test_access_on_the_forge_decides_who_writes_and_who_accepts(visibility, level, writes, accepts):
    facts = ProjectFacts(visibility, level)

    assert allowed_to(Action.WRITE_PROJECT, facts) == writes
    assert allowed_to(Action.ACCEPT_PROPOSAL, facts) == accepts


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [("lab", EDIT), ("worksheet", RUN_WORK), ("viewer", RUN_WORK), ("teapot", set())],
)
def test_a_level_decides_which_kinds_of_session_one_may_open(kind, allowed):
    opened = {
        name
        for name, who in PEOPLE.items()
        if may(who, Action.OPEN_SESSION, SessionFacts(who.user or "", kind))
    }

    assert opened == allowed


@pytest.mark.parametrize("action", [Action.READ_SESSION, Action.STOP_SESSION, Action.KEEP_SESSION])
def test_a_session_is_its_owners_and_the_administrators(action):
    assert allowed_to(action, SessionFacts("ben")) == {"author", "admin"}


def test_only_administrators_see_the_sessions_of_everybody():
    assert allowed_to(Action.READ_SESSIONS, PLATFORM) == {"admin"}


@pytest.mark.parametrize(
    ("kept_for", "member_of", "allowed"),
    [
        (set(), set(), SIGNED_IN),
        (set(), {"cohort"}, SIGNED_IN),
        ({"cohort"}, set(), {"admin"}),
        ({"cohort"}, {"other"}, {"admin"}),
        ({"cohort", "lab"}, {"other", "lab"}, SIGNED_IN),
    ],
)
def test_a_size_that_is_kept_for_groups_is_their_members(kept_for, member_of, allowed):
    assert allowed_to(Action.USE_SIZE, SizeFacts(frozenset(kept_for), frozenset(member_of))) == allowed


@pytest.mark.parametrize(
    ("levels", "allowed"),
    [
        (set(), {"admin"}),
        ({Level.AUTHOR}, {"author", "admin"}),
        ({Level.END_USER, Level.AUTHOR, Level.DEVELOPER}, SIGNED_IN - {"onlooker"}),
        ({Level.PUBLIC}, {"onlooker", "admin"}),
    ],
)
def test_repositories_from_elsewhere_are_for_the_levels_that_are_named(levels, allowed):
    assert allowed_to(Action.IMPORT_REPOSITORY, ImportFacts(frozenset(levels))) == allowed


def test_nobody_opens_a_session_as_somebody_else():
    assert allowed_to(Action.OPEN_SESSION, SessionFacts("somebody")) == set()


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ({"api"}, True, True),
        ({"read_api"}, True, False),
        ({"alphagenome"}, False, False),
        ({"read_api", "alphagenome"}, True, False),
        (set(), False, False),
    ],
)
def test_a_tokens_scopes_narrow_even_an_administrator(scopes, reads, writes):
    admin = Identity(user="root1", admin=True, scopes=frozenset(scopes))

    assert may(admin, Action.READ_PEOPLE, PLATFORM) is reads
    assert may(admin, Action.MANAGE_PEOPLE, PLATFORM) is writes
    assert may(admin, Action.READ_RUN, ANAS) is reads
    assert may(admin, Action.CANCEL_RUN, ANAS) is writes


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        (Action.MANAGE_OWN_TOKENS, PLATFORM),
        (Action.MANAGE_PEOPLE, PLATFORM),
        (Action.CHANGE_GROUP, GroupFacts(Role.ADMIN)),
        (Action.ACCEPT_PROPOSAL, MAINTAINED),
        (Action.CURATE_PROJECT, MAINTAINED),
        (Action.LEAVE_GROUP, GroupFacts(Role.ADMIN)),
        (Action.DELETE_GROUP, GroupFacts(Role.ADMIN)),
        (Action.AGREE_TO_TERMS, PLATFORM),
        (Action.GOVERN_GATEWAY, PLATFORM),
    ],
)
def test_the_token_of_a_session_makes_nothing_that_outlasts_it_and_decides_nothing(action, facts):
    inside = replace(ADMIN, within="a session")

    assert may(ADMIN, action, facts)
    assert not may(inside, action, facts)


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        (Action.READ_OWN_TOKENS, PLATFORM),
        (Action.CREATE_GROUP, PLATFORM),
        (Action.WRITE_PROJECT, MAINTAINED),
        (Action.PROPOSE, MAINTAINED),
    ],
)
def test_the_token_of_a_session_does_the_work_of_one(action, facts):
    assert may(replace(ADMIN, within="a session"), action, facts)


WORK = {  # what a notebook may do in its person's place, as they may undo it
    Action.RUN_WORKSHEET,
    Action.CANCEL_RUN,
    Action.MAKE_BATCH,
    Action.START_BATCH,
    Action.STOP_BATCH,
    Action.CREATE_PROJECT,
    Action.FORK_PROJECT,
    Action.WRITE_PROJECT,
    Action.PROPOSE,
    Action.IMPORT_REPOSITORY,
    Action.OPEN_SESSION,
    Action.STOP_SESSION,
    Action.KEEP_SESSION,
    Action.USE_SIZE,
    Action.USE_GIT,
    Action.REBUILD_ENVIRONMENT,
    Action.CANCEL_BUILD,
    Action.REMOVE_ENVIRONMENT,
    Action.CREATE_GROUP,
    Action.KEEP_USAGE_LOG,
}


def test_of_every_action_it_is_said_whether_a_notebook_may_do_it_in_its_persons_place():
    groups = (WORK, READING, OUTLASTING, DECIDING)

    assert set().union(*groups) == set(Action)
    assert sum(map(len, groups)) == len(Action), "each is in one of them"


def test_git_in_a_session_borrows_a_password_and_nobody_else_does():
    assert allowed_to(Action.USE_GIT, PLATFORM) == set()
    assert may(replace(READER, within="a session"), Action.USE_GIT, PLATFORM)
    assert not may(replace(VISITOR, within="a run"), Action.USE_GIT, PLATFORM)


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_decided_by_exactly_one_kind_of_facts(action):
    decided = []
    kinds = (GroupFacts(), NamespaceFacts(), SessionFacts("ana"), SizeFacts(), IMPORT)
    for facts in (PUBLIC, ANAS, *kinds, PLATFORM):
        try:
            may(ADMIN, action, facts)
        except TypeError:
            continue
        decided.append(facts)

    assert len(decided) == 1
