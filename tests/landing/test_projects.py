"""A project's page: what it is for, who sees it, how its environment is, and what hostile ones may not do."""

from __future__ import annotations

import base64
import json

import gitlab
import pytest

from auth.identity import Level
from hub.environments.uv import COMPLETE
from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN
from tests.landing.conftest import ADMIN, NOTEBOOK, PROJECT, WORKSHEET, application, browser_of, png
from tests.landing.reading import HOSTILE, Page, send
from tests.publishing import commit, notebook
from workspace_api.database import now
from workspace_api.settings import ForgeSettings


@pytest.fixture(scope="module")
def project(house):
    """A project of one's own, with an environment of its own."""
    readme = "# About\n\nSee [the notebook](deep/a.ipynb) and ![a plot](plot.png).\n"
    return house.publish(
        {"deep/a.ipynb": notebook("n"), "README.md": readme, "workspace.yaml": "title: About\n"}
    )


def shown(browser, path: str, query: str = "") -> Page:
    answer = browser.get(f"/projects/{path}{query}")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.active() == []
    return page


def test_the_page_leads_to_worksheets_versions_and_a_clone(house):
    page = shown(house.visitor(), PROJECT)
    clone = house.workspace.projects.get(house.person()[0], PROJECT).clone_url

    for address in (WORKSHEET, f"/projects/{PROJECT}/notebooks/{NOTEBOOK}", f"/projects/{PROJECT}?ref=v1.0"):
        assert page.all("a", href=address)
    assert "v1.0 curated" in page.text
    assert f"git clone {clone}" in page.text
    assert "alphagenome_tools" in page.text


def test_a_curated_project_leads_to_newer_work_that_is_not_curated(house):
    path = house.publish({"a.ipynb": notebook("n")})
    root = gitlab.Gitlab(house.workspace.settings.forge.url, private_token=ROOT_TOKEN, keep_base_url=True)
    on_forge = root.projects.get(path)
    on_forge.tags.create({"tag_name": "v1.0", "ref": "main", "message": "First"})
    house.workspace.projects.curate(ADMIN, path, version="v1.0")
    house.workspace.projects.read_pushed(path, "refs/heads/main")
    assert "The newest commit" not in shown(house.visitor(), path).text

    commit(on_forge, {"notes.txt": "accepted"})
    house.workspace.projects.read_pushed(path, "refs/heads/main")
    newest = house.workspace.projects.newest(ADMIN, path).commit
    page = shown(house.visitor(), path)

    assert "This is v1.0, which is curated. The newest commit" in page.text
    assert page.all("a", href=f"/projects/{path}?ref={newest}")
    assert "The newest commit" not in shown(house.visitor(), path, f"?ref={newest}").text
    house.workspace.projects.uncurate(ADMIN, path)


def test_notebooks_that_are_no_worksheets_are_listed_and_lead_to_be_read(house):
    plain = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    names = ["Übungen/erste Übung.ipynb", "-rf.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"]
    path = house.publish({"form.ipynb": notebook("n"), **dict.fromkeys(names, plain)})
    browser = house.visitor()
    page = shown(browser, path)
    here = f"/projects/{path}/notebooks/"
    listed = [a["href"] for a in page.all("a") if a.get("href", "").startswith(here)]

    assert listed == [f"{here}form.ipynb", f"{here}-rf.ipynb", f"{here}%C3%9Cbungen/erste%20%C3%9Cbung.ipynb"]
    assert all(browser.get(address).status_code == 200 for address in listed)
    told = browser.get(f"/api/v1/projects/{path}/notebooks").json()["items"]
    assert [each["path"] for each in told] == ["-rf.ipynb", "form.ipynb", "Übungen/erste Übung.ipynb"]


def test_who_has_forked_a_project_is_led_to_their_fork(house):
    identity, browser = house.person(Level.AUTHOR)
    path = house.publish({"a.ipynb": notebook("n")})
    assert "Nobody has forked it yet." in shown(browser, path).text
    forked = send(browser, f"/projects/{path}", f"/projects/{path}/fork").headers["location"]
    page = shown(browser, path)

    assert forked == f"/projects/{identity.user}/{path.partition('/')[2]}"
    assert page.all("a", href=forked)
    assert f"/projects/{path}/fork" not in page.actions()
    assert "Nobody has forked it yet." not in page.text


