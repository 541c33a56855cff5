"""The pages of groups, as browsers without scripts use them."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.groups.conftest import ADA, ADDRESS, new_name


def test_an_empty_page_says_what_to_do_first(sign_in):
    for name, words in (("ada", "Make one here"), ("eve", "tell one of its admins")):
        page = sign_in(name).get("/groups").text
        assert "You are in no group yet" in page
        assert words in page
        assert ('action="/groups"' in page) == (name == "ada")


def test_the_way_to_groups_is_shown_to_who_is_signed_in(app, sign_in):
    assert 'href="/groups"' in sign_in("eve").get("/status").text
    visitor = TestClient(app, base_url=ADDRESS, headers={"Accept": "text/html"})
    assert 'href="/groups"' not in visitor.get("/status").text
    assert visitor.get("/groups").status_code == 401


def test_a_group_is_made_and_lived_in_by_forms_alone(place, sign_in):
    ada, name = sign_in("ada"), new_name()
    here = f"/groups/{name}"

    made = ada.submit("/groups", "/groups", name=name, title="Chromatin group")
    assert (made.status_code, made.url.path) == (200, here)
    assert "Chromatin group" in made.text
    assert f"/shared/{name}" in made.text

    added = ada.submit(here, f"{here}/members", user="ben", role="writer")
    assert "Ben L." in added.text
    ada.submit(here, f"{here}/members/ben", role="reader")
    assert place.roles(name) == {"ada": "admin", "ben": "reader"}
    assert "Lab of chromatin" in ada.submit(here, here, title="Lab of chromatin").text
    path = place.project(name)
    assert f'href="/projects/{path}"' in ada.get(here).text

    ben = sign_in("ben")
    page = ben.get(here).text
    assert "Ada L." in page
    assert "Add somebody" not in page
    assert "Remove the group" not in page
    left = ben.submit(here, f"{here}/members/ben/remove")
    assert left.url.path == "/groups"
    assert ben.get(here).status_code == 404


@pytest.mark.parametrize(
    ("form", "values", "status", "words"),
    [
        ("/members", {"user": "stranger", "role": "writer"}, 422, "no open account called “stranger”"),
        ("/members", {"user": "ada", "role": "reader"}, 422, "ada is a member already, as admin"),
        ("/members/ada", {"role": "reader"}, 409, "ada is the only admin"),
        ("/members/ada/remove", {}, 409, "ada is the only admin"),
        ("", {"title": "x" * 121}, 422, "120 is the most"),
        ("/delete", {"confirm": "no"}, 422, "to remove it"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(place, sign_in, form, values, status, words):
    name = place.make()

    answer = sign_in("ada").submit(f"/groups/{name}", f"/groups/{name}{form}", **values)

    assert answer.status_code == status
    assert words in answer.text
    assert 'role="alert"' in answer.text
    for typed in ("user", "title"):
        assert values.get(typed, "") in answer.text


def test_adding_a_member_again_takes_no_role_away(place, sign_in):
    name = place.make()
    here, ada = f"/groups/{name}", sign_in("ada")
    ada.submit(here, f"{here}/members", user="ben", role="admin")

    again = ada.submit(here, f"{here}/members", user="ben", role="reader")

    assert again.status_code == 422
    assert "ben is a member already, as admin." in again.text
    assert place.roles(name)["ben"] == "admin"


def test_a_refused_name_is_said_beside_its_field(sign_in):
    answer = sign_in("ada").submit("/groups", "/groups", name="Not Good", title="Lab")

    assert answer.status_code == 422
    assert 'value="Not Good"' in answer.text
    assert 'href="#g-name"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_removed_groups_page_says_where_its_files_are(place, sign_in):
    name = place.make()

    answer = sign_in("ada").submit(f"/groups/{name}", f"/groups/{name}/delete", confirm=name)

    assert answer.status_code == 200
    assert f"storage/groups/.removed/{name}-40000" in answer.text


def test_a_form_without_the_pages_token_is_not_carried_out(place, sign_in):
    name = place.make()
    ada = sign_in("ada")

    for address in ("/groups", f"/groups/{name}", f"/groups/{name}/members", f"/groups/{name}/delete"):
        answer = ada.post(
            address, data={"confirm": name, "user": "ben", "role": "admin"}, headers={"Origin": ADDRESS}
        )
        assert answer.status_code == 403
    assert place.roles(name) == {"ada": "admin"}


def test_what_people_typed_is_text_on_the_page(place, sign_in):
    name = place.make()
    place.groups.change(ADA, name, title="<script>alert(1)</script>")

    for page in ("/groups", f"/groups/{name}"):
        assert "<script>alert" not in sign_in("ada").get(page).text
