"""The panel inside JupyterLab, in a real browser: save, look, go back, get updates, propose."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import CHECKOUT, wait_for
from tests.publishing import forge_of, notebook, publish
from tests.workspace.test_sessions import REQUIREMENTS, Person

pytestmark = [pytest.mark.browser, pytest.mark.workspace, pytest.mark.timeout(600)]
MAINTAINER = 40
ON_THE_FORGE = {"email": "mia@labfork.invalid", "password": "as good as none", "skip_confirmation": True}
ASK = """
import json, os, urllib.error, urllib.request
headers = {{"Authorization": "Bearer " + os.environ["LABFORK_TOKEN"], "Content-Type": "application/json"}}
body = b"{{}}" if {path!r}.endswith("decline") else json.dumps({{"commit": "0" * 40}}).encode()
try:
    urllib.request.urlopen(urllib.request.Request(os.environ["LABFORK_API_URL"] + {path!r}, body, headers))
except urllib.error.HTTPError as error:
    print(error.read().decode())
"""
FILES = {"a.ipynb": notebook("n"), "requirements.txt": REQUIREMENTS, "notes.md": "one\n"}


@pytest.fixture(scope="module")
def opened(workspace, browser):
    """Pia with her copy of a project open in JupyterLab: she, the project, and her server's address."""
    path = publish(workspace, "panelled", FILES)
    pia = Person(workspace, browser, "pia")
    server = pia.open(path)
    yield pia, path, server
    for session in pia.context.request.get("/api/v1/sessions").json()["items"]:
        pia.context.request.delete(f"/api/v1/sessions/{session['id']}")
    pia.context.close()


@pytest.fixture
def panel(opened):
    """The panel, open beside the text `notes.md`."""
    pia, path, server = opened
    pia.page.goto(f"{server}/lab/tree/projects/panelled/notes.md?reset")
    pia.page.locator("[data-id='labfork-panel']").click(timeout=90_000)
    found = pia.page.locator("#labfork-panel")
    found.get_by_role("link", name=path).wait_for()
    return found


def type_into_text(pia, text: str) -> None:
    editor = pia.page.locator(".jp-FileEditor .cm-content")
    editor.click()
    pia.page.keyboard.press("Control+A")
    pia.page.keyboard.type(text)


def said(panel, words: str):
    panel.locator(".labfork-said").get_by_text(words).wait_for(timeout=60_000)


def test_a_version_is_saved_with_what_was_typed_but_not_saved_yet(opened, panel):
    pia, _, server = opened
    type_into_text(pia, "typed in JupyterLab")
    pia.run(server, "open('keys.txt', 'w').write('AKIA' + 'A' * 16); print('ok')")
    panel.get_by_role("button", name="Show what changed").click()
    said(panel, "2 files changed.")
    panel.locator("summary", has_text="notes.md").click()
    assert "+typed in JupyterLab" in panel.locator("pre").inner_text()
    panel.get_by_role("textbox", name="What changed").fill("From the panel")
    panel.get_by_label("Name of the version").fill("v2.0")
    panel.get_by_role("button", name="Save version").click()
    said(panel, "The version is saved.")

    assert "AWS access key" in panel.locator(".labfork-said").inner_text()
    assert panel.locator(".labfork-change").count() == 0, "it would tell of files as they no longer are"
    assert panel.get_by_label("keys.txt").is_visible(), "one may insist"
    page = pia.context.new_page()
    page.goto("/projects/pia/panelled")
    page.get_by_text("v2.0").first.wait_for()
    page.close()


