"""The page of a proposal: what its maintainers say of it reaches its author."""

from __future__ import annotations

import gitlab
import pytest

from auth.identity import Level
from tests.forge.conftest import ROOT_TOKEN
from tests.landing.reading import HOSTILE, Page, send
from tests.publishing import commit, notebook


@pytest.fixture
def proposed(house):
    """A proposal of somebody's: their browser, and its page."""
    author, browser = house.person(Level.AUTHOR)
    path = house.publish({"notes.txt": "one\n"})
    root = gitlab.Gitlab(house.workspace.settings.forge.url, private_token=ROOT_TOKEN, keep_base_url=True)
    fork = root.projects.get(house.workspace.sessions.copies.fork(author, path))
    commit(fork, {"more.txt": "mine\n"})
    target = root.projects.get(path).id
    wanted = {"source_branch": "main", "target_branch": "main", "target_project_id": target, "title": "Mine"}
    number = fork.mergerequests.create(wanted, sudo=author.user).iid
    return browser, f"/projects/{path}/proposals/{number}"


def test_why_a_proposal_was_declined_is_read_by_its_author(house, proposed):
    browser, page = proposed
    _, maintainer = house.person(Level.AUTHOR, admin=True)
    assert "What was said" not in browser.get(page).text
    send(maintainer, page, f"{page}/decline", reason=f"Please keep the units. {HOSTILE}")
    seen = Page(browser.get(page).text)

    assert "What was said Please keep the units." in seen.text
    assert "It was declined just now." in seen.text
    assert seen.active() == []


def test_a_notebook_is_shown_by_the_cells_that_differ(house, proposed):
    browser, page = proposed
    project, _, number = page.removeprefix("/projects/").partition("/proposals/")
    root = gitlab.Gitlab(house.workspace.settings.forge.url, private_token=ROOT_TOKEN, keep_base_url=True)
    fork = root.projects.get(root.projects.get(project).mergerequests.get(number).source_project_id)
    commit(fork, {"new.ipynb": notebook(f"print('{HOSTILE}')")})
    seen = Page(browser.get(page).text)

    for words in ("Cell 1 added", "+# A small notebook", "Cell 3 added"):
        assert words in seen.text
    assert '"cell_type"' not in seen.text, "nobody reads JSON"
    assert seen.active() == []
