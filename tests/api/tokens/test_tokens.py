"""Personal tokens, at the service and over HTTP."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, update

from workspace_api.database import now
from workspace_api.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from workspace_api.tokens.models import Token
from workspace_api.tokens.service import MOST_TOKENS

API = frozenset({"api"})


def test_a_token_is_kept_as_a_hash_alone(workspace):
    new = workspace.tokens.create("ben", "laptop", API)

    with workspace.database.read() as session:
        row = session.scalars(select(Token)).one()
    assert new.secret not in str(vars(row))
    assert len(row.hash) == 64


def test_a_token_stands_for_its_person_within_its_scopes(workspace):
    secret = workspace.tokens.create("ben", "laptop", frozenset({"read_api"})).secret

    identity = workspace.tokens.identify(secret)

    assert (identity.user, identity.scopes) == ("ben", {"read_api"})


@pytest.mark.parametrize(
    ("scopes", "wanted", "verified"),
    [
        ({"api"}, "api", True),
        ({"api"}, "read_api", True),
        ({"api"}, "alphagenome", False),
        ({"read_api"}, "api", False),
        ({"alphagenome"}, "read_api", False),
        ({"alphagenome"}, "alphagenome", True),
    ],
)
def test_api_includes_reading_and_nothing_else_includes_anything(workspace, scopes, wanted, verified):
    secret = workspace.tokens.create("ben", "laptop", frozenset(scopes)).secret

    assert (workspace.tokens.verify(secret, wanted) is not None) is verified


def test_a_revoked_token_is_worthless(workspace):
    ben = workspace.people.identity_of("ben")
    new = workspace.tokens.create("ben", "laptop", API)

    workspace.tokens.revoke(ben, new.token.id)

    assert workspace.tokens.identify(new.secret) is None
    assert list(workspace.tokens.list(ben)) == []
    with pytest.raises(NotFoundError):
        workspace.tokens.revoke(ben, new.token.id)


def test_an_expired_token_is_worthless(workspace):
    new = workspace.tokens.create("ben", "laptop", API, expires_at=now() + dt.timedelta(hours=1))
    assert workspace.tokens.identify(new.secret)

    with workspace.database.write() as session:
        session.execute(update(Token).values(expires_at=now() - dt.timedelta(seconds=1)))

    assert workspace.tokens.identify(new.secret) is None
    assert workspace.tokens.verify_caller(new.secret) is None


def test_the_tokens_of_a_closed_account_are_worthless(workspace):
    secret = workspace.tokens.create("ben", "laptop", frozenset({"api", "alphagenome"})).secret
    workspace.people.disable("ben")

    assert workspace.tokens.identify(secret) is None
    assert workspace.tokens.verify_caller(secret) is None


def test_a_workspace_account_counts_at_the_gateway_alone(workspace):
    new = workspace.tokens.create("public", "a run", frozenset({"read_api", "alphagenome"}), run_id="r1")

    assert workspace.tokens.identify(new.secret) is None
    caller = workspace.tokens.verify_caller(new.secret)
    assert (caller.name, caller.token_id, caller.system) == ("public", new.token.id, True)


def test_the_gateway_wants_its_own_scope(workspace):
    assert workspace.tokens.verify_caller(workspace.tokens.create("ben", "x", API).secret) is None


def test_a_runs_token_ends_with_the_run_and_is_not_listed(workspace):
    ben = workspace.people.identity_of("ben")
    new = workspace.tokens.create("ben", "run r1", frozenset({"read_api"}), run_id="r1")
    other = workspace.tokens.create("ben", "run r2", frozenset({"read_api"}), run_id="r2")

    workspace.tokens.revoke_for_run("r1")

    assert list(workspace.tokens.list(ben)) == []
    assert workspace.tokens.identify(new.secret) is None
    assert workspace.tokens.identify(other.secret)


def test_the_token_of_a_session_makes_and_revokes_no_token(workspace):
    own = workspace.tokens.create("ben", "laptop", API)
    carried = workspace.tokens.create("ben", "session", API, run_id="a session")
    inside = workspace.tokens.identify(carried.secret)

    assert (inside.passing, workspace.tokens.identify(own.secret).passing) == (True, False)
    with pytest.raises(ForbiddenError, match="ends with the session"):
        workspace.tokens.create_own(inside, "to stay", API)
    with pytest.raises(ForbiddenError, match="ends with the session"):
        workspace.tokens.revoke(inside, own.token.id)
    assert workspace.tokens.create_own(workspace.tokens.identify(own.secret), "another", API)


def test_nobody_revokes_another_persons_token(workspace):
    new = workspace.tokens.create("ben", "laptop", API)

    with pytest.raises(NotFoundError):
        workspace.tokens.revoke(workspace.people.identity_of("ada"), new.token.id)
    assert workspace.tokens.identify(new.secret)


def test_nobody_gives_a_token_more_than_they_have(workspace):
    narrow = workspace.people.identity_of("ben", scopes=API)

    assert workspace.tokens.create_own(narrow, "reader", {"read_api"}).token.scopes == {"read_api"}
    with pytest.raises(ForbiddenError, match="alphagenome"):
        workspace.tokens.create_own(narrow, "more", {"api", "alphagenome"})


def test_there_is_an_end_to_the_number_of_tokens(workspace):
    ben = workspace.people.identity_of("ben")
    for number in range(MOST_TOKENS):
        workspace.tokens.create("ben", f"number {number}", API)

    with pytest.raises(ConflictError, match="100 tokens"):
        workspace.tokens.create_own(ben, "one more", API)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"scopes": frozenset({"everything"})}, "scopes"),
        ({"scopes": frozenset()}, "scopes"),
        ({"name": "two\nlines"}, "name"),
        ({"expires_at": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}, "expires_at"),
        (
            {"expires_at": dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(-dt.timedelta(hours=12)))},
            "expires_at",
        ),
    ],
)
def test_a_bad_value_is_refused_beside_its_field(workspace, values, field):
    with pytest.raises(InvalidInputError) as refused:
        workspace.tokens.create("ben", **{"name": "laptop", "scopes": API, **values})

    assert [error.field for error in refused.value.errors] == [field]


def test_the_last_use_of_a_token_is_known(workspace):
    ben = workspace.people.identity_of("ben")
    secret = workspace.tokens.create("ben", "laptop", API).secret
    assert workspace.tokens.list(ben)[0].last_used_at is None

    workspace.tokens.identify(secret)

    assert workspace.tokens.list(ben)[0].last_used_at is not None


def test_a_token_is_made_used_and_revoked_over_http(client_of, visitor):
    ben = client_of("ben")

    made = ben.post("/api/v1/tokens", json={"name": "cluster", "scopes": ["read_api"]})
    secret = made.json()["secret"]
    header = {"Authorization": f"Bearer {secret}"}

    assert made.status_code == 201
    assert visitor.get("/api/v1/me", headers=header).json()["name"] == "ben"
    assert secret not in ben.get("/api/v1/tokens").text
    assert ben.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 204
    assert visitor.get("/api/v1/me", headers=header).status_code == 401


@pytest.mark.parametrize("token_id", ["0", "99999", "x", "9" * 40, "-1"])
def test_an_unknown_token_is_not_found(client_of, token_id):
    assert client_of("ben").delete(f"/api/v1/tokens/{token_id}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x", "scopes": "api"},
        {"name": "x", "expires_at": "2030-01-01T00:00:00"},
        {"name": "x", "z": 1},
    ],
)
def test_a_body_of_another_shape_is_refused(client_of, body):
    answer = client_of("ben").post("/api/v1/tokens", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_visitor_has_no_tokens(visitor):
    assert visitor.get("/api/v1/tokens").status_code == 401