def test_a_visitor_is_told_how_to_open_or_fork(house):
    page = shown(house.visitor(), PROJECT)

    assert len(page.all("a", href=f"/login?next=/projects/{PROJECT}")) == 2, "one of them is the frame's"
    assert "Sign in to open or fork it" in page.text


@pytest.mark.parametrize(("level", "kind"), [(Level.END_USER, "worksheet"), (Level.AUTHOR, "lab")])
def test_the_page_of_ones_copy_offers_what_one_may_open(house, level, kind):
    _, browser = house.person(level)
    page = Page(browser.get(f"/projects/{PROJECT}/copy").text)

    assert page.one("input", name="kind")["value"] == kind


def test_a_readme_repeats_no_title_and_leads_into_the_project(house, project):
    page = shown(house.visitor(), project)
    commit = house.workspace.projects.snapshot(house.person()[0], project).commit

    assert page.text.count("About") == 2  # the title of the page, and its heading
    assert page.all("a", href=f"/projects/{project}/notebooks/deep/a.ipynb?ref={commit}")
    assert page.one("img")["src"] == f"/projects/{project}/pictures/plot.png?ref={commit}"
    assert "No version has been saved yet." in page.text


def test_an_almost_empty_project_says_what_to_do_first(house):
    page = shown(house.visitor(), house.publish({"notes.txt": "x"}))

    assert "None yet. A notebook becomes a worksheet when one of its cells is tagged parameters" in page.text
    assert page.all("article") == []


def test_nothing_that_a_project_says_of_itself_is_executed(house):
    sheet = {
        "notebook": "n.ipynb", "title": HOSTILE, "summary": HOSTILE,
        "parameters": {"n": {"title": HOSTILE, "description": HOSTILE, "x-unit": HOSTILE},
                       "s": {"enum": [HOSTILE, "b"], "x-labels": {"b": HOSTILE}, "examples": [HOSTILE]}},
    }  # fmt: skip
    manifest = {"title": HOSTILE, "summary": HOSTILE, "area": HOSTILE, "worksheets": [sheet]}
    path = house.publish(
        {
            "n.ipynb": notebook("n", parameters=f"n = 1\ns = {HOSTILE!r}"),
            "bad.ipynb": "{" + HOSTILE,
            "workspace.yaml": json.dumps(manifest),
            "README.md": f"{HOSTILE}\n\n<b onclick=alert(3)>x</b> [x](javascript:alert(4))",
        }
    )
    browser = house.visitor()
    page = shown(browser, path)

    assert page.text.count(HOSTILE) >= 4
    assert "bad.ipynb: it is not a notebook" in page.text
    form = Page(browser.get(f"/projects/{path}/worksheets/n.ipynb").text)
    assert form.active() == []
    assert form.text.count(HOSTILE) >= 5
    assert Page(browser.get(f"/projects/{path}/notebooks/n.ipynb").text).active() == []


def test_a_picture_is_given_as_a_picture_whatever_it_holds(house):
    path = house.publish({"evil.png": "<script>alert(1)</script>", "evil.svg": "<svg/>", "evil.html": "<b>"})
    browser = house.visitor()
    answer = browser.get(f"/projects/{path}/pictures/evil.png")

    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "private, max-age=3600"
    for name in ("evil.svg", "evil.html", "none.png", "requirements.txt", "%00.png"):
        assert browser.get(f"/projects/{path}/pictures/{name}").status_code == 404


@pytest.mark.parametrize("visibility", ["private", "internal"])
def test_a_project_that_is_not_public_is_not_there_for_visitors(house, visibility):
    path = house.publish(
        {"a.ipynb": notebook("n"), "p.png": "x", "README.md": "Secret"}, visibility=visibility
    )
    _, admin = house.person(admin=True)
    page = shown(admin, path)
    assert visibility in page.text

    visitor = house.visitor()
    for place in ("", "/worksheets/a.ipynb", "/notebooks/a.ipynb", "/pictures/p.png"):
        refused = visitor.get(f"/projects/{path}{place}")
        unknown = visitor.get(f"/projects/{path}x{place}")
        assert refused.status_code == unknown.status_code == 404
        assert refused.text.replace(path, "") == unknown.text.replace(f"{path}x", "").replace(path, "")
    assert house.person()[1].get(f"/projects/{path}").status_code == (404 if visibility == "private" else 200)