def test_what_changed_is_a_page_too_with_the_earlier_versions(opened, workspace):
    pia, path, server = opened
    code = "import json; n = json.load(open('a.ipynb')); n['cells'][1]['source'] = 'n = 2';"
    pia.run(server, f"{code} json.dump(n, open('a.ipynb', 'w')); print('ok')")
    page = pia.context.new_page()
    page.goto(f"/projects/{path}/copy/changes")
    main = page.locator("main").inner_text()
    page.evaluate((CHECKOUT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run()")["violations"]
    page.close()

    assert "+n = 2" in main
    assert "AWS access key" in main
    assert "From the panel" in main
    assert found == []


@pytest.mark.parametrize("button", ["Save version", "Get updates"])
def test_what_came_of_it_is_in_sight_whichever_button_was_pressed(opened, panel, button):
    pia, _, _ = opened
    pia.page.set_viewport_size({"width": 1280, "height": 500})
    panel.get_by_role("textbox", name="What changed").fill("Once more")
    panel.get_by_label("Name of the version").fill("v2.0")
    panel.get_by_role("button", name=button).click()
    pia.page.wait_for_function("!document.querySelector('#labfork-panel progress')")
    said, shown = panel.locator(".labfork-said").bounding_box(), panel.bounding_box()
    pia.page.set_viewport_size({"width": 1280, "height": 900})

    assert shown["y"] <= said["y"] + 1
    assert said["y"] + said["height"] <= shown["y"] + shown["height"]


def test_who_does_not_know_the_panel_finds_it_among_what_can_be_started(opened):
    pia, _, server = opened
    pia.page.goto(f"{server}/lab?reset")
    pia.page.locator(".jp-LauncherCard", has_text="Labfork: Save Version, Get Updates").click(timeout=90_000)
    panel = pia.page.locator("#labfork-panel")
    panel.get_by_role("textbox", name="What changed").wait_for()

    assert panel.get_by_role("textbox", name="What changed").evaluate("it => it === document.activeElement")


def test_the_keyboard_alone_leads_to_the_panel(opened):
    pia, _, server = opened
    pia.page.goto(f"{server}/lab?reset")
    pia.page.locator(".jp-LauncherCard").first.wait_for(timeout=90_000)
    pia.page.keyboard.press("Control+Shift+C")
    pia.page.keyboard.type("labfork")
    pia.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text="Labfork").wait_for()
    pia.page.keyboard.press("Enter")
    field = pia.page.locator("#labfork-panel").get_by_role("textbox", name="What changed")

    field.and_(pia.page.locator(":focus")).wait_for()


def test_a_refusal_is_said_in_words_and_beside_its_field(panel):
    panel.get_by_role("textbox", name="What changed").fill("Again")
    panel.get_by_label("Name of the version").fill("v2.0")
    panel.get_by_role("button", name="Save version").click()

    said(panel, "There is a version “v2.0” already")
    assert panel.get_by_role("alert").is_visible()
    assert panel.get_by_role("textbox", name="What changed").input_value() == "Again"


def test_updates_come_into_the_open_document(opened, panel, workspace):
    _, path, _ = opened
    project = forge_of(workspace).projects.get(path)
    action = {"action": "update", "file_path": "notes.md", "content": "theirs\n"}
    project.commits.create({"branch": "main", "commit_message": "Theirs", "actions": [action]})
    panel.get_by_role("button", name="Get updates").click()
    said(panel, "Both are kept")

    assert "notes (from upstream main).md" in panel.locator(".labfork-said").inner_text()
    assert "kernel" not in panel.locator(".labfork-said").inner_text(), "a text has none"
    folder = workspace.home / "storage" / "home" / "pia" / "projects" / "panelled"
    assert (folder / "notes.md").read_text().strip() == "typed in JupyterLab"
    assert (folder / "notes (from upstream main).md").read_text() == "theirs\n"


def test_going_back_shows_the_earlier_text_in_the_open_document(opened, panel):
    pia, _, _ = opened
    panel.get_by_role("button", name="Show earlier versions").click()
    earlier = panel.get_by_label("Earlier version")
    first = earlier.locator("option").last.get_attribute("value")
    earlier.select_option(first)
    panel.get_by_role("button", name="Go back", exact=True).click()
    said(panel, "Your files are what they were")

    pia.page.locator(".jp-FileEditor .cm-content", has_text=re.compile("^one$")).wait_for()


def test_changes_are_proposed_from_the_panel(opened, panel):
    pia, path, _ = opened
    panel.get_by_label("What you propose").fill("A better text")
    panel.get_by_role("button", name="Propose changes").click()
    said(panel, "It is proposed")

    proposals = pia.context.request.get(f"/api/v1/projects/{path}/proposals").json()["items"]
    assert [each["title"] for each in proposals] == ["A better text"]
    with pia.context.expect_page() as opened_page:
        panel.get_by_role("link", name="Proposals to it").click()
    opened_page.value.get_by_role("link", name="A better text").wait_for()
    opened_page.value.close()


@pytest.fixture(scope="module")
def maintainer(opened, workspace, browser):
    """Mia, a maintainer of the project, who has it open too: she, and her server's address."""
    _, path, _ = opened
    mia = Person(workspace, browser, "mia")
    forge = forge_of(workspace)
    account = forge.users.create({"username": "mia", "name": "Mia", **ON_THE_FORGE})
    forge.projects.get(path).members.create({"user_id": account.id, "access_level": MAINTAINER})
    yield mia, mia.open(path)
    mia.context.close()


def test_a_maintainer_is_led_from_the_panel_to_each_proposal_and_settles_it_there(opened, maintainer):
    (_, path, _), (mia, server) = opened, maintainer
    mia.page.goto(f"{server}/lab?reset")
    mia.page.locator("[data-id='labfork-panel']").click(timeout=90_000)
    listed = mia.page.get_by_role("region", name="Proposals to accept or decline")
    proposal = listed.get_by_role("listitem")
    proposal.get_by_text(f"number 1 to {path}, by pia, less than a minute ago").wait_for()
    mia.page.evaluate((CHECKOUT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = mia.page.evaluate("axe.run('#labfork-panel')")["violations"]
    proposal.get_by_role("link", name="A better text").focus()
    with mia.context.expect_page() as beside:
        mia.page.keyboard.press("Enter")
    beside.value.get_by_role("button", name="Accept").click()
    beside.value.get_by_text("It was accepted").wait_for()
    beside.value.close()

    mia.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # headless pages never hide
    listed.get_by_text("None is open.").wait_for()
    assert proposal.count() == 0
    assert found == []


def test_who_may_settle_no_proposal_sees_no_list_of_them(opened, panel):
    pia, _, server = opened
    told = pia.context.request.get(f"{server}/labfork/proposals").json()

    assert told == {"may_settle": False, "items": []}
    assert panel.get_by_role("button", name="Propose changes").is_visible()
    assert not panel.get_by_text("Proposals to accept").is_visible()


@pytest.mark.parametrize("deed", ["accept", "decline"])
def test_what_runs_in_a_maintainers_session_settles_no_proposal(opened, maintainer, deed):
    (_, path, _), (mia, server) = opened, maintainer
    answer = json.loads(mia.run(server, ASK.format(path=f"/projects/{path}/proposals/1/{deed}")))

    assert answer["status"] == 403
    assert "any notebook that runs there has it" in answer["detail"]


def test_the_token_stays_out_of_the_browser_and_nobody_else_reaches_the_panel(opened, workspace):
    pia, _, server = opened
    token = pia.run(server, "import os; print(os.environ['LABFORK_TOKEN'])").strip()
    told = pia.context.request.get(f"{server}/labfork/session")

    assert told.ok
    assert token not in told.text()
    assert token not in pia.context.request.get(f"{server}/lab").text()
    assert pia.context.request.post(f"{server}/labfork/update").status == 403, "without the XSRF token"
    with workspace.client() as stranger:
        assert stranger.get(f"{server}/labfork/session").status_code in (302, 403)


def test_the_projects_own_environment_is_as_it_was(opened):
    pia, _, server = opened
    seen = pia.run(
        server, "import sys, os; print([p for p in sys.path if 'labfork' in p], os.environ.get('PYTHONPATH'))"
    )

    assert seen.strip() == "[] None"


def test_who_signs_out_is_out_of_the_session_within_a_minute(opened):
    pia, _, server = opened
    assert pia.context.request.get(f"{server}/lab", max_redirects=0).ok
    pia.page.goto("/me")
    pia.page.get_by_role("button", name="Sign out").click()

    wait_for(
        lambda: pia.context.request.get(f"{server}/lab", max_redirects=0).status == 302,
        seconds=60,
        what="the end of what the session's server remembers",
    )
    pia.sign_in()
    assert pia.context.request.get(f"{server}/lab").ok
