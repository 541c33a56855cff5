"""Accounts, at the service and over HTTP."""

from __future__ import annotations

import os
import stat

import pytest

from auth.identity import Identity, Level
from workspace_api.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError

PASSWORD = "correct horse battery"


def test_a_new_account_gets_a_uid_and_a_private_home(workspace):
    person = workspace.people.add("grace-h", password=PASSWORD, display_name="Grace")

    home = workspace.layout.home("grace-h")
    assert person.uid == max(p.uid for p in workspace.people.everyone().items)
    assert person.level is Level.AUTHOR
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert home.stat().st_uid == (person.uid if os.geteuid() == 0 else os.geteuid())


def test_uids_begin_at_20000_and_are_all_different(workspace):
    uids = [person.uid for person in workspace.people.everyone().items]

    assert min(uids) == 20_000
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "A name is needed"),
        ("Grace", "small letters"),
        ("9lives", "beginning with a letter"),
        ("a_b", "small letters"),
        ("a--b", "single hyphens"),
        ("ends-", "not ending with a hyphen"),
        ("../etc", "small letters"),
        ("x" * 33, "32 is the most"),
        ("root", "reserved"),
        ("public", "reserved"),
        ("hub", "reserved"),
    ],
)
def test_a_bad_name_is_refused_in_words(workspace, name, words):
    with pytest.raises(InvalidInputError) as refused:
        workspace.people.add(name, password=PASSWORD)

    assert [error.field for error in refused.value.errors] == ["name"]
    assert words in refused.value.errors[0].message


def test_everything_wrong_is_said_at_once(workspace):
    with pytest.raises(InvalidInputError) as refused:
        workspace.people.add("Grace", password="short", display_name="x" * 121)

    assert [error.field for error in refused.value.errors] == ["name", "display_name", "password"]


def test_a_name_is_given_once(workspace):
    with pytest.raises(ConflictError, match="ben"):
        workspace.people.add("ben", password=PASSWORD)


@pytest.mark.parametrize("name", ["ben", " BEN "])
def test_the_right_password_signs_in_whatever_the_case_of_the_name(workspace, name):
    assert workspace.people.check_password(name, PASSWORD).name == "ben"


@pytest.mark.parametrize(
    ("name", "password"),
    [("ben", "wrong horse battery"), ("nobody", PASSWORD), ("public", PASSWORD), ("ben", "")],
)
def test_nobody_else_signs_in(workspace, name, password):
    assert workspace.people.check_password(name, password) is None


def test_a_closed_account_neither_signs_in_nor_has_an_identity(workspace):
    workspace.people.disable("ben")

    assert workspace.people.check_password("ben", PASSWORD) is None
    assert workspace.people.identity_of("ben") is None
    assert workspace.people.get("ben").disabled


def test_a_new_password_replaces_the_old_one(workspace):
    workspace.people.set_password("ben", "another good one")

    assert workspace.people.check_password("ben", PASSWORD) is None
    assert workspace.people.check_password("ben", "another good one")


def test_system_accounts_are_there_and_are_nobody(workspace):
    workspace.people.ensure_system_accounts()

    assert workspace.people.get("public").system
    assert workspace.people.get("labfork").system
    assert workspace.people.identity_of("labfork") is None
    with pytest.raises(NotFoundError):
        workspace.people.set_password("labfork", PASSWORD)


def test_the_last_administrator_stays(workspace):
    with pytest.raises(ConflictError, match="ada is the only administrator"):
        workspace.people.disable("ada")
    with pytest.raises(ConflictError):
        workspace.people.set_admin("ada", False)

    workspace.people.set_admin("ben", True)
    assert workspace.people.set_admin("ada", False).admin is False


def test_a_change_happens_whole_or_not_at_all(workspace):
    ada = workspace.people.identity_of("ada")

    with pytest.raises(ConflictError):
        workspace.people.change(ada, "ada", password="another good one", disabled=True)

    assert workspace.people.check_password("ada", PASSWORD)


def test_only_administrators_see_and_change_accounts(workspace):
    ben = workspace.people.identity_of("ben")

    with pytest.raises(ForbiddenError, match="ben may not"):
        workspace.people.list(ben, 1, 10)
    with pytest.raises(ForbiddenError):
        workspace.people.change(ben, "ben", admin=True)
    with pytest.raises(ForbiddenError):
        workspace.people.add_person(
            Identity(user="ben"),
            "mallory",
            password=PASSWORD,
            display_name="",
            level=Level.AUTHOR,
            admin=True,
        )


def test_me_says_who_is_asking(visitor, client_of):
    assert visitor.get("/api/v1/me").json() == {
        "name": None,
        "display_name": None,
        "level": "public",
        "admin": False,
        "scopes": ["alphagenome", "api", "read_api"],
        "groups": [],
    }
    assert client_of("ada", "read_api").get("/api/v1/me").json() == {
        "name": "ada",
        "display_name": "Ada L.",
        "level": "developer",
        "admin": True,
        "scopes": ["read_api"],
        "groups": [],
    }


def test_an_administrator_makes_and_changes_an_account_over_http(client_of, workspace):
    ada = client_of("ada")

    made = ada.post("/api/v1/people", json={"name": "kim", "password": PASSWORD, "level": "end_user"})
    changed = ada.patch("/api/v1/people/kim", json={"level": "developer", "disabled": True})

    assert (made.status_code, made.json()["level"]) == (201, "end_user")
    assert (changed.status_code, changed.json()["level"], changed.json()["disabled"]) == (
        200,
        "developer",
        True,
    )
    assert "password" not in made.text
    assert "uid" not in made.json()


def test_accounts_come_page_by_page(client_of):
    page = client_of("ada").get("/api/v1/people?page=2&per_page=2").json()

    assert {key: page[key] for key in ("total", "page", "per_page")} == {"total": 5, "page": 2, "per_page": 2}
    assert [person["name"] for person in page["items"]] == ["eve", "labfork"]


def test_a_bad_account_is_answered_with_one_error_for_each_field(client_of):
    answer = client_of("ada").post("/api/v1/people", json={"name": "X Y", "password": "short"})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name", "password"]
    assert "short" not in answer.text


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (("GET", "/api/v1/people"), 401),
        (("POST", "/api/v1/people"), 401),
        (("PATCH", "/api/v1/people/ben"), 401),
    ],
)
def test_visitors_have_no_business_with_accounts(visitor, call, status):
    body = {"name": "kim", "password": PASSWORD} if call[0] == "POST" else {}

    assert visitor.request(*call, json=body).status_code == status


def test_an_author_may_not_list_accounts(client_of):
    answer = client_of("ben").get("/api/v1/people")

    assert (answer.status_code, answer.json()["title"]) == (403, "Not allowed")


def test_an_unknown_account_is_not_found(client_of):
    assert client_of("ada").patch("/api/v1/people/nobody-here", json={"level": "author"}).status_code == 404
