"""JupyterHub's question whether somebody may sign in."""

from __future__ import annotations

import pytest

PASSWORD = "correct horse battery"
HEADERS = {"Authorization": "Bearer what the hub proves itself with"}
PATH = "/api/v1/internal/sign-in"


def test_the_hub_is_told_who_it_is(visitor):
    answer = visitor.post(PATH, json={"name": "Ada ", "password": PASSWORD}, headers=HEADERS)

    assert (answer.status_code, answer.json()) == (200, {"name": "ada", "admin": True})


@pytest.mark.parametrize("secret", ["", "Bearer", "Bearer x", "Bearer lf_something", "bearer ü"])
def test_nobody_else_may_ask(visitor, secret):
    answer = visitor.post(
        PATH,
        json={"name": "ada", "password": PASSWORD},
        headers={"Authorization": secret.encode("latin-1")},
    )

    assert answer.status_code == 401


def test_a_wrong_password_does_not_tell_whether_there_is_such_an_account(visitor):
    answers = [
        visitor.post(PATH, json={"name": name, "password": "wrong password"}, headers=HEADERS)
        for name in ("ada", "nobody", "public")
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_ten_failures_end_the_attempts_on_one_name_and_not_on_another(visitor):
    question = {"name": "ben", "password": "wrong password", "address": "10.0.0.1"}
    for _ in range(10):
        assert visitor.post(PATH, json=question, headers=HEADERS).status_code == 403

    locked = visitor.post(PATH, json={**question, "password": PASSWORD}, headers=HEADERS)
    other = visitor.post(PATH, json={**question, "name": "eve", "password": PASSWORD}, headers=HEADERS)

    assert (locked.status_code, "Wait 10 minutes" in locked.json()["detail"]) == (429, True)
    assert locked.headers["retry-after"]
    assert other.status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"name": "x" * 2000, "password": "y"}, {"password": 1}])
def test_a_question_of_another_shape_is_refused(visitor, body):
    assert visitor.post(PATH, json=body, headers=HEADERS).status_code == 422


@pytest.mark.parametrize(("name", "status"), [("ada", 200), ("nobody", 404), ("public", 404), ("eve", 404)])
def test_the_hub_is_told_whose_account_is_open(visitor, workspace, name, status):
    workspace.people.disable("eve")

    assert visitor.get(f"/api/v1/internal/people/{name}", headers=HEADERS).status_code == status
    assert visitor.get(f"/api/v1/internal/people/{name}").status_code == 401
