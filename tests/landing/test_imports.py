"""Opening a repository from elsewhere: the page, its confirmation, and what comes of it."""

from __future__ import annotations

import datetime as dt
import os
import re

import gitlab
import pytest
from starlette.testclient import TestClient

from auth.identity import Identity, Level
from tests.conftest import wait_for
from tests.forge.conftest import ROOT_TOKEN
from tests.landing.conftest import PROJECT, application, browser_of, signed_in
from workspace_api.imports.news import NewsService
from workspace_api.settings import ForgeSettings, RepositorySettings

ANNA = Identity(user="anna", level=Level.AUTHOR)
NOTEBOOK = """{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "outputs": [], "source":
"x = 1", "metadata": {"tags": ["parameters"]}}], "metadata": {"kernelspec": {"name": "python3",
"display_name":
"Python 3", "language": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""
MODULES = '[submodule "x"]\n\tpath = lib/x\n\turl = https://elsewhere.example/x.git\n'


@pytest.fixture
def host(seeded) -> str:
    return seeded.forge_url.removesuffix("/git")


@pytest.fixture
def opening(make_workspace, seeded, host):
    """The application of a workspace that opens repositories of one host, with an author."""
    workspace = make_workspace(
        forge=ForgeSettings(url=seeded.forge_url, public_url="http://forge.example/git", token=ROOT_TOKEN),
        repositories=RepositorySettings(hosts=(host,)),
    )
    workspace.people.add("anna", password="correct horse battery", level=Level.AUTHOR)
    return application(workspace)


@pytest.fixture
def elsewhere(seeded):
    """Makes a public repository; returns its address."""
    root = gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True)

    def make(files: dict[str, str], visibility: str = "public") -> str:
        group = root.groups.create(
            {"name": (name := "g" + os.urandom(4).hex()), "path": name, "visibility": "public"}
        )
        made = root.projects.create({"name": "thing", "namespace_id": group.id, "visibility": visibility})
        actions = [{"action": "create", "file_path": p, "content": c} for p, c in files.items()]
        made.commits.create({"branch": "main", "commit_message": "First", "actions": actions})
        made.tags.create({"tag_name": "v1.0", "ref": "main"})
        made.commits.create(
            {
                "branch": "main",
                "commit_message": "Second",
                "actions": [{"action": "create", "file_path": "later.txt", "content": "later"}],
            }
        )
        return made.http_url_to_repo.removesuffix(".git")

    return make


def csrf(browser: TestClient, address: str, **query: str) -> str:
    page = browser.get(address, params=query).text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


def open_(browser: TestClient, **typed: str) -> str:
    """Confirm, and return where that leads."""
    token = csrf(browser, "/open", repo=typed["repo"])
    answer = browser.post("/open", data={"csrf": token, **typed})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def ready(browser: TestClient, page: str) -> str:
    import_id = page.split("/")[2].partition("?")[0]

    def ended() -> bool:
        return browser.get(f"/api/v1/imports/{import_id}").json()["state"] in ("ready", "failed")

    wait_for(ended, seconds=30, what="the import")
    return browser.get(page).text


def test_it_is_off_by_default_and_says_how_to_switch_it_on(visitor):
    page = visitor.get("/open", params={"repo": "https://github.com/owner/name"})
    assert "opens no repositories from elsewhere" in page.text
    assert 'hosts = ["github.com", "gitlab.com"]' in page.text


def test_a_stranger_is_told_what_would_happen_and_keeps_the_link(opening, elsewhere):
    repo = elsewhere({"a.txt": "a"})
    page = browser_of(opening).get("/open", params={"repo": repo, "ref": "v1.0", "path": "x.ipynb"}).text
    assert "Its code is a stranger’s" in page
    assert "Sign in to open it" in page
    assert "/login?next=/open%3F" in page
    assert "x.ipynb" in page


def test_opening_makes_one_copy_at_the_ref(opening, elsewhere):
    repo = elsewhere({"first.ipynb": NOTEBOOK, ".gitmodules": MODULES})
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=repo, ref="v1.0", path="first.ipynb", visibility="private")
    shown = ready(anna, page)
    made = anna.get(f"/api/v1/imports/{page.split('/')[2].partition('?')[0]}").json()
    assert made["state"] == "ready"
    assert made["project"].startswith("anna/thing")
    assert "Fill in its form" in shown
    assert "first.ipynb in JupyterLab" in shown
    assert "https://elsewhere.example/x.git, which is not fetched" in shown
    project = anna.get(f"/api/v1/projects/{made['project']}").json()
    assert (project["default_branch"], project["visibility"]) == ("at-v1-0", "private")

    again = open_(anna, repo=repo + ".git", ref="main", path="", visibility="public")
    assert again == page
    assert "lead" in anna.get("/open", params={"repo": repo}).text
    assert "You opened it before" in anna.get("/open", params={"repo": repo}).text


def test_two_people_have_a_copy_each_and_do_not_see_each_others(opening, elsewhere):
    repo = elsewhere({"a.txt": "a"})
    opening.state.workspace.people.add("ben", password="correct horse battery", level=Level.AUTHOR)
    anna, ben = signed_in(opening, "anna"), signed_in(opening, "ben")
    hers, his = open_(anna, repo=repo), open_(ben, repo=repo)
    assert hers != his
    assert ben.get(hers).status_code == 404


def test_failure_in_words_and_try_again(opening, elsewhere, seeded):
    repo = elsewhere({"a.txt": "a"}, visibility="private")
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=repo)
    shown = ready(anna, page)
    assert "There is no public repository at this address" in shown
    assert "Try again" in shown
    root = gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True)
    project = root.projects.get(repo.removeprefix(f"{seeded.forge_url}/"))
    project.visibility = "public"
    project.save()
    assert open_(anna, repo=repo) == page
    assert "It is here" in ready(anna, page)


def test_a_copy_that_was_removed_is_made_anew(opening, elsewhere, seeded):
    repo = elsewhere({"a.txt": "a"})
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=repo)
    ready(anna, page)
    made = anna.get(f"/api/v1/imports/{page.split('/')[2].partition('?')[0]}").json()
    gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True).projects.delete(
        made["project"]
    )
    assert "no longer there" in anna.get(page).text
    assert open_(anna, repo=repo) == page
    assert "It is here" in ready(anna, page)


def test_a_name_that_became_another_projects_is_left_alone(opening, elsewhere, seeded):
    repo = elsewhere({"a.txt": "a"})
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=repo)
    ready(anna, page)
    import_id = page.split("/")[2].partition("?")[0]
    before = anna.get(f"/api/v1/imports/{import_id}").json()["project"]
    root = gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True)
    root.projects.delete(before)
    place = root.namespaces.get("anna").id
    mine = root.projects.create({"name": before.split("/")[1], "namespace_id": place, "description": "mine"})
    assert open_(anna, repo=repo) == page
    assert "It is here" in ready(anna, page)
    assert anna.get(f"/api/v1/imports/{import_id}").json()["project"] != before
    assert root.projects.get(mine.id).empty_repo


def test_a_ref_that_is_not_there_is_told(opening, elsewhere):
    anna = signed_in(opening, "anna")
    shown = ready(anna, open_(anna, repo=elsewhere({"a.txt": "a"}), ref="v9"))
    assert "has nothing called “v9”" in shown


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("eve", 403, "may not open repositories"), ("anna", 422, "are not opened here")],
)
def test_who_may_not_and_what_may_not(opening, elsewhere, host, name, status, words):
    repo = elsewhere({"a.txt": "a"}) if name == "eve" else "https://github.com/owner/name"
    browser = signed_in(opening, name)
    token = csrf(browser, "/open")
    answer = browser.post(
        "/api/v1/imports",
        json={"repository": repo},
        headers={"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ref": "--upload-pack=x"}, "cannot be a branch"),
        ({"path": "../x.ipynb"}, "without any step upwards"),
    ],
)
def test_a_link_with_a_ref_or_path_that_can_be_none_is_refused_before_it_is_confirmed(
    opening, host, wrong, words
):
    answer = signed_in(opening, "anna").get("/open", params={"repo": f"{host}/a/b", **wrong})

    assert answer.status_code == 422
    assert words in answer.text
    assert "Open it" not in answer.text


def test_an_address_without_encryption_is_told_to_begin_with_https(make_workspace):
    workspace = make_workspace(repositories=RepositorySettings(hosts=("github.com",)))
    page = browser_of(application(workspace)).get("/open", params={"repo": "http://github.com/a/b"}).text

    assert "begin with https://" in page
    assert "those at github.com are" not in page


def test_the_way_to_repositories_is_shown_to_who_may_open_them(opening, workspace):
    anna, eve = (signed_in(opening, name) for name in ("anna", "eve"))
    ada_elsewhere = signed_in(application(workspace), "ada")  # no host is named there

    assert [
        page.count('href="/open"') for page in (anna.get("/me").text, anna.get("/projects/new").text)
    ] == [1, 1]
    assert 'href="/open"' not in eve.get("/me").text
    for page in ("/me", "/projects/new"):
        assert 'href="/open"' not in ada_elsewhere.get(page).text


def test_addresses_of_this_workspace_lead_to_the_project(opening):
    anna = signed_in(opening, "anna")
    for repo in (f"http://testserver/projects/{PROJECT}", f"http://forge.example/git/{PROJECT}.git"):
        answer = anna.get("/open", params={"repo": repo, "ref": "v1.0"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/projects/{PROJECT}?ref=v1.0")
    answer = anna.get("/open", params={"repo": repo, "path": "02_variant_analysis.ipynb"})
    assert answer.headers["location"] == f"/projects/{PROJECT}/worksheets/02_variant_analysis.ipynb"


@pytest.mark.parametrize("field", ["ref", "path"])
def test_bad_refs_and_paths_are_told_beside_their_field(opening, elsewhere, field):
    anna = signed_in(opening, "anna")
    repo = elsewhere({"a.txt": "a"})
    token = csrf(anna, "/open", repo=repo)
    bad = {"ref": "--upload-pack=x", "path": "../../etc/passwd"}[field]
    answer = anna.post("/open", data={"csrf": token, "repo": repo, field: bad})
    assert answer.status_code == 422
    assert f'id="n-{field}"><p class="error">' in answer.text


def test_what_is_new_there_is_fetched_for_the_moment_in_which_it_is_read(opening, elsewhere, seeded):
    workspace = opening.state.workspace
    repo = elsewhere({"a.txt": "a"})
    source = gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True).projects.get(
        repo.removeprefix(f"{seeded.forge_url}/")
    )
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=repo)
    ready(anna, page)
    copy = anna.get(f"/api/v1/imports/{page.split('/')[2].partition('?')[0]}").json()["project"]
    action = {"action": "create", "file_path": "new.txt", "content": "new"}
    newest = source.commits.create({"branch": "main", "commit_message": "New", "actions": [action]}).id
    news = NewsService(workspace.imports, workspace.forge)

    with news.of(ANNA, copy) as found:
        assert workspace.forge.resolve(found.project, "main") == newest
        assert workspace.forge.project(found.project).visibility == "private"
        assert found.project not in [each.path for each in workspace.lineage.mine(ANNA)]
    assert workspace.forge.project(found.project) is None
    assert workspace.forge.resolve(copy, "main") != newest, "the copy itself changes by its owner alone"
    with news.of(ANNA, PROJECT) as none:
        assert (none.project, none.said) == ("", "")
    source.visibility = "private"
    source.save()
    with news.of(ANNA, copy) as closed:
        assert closed.project == ""
        assert "was not brought in. There is no public repository at this address" in closed.said
    with news.of(Identity(user="eve", level=Level.END_USER), copy) as refused:
        assert "needs the level author or developer" in refused.said


def test_a_fetch_that_was_cut_off_leaves_nothing_for_long(opening, elsewhere, monkeypatch):
    workspace = opening.state.workspace
    anna = signed_in(opening, "anna")
    page = open_(anna, repo=elsewhere({"a.txt": "a"}))
    ready(anna, page)
    copy = anna.get(f"/api/v1/imports/{page.split('/')[2].partition('?')[0]}").json()["project"]
    left = NewsService(workspace.imports, workspace.forge).of(ANNA, copy)
    project = left.__enter__().project
    whole_seconds = dt.timedelta(seconds=-1)  # our moments have no fractions, those of the forge do
    monkeypatch.setattr("workspace_api.imports.news.LEFT_BEHIND", whole_seconds)
    with NewsService(workspace.imports, workspace.forge).of(ANNA, copy) as again:
        assert workspace.forge.project(project) is None
        assert workspace.forge.project(again.project) is not None
    left.__exit__(None, None, None)
