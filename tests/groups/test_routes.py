"""Groups over HTTP: shapes, refusals as problem documents, and what a caller learns of themselves."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.groups.conftest import ADDRESS, new_name


def fields(answer) -> list[str]:
    """Return the fields that a problem document names."""
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


def test_a_group_from_its_making_to_its_removal(client_of, place):
    ada, ben, name = client_of("ada"), client_of("ben"), new_name()

    made = ada.post("/api/v1/groups", json={"name": name, "title": "Chromatin group"})
    assert made.status_code == 201
    assert made.json() == {
        "name": name,
        "title": "Chromatin group",
        "role": "admin",
        "members": 1,
        "gid": 40_000,
        "storage": f"/shared/{name}",
        "trouble": None,
        "created_at": made.json()["created_at"],
    }
    assert ben.get(f"/api/v1/groups/{name}").status_code == 404

    put = ada.put(f"/api/v1/groups/{name}/members/ben", json={"role": "writer"})
    assert (put.status_code, put.json()["name"], put.json()["role"]) == (200, "ben", "writer")
    assert ben.get("/api/v1/me").json()["groups"] == [{"name": name, "role": "writer"}]
    assert [group["name"] for group in ben.get("/api/v1/groups").json()["items"]] == [name]
    members = ben.get(f"/api/v1/groups/{name}/members?per_page=1&page=2").json()
    assert (members["total"], [member["name"] for member in members["items"]]) == (2, ["ben"])
    assert ben.get(f"/api/v1/groups/{name}/storage").json() == {"path": f"/shared/{name}", "used_bytes": 0}
    assert ben.patch(f"/api/v1/groups/{name}", json={"title": "Ours"}).status_code == 403
    assert ada.patch(f"/api/v1/groups/{name}", json={"title": "Lab"}).json()["title"] == "Lab"
    assert ben.delete(f"/api/v1/groups/{name}/members/ben").status_code == 204
    assert ben.get("/api/v1/me").json()["groups"] == []

    assert fields(ada.delete(f"/api/v1/groups/{name}")) == ["confirm"]
    removed = ada.delete(f"/api/v1/groups/{name}?confirm={name}")
    assert removed.json() == {"name": name, "files": f"storage/groups/.removed/{name}-40000", "done": True}
    assert ada.get(f"/api/v1/groups/{name}").status_code == 404


def test_refusals_name_the_field(client_of, place):
    ada, name = client_of("ada"), place.make()

    refused = {
        "name": ada.post("/api/v1/groups", json={"name": "Not Good"}),
        "title": ada.patch(f"/api/v1/groups/{name}", json={"title": "  "}),
        "role": ada.put(f"/api/v1/groups/{name}/members/ben", json={"role": "king"}),
        "user": ada.put(f"/api/v1/groups/{name}/members/stranger", json={"role": "reader"}),
    }

    assert {field: fields(answer) for field, answer in refused.items()} == {f: [f] for f in refused}
    assert {answer.status_code for answer in refused.values()} == {422}
    assert ada.delete(f"/api/v1/groups/{name}/members/ada").status_code == 409
    assert client_of("eve").post("/api/v1/groups", json={"name": new_name()}).status_code == 403


def test_groups_need_an_account_and_a_token_that_reaches(app, client_of, place):
    name = place.make()
    visitor, reading = TestClient(app, base_url=ADDRESS), client_of("ada", "read_api")

    assert visitor.get("/api/v1/groups").status_code == 401
    assert visitor.get(f"/api/v1/groups/{name}").status_code == 401
    assert visitor.get("/api/v1/me").json()["groups"] == []
    assert reading.get(f"/api/v1/groups/{name}").status_code == 200
    assert reading.put(f"/api/v1/groups/{name}/members/ben", json={"role": "reader"}).status_code == 403
    assert client_of("ada").get("/api/v1/groups?all=true").status_code == 403
    assert name in [g["name"] for g in client_of("boss").get("/api/v1/groups?all=true").json()["items"]]
