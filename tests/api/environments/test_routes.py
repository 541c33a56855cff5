"""Environments over HTTP."""

from __future__ import annotations

import json
import threading

import pytest

BAD = {"requirements.txt": b"numpy\n-e .\n"}


@pytest.fixture
def failed(workspace) -> str:
    """The key of an environment whose build has failed."""
    key = workspace.environments.want(BAD)
    workspace.environments.claim("w1", 30)
    workspace.environments.build(key, "w1", 30, threading.Event())
    return key


def test_anybody_sees_how_far_it_is_and_nothing_of_what_is_in_a_project_they_may_not_see(
    visitor, client_of, failed
):
    answer = visitor.get(f"/api/v1/environments/{failed}").json()

    assert (answer["key"], answer["state"]) == (failed, "failed")
    assert (answer["error"], answer["files"], answer["packages_total"]) == (None, {}, None)
    assert visitor.get(f"/api/v1/environments/{failed}/log").status_code == 404
    assert (
        "requirements.txt, line 2" in client_of("ada").get(f"/api/v1/environments/{failed}").json()["error"]
    )


@pytest.mark.parametrize(("key", "status"), [("0" * 24, 404), ("..%2F..", 404), ("NOT-A-KEY", 422)])
def test_what_is_no_environment(visitor, key, status):
    assert visitor.get(f"/api/v1/environments/{key}").status_code == status
    assert visitor.get(f"/api/v1/environments/{key}/log").status_code == status


def test_the_log_is_text_from_any_byte(client_of, failed):
    ada = client_of("ada")
    whole = ada.get(f"/api/v1/environments/{failed}/log")
    rest = ada.get(f"/api/v1/environments/{failed}/log?offset=8")

    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert "line 2" in whole.text
    assert rest.text == whole.text.encode()[8:].decode()


def events(text: str) -> list[tuple[str, dict]]:
    """Read server-sent events."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event:")]
    return [
        (event.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for event, data in blocks
    ]


def test_the_log_is_followed_to_the_end_of_the_build(client_of, workspace, monkeypatch):
    environments = workspace.environments
    key = environments.want(BAD)
    environments.claim("w1", 30)
    followed, log = threading.Event(), environments.log

    def read(*asked):
        followed.set()  # the state has been told
        return log(*asked)

    def build() -> None:
        followed.wait(60)
        environments.build(key, "w1", 30, threading.Event())

    monkeypatch.setattr(environments, "log", read)
    building = threading.Thread(target=build)
    building.start()

    ada = client_of("ada")
    answer = ada.get(f"/api/v1/environments/{key}/log", headers={"Accept": "text/event-stream"})
    building.join()

    told = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [data["state"] for event, data in told if event == "state"] == ["building", "failed"]
    assert "line 2" in "".join(data["text"] for event, data in told if event == "log")


@pytest.mark.parametrize(("who", "status"), [("ben", 202), ("ada", 202), ("eve", 403)])
def test_who_asks_for_another_build(client_of, failed, who, status):
    assert client_of(who).post(f"/api/v1/environments/{failed}/rebuild").status_code == status


def test_a_visitor_signs_in_first(visitor, failed):
    assert visitor.post(f"/api/v1/environments/{failed}/rebuild").status_code == 401


def test_asking_twice_is_asking_once(client_of, failed):
    ben = client_of("ben")
    ben.post(f"/api/v1/environments/{failed}/rebuild")

    again = ben.post(f"/api/v1/environments/{failed}/rebuild")

    assert (again.status_code, again.json()["state"], again.json()["position"]) == (202, "wanted", 1)
