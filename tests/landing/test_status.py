"""The status page: each part in words, and how many environments are in which state."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN
from tests.landing.conftest import application, browser_of
from tests.landing.reading import Page
from workspace_api.settings import AlphaGenomeSettings, ForgeSettings, HubSettings


def shown(workspace) -> Page:
    answer = browser_of(application(workspace)).get("/status")
    assert answer.status_code == 200
    return Page(answer.text)


def test_every_part_that_answers_is_said_to(make_workspace, seeded):
    listening = urlsplit(seeded.forge_url).port  # hub and gateway are asked only whether something answers
    workspace = make_workspace(
        hub=HubSettings(api_url=f"{seeded.forge_url}/-/health"),
        alphagenome=AlphaGenomeSettings(port=listening),
    )
    workspace.heartbeats.beat("worker")
    page = shown(workspace)

    assert "Everything answers" in page.text
    assert page.text.count("Answers.") + 1 == len(page.all("li", **{"class": "panel"})) >= 6
    assert "There is room." in page.text
    assert "Environments 1 wanted." in page.text


def test_what_does_not_answer_is_named_with_its_address_and_what_it_means(make_workspace):
    port = free_port()
    workspace = make_workspace(
        hub=HubSettings(api_url=f"http://127.0.0.1:{port}/hub/api"),
        alphagenome=AlphaGenomeSettings(port=port),
        forge=ForgeSettings(url=f"http://127.0.0.1:{port}/git", token=ROOT_TOKEN),
    )
    page = shown(workspace)

    assert "Something is not answering" in page.text
    assert f"JupyterHub at http://127.0.0.1:{port}/hub/api does not answer" in page.text
    assert f"The forge at http://127.0.0.1:{port}/git does not answer" in page.text
    assert f"The AlphaGenome gateway at 127.0.0.1:{port} does not answer" in page.text
    assert "No worker was ever seen: runs and environments wait." in page.text
    assert page.text.count("Answers.") == len(page.all("li", **{"class": "panel"})) - 5
    assert ROOT_TOKEN not in page.text