@pytest.mark.parametrize("query", ["?ref=v9.9", "?ref=../x", "?ref=" + "0" * 40, "?ref=%3Cb%3E"])
def test_a_version_that_is_none_is_not_there(house, query):
    answer = house.visitor().get(f"/projects/{PROJECT}{query}")

    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_the_environment_is_shown_in_each_of_its_states(house, project):
    key = house.key_of(project)
    browser = house.visitor()
    log = house.workspace.environments.log_path(key)
    log.parent.mkdir(parents=True, exist_ok=True)

    house.bench.environment(key, state="wanted")
    page = shown(browser, project)
    assert "Getting ready: building the environment." in page.text
    assert page.one("div", **{"data-environment": key})
    assert "in the queue" in page.text

    log.write_text(f"Resolved 3 packages\n{HOSTILE}\n")
    house.bench.environment(key, state="building")
    page = shown(browser, project)
    assert "the first build takes a minute or two" in page.text
    assert page.text.count(HOSTILE) == 2

    house.bench.environment(key, state="failed", error=HOSTILE)
    page = shown(browser, project)
    assert f"The environment could not be built.{HOSTILE}" in page.text.replace("built. ", "built.")
    assert page.all("div", **{"data-environment": key}) == []

    built = house.workspace.environments.builder.folder(key) / COMPLETE
    built.parent.mkdir(parents=True)
    built.touch()
    house.bench.environment(key, state="ready", error=None, size_bytes=1_200_000_000, finished_at=now())
    assert "Ready, 1.2 GB, built just now." in shown(browser, project).text
    built.unlink()
    house.workspace.environments.need(key)
    assert "Getting ready" in shown(browser, project).text

    house.bench.environment(key, state="removed", finished_at=now())
    assert "It is built again as soon as somebody runs or opens something" in shown(browser, project).text
    assert house.workspace.environments.view(key).state == "removed"


def test_who_edits_notebooks_has_a_failed_environment_built_again(house, project):
    key = house.key_of(project)
    house.bench.environment(key, state="failed", error="No such package")
    action = f"/environments/{key}/rebuild"
    _, author = house.person(Level.AUTHOR)
    _, reader = house.person(Level.END_USER)

    assert action not in shown(reader, project).actions()
    assert action not in shown(house.visitor(), project).actions()
    token = reader.get("/projects/" + project).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    assert reader.post(action, data={"csrf": token, "back": "/"}).status_code == 403
    assert author.post(action, data={"back": "/"}).status_code == 403
    assert house.workspace.environments.view(key).state == "failed"

    answer = send(author, f"/projects/{project}", action, back=f"/projects/{project}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/projects/{project}")
    assert house.workspace.environments.view(key).state == "wanted"


@pytest.mark.parametrize(
    "back", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", ""]
)
def test_building_again_leads_to_no_other_site(house, project, back):
    _, author = house.person(Level.AUTHOR)
    key = house.key_of(project)
    house.bench.environment(key, state="failed", error="")
    answer = send(author, f"/projects/{project}", f"/environments/{key}/rebuild", back=back)

    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_while_the_forge_is_down_a_curated_project_is_still_shown(make_workspace):
    away = ForgeSettings(url=f"http://127.0.0.1:{free_port()}/git", token=ROOT_TOKEN)
    browser = browser_of(application(make_workspace(forge=away)))
    page = shown(browser, PROJECT)

    assert page.all("a", href=WORKSHEET)
    assert "does not answer" in page.text
    for address in (f"/projects/{PROJECT}/notebooks/{NOTEBOOK}", "/projects/genomics/unseen"):
        answer = browser.get(address)
        assert answer.status_code == 503
        assert "A part of the workspace is not answering" in answer.text
    assert browser.get("/").status_code == 200


def test_a_real_picture_of_a_readme_arrives_whole(house):
    path = house.publish({"README.md": "![x](docs/a b.png)"})
    settings = house.workspace.settings.forge
    root = gitlab.Gitlab(settings.url, private_token=ROOT_TOKEN, keep_base_url=True)
    action = {
        "action": "create", "file_path": "docs/a b.png", "encoding": "base64",
        "content": base64.b64encode(png(20, 10)).decode(),
    }  # fmt: skip
    root.projects.get(path).commits.create({"branch": "main", "commit_message": "Add", "actions": [action]})

    assert house.visitor().get(f"/projects/{path}/pictures/docs/a%20b.png").content == png(20, 10)
