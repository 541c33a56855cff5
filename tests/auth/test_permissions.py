"""The permission table, case by case."""

from __future__ import annotations

import pytest

from auth.identity import Identity, Level
from auth.permissions import PLATFORM, Action, ProjectFacts, RunFacts, may

VISITOR = Identity(visitor="v1")
READER = Identity(user="ana", level=Level.END_USER)
AUTHOR = Identity(user="ben", level=Level.AUTHOR)
ADMIN = Identity(user="root1", level=Level.DEVELOPER, admin=True)

PUBLIC = ProjectFacts("public")
INTERNAL = ProjectFacts("internal")
PRIVATE = ProjectFacts("private")
MEMBER = ProjectFacts("private", member_level=10)


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
    ],
)
def test_what_concerns_the_whole_workspace(action, allowed):
    people = {"visitor": VISITOR, "reader": READER, "author": AUTHOR, "admin": ADMIN}

    assert {name for name, who in people.items() if may(who, action, PLATFORM)} == allowed


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


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_decided_by_exactly_one_kind_of_facts(action):
    decided = []
    for facts in (PUBLIC, ANAS, PLATFORM):
        try:
            may(ADMIN, action, facts)
        except TypeError:
            continue
        decided.append(facts)

    assert len(decided) == 1
