"""A workspace with Docker when something goes wrong, and its runs beside those of the sandbox."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from hub.containers import PREFIX
from tests.conftest import await_end, start_workspace, wait_for
from tests.workspace.test_sessions import Person

pytestmark = [pytest.mark.browser, pytest.mark.workspace, pytest.mark.timeout(600)]

PROJECT = "genomics/alphagenome"
REQUEST = {
    "project": PROJECT,
    "notebook": "02_variant_analysis.ipynb",
    "parameters": {"variant": "chr22:36201711:A>C"},
    "fresh": True,
}
PASSING = re.compile(r"[0-9a-f]{12,}|\d{4}-\d\d-\d\d \d\d:\d\d|\d+(\.\d+)? s\b|data:image/[^\"']+")


@pytest.fixture(scope="module")
def lin(container_workspace, browser):
    """An author with a session in a container; the value is she and its address."""
    made = Person(container_workspace, browser, "lin")
    yield made, made.open(PROJECT)
    made.context.close()


def sessions(person: Person, *, ended: bool = False) -> list[dict]:
    """Return a person's sessions."""
    path = f"/api/v1/sessions?ended={str(ended).lower()}"
    return person.context.request.get(path).json()["items"]


def session_containers(engine) -> list:
    """Return the engine's containers that run a session."""
    running = engine.client.containers.list(filters={"name": PREFIX})
    return [found for found in running if "jupyterhub.singleuser" in " ".join(found.attrs["Args"])]


def test_a_run_gives_the_same_report_as_in_the_sandbox(sandbox_workspace, container_workspace):
    reports = []
    for workspace in (sandbox_workspace, container_workspace):
        with workspace.client() as client:
            run = client.post("/api/v1/runs", json=REQUEST).raise_for_status().json()
            ended = await_end(client, run["id"])
            assert (ended["state"], ended["error"]) == ("succeeded", None)
            reports.append(client.get(f"/api/v1/runs/{run['id']}/report").raise_for_status().text)

    ours, other = (PASSING.sub("", text) for text in reports)
    assert "chr22:36201711:A&gt;C" in ours
    assert ours == other


def test_sessions_go_on_when_the_whole_workspace_is_killed_and_started_again(lin, container_workspace):
    her, server = lin
    her.run(server, "import pathlib; pathlib.Path('/tmp/kept').write_text('kept'); print('ok')")
    container_workspace.process.kill()
    container_workspace.process.wait()
    wait_for(lambda: not answers(container_workspace.url), what="the end of the workspace")

    again = start_workspace(
        container_workspace.home, container_workspace.port, **settings(container_workspace)
    )
    container_workspace.process = again.process

    assert [found["state"] for found in sessions(her)] == ["running"]
    her.page.goto(f"{server}/lab")
    assert her.run(server, "print(open('/tmp/kept').read())") == "kept\n"


def test_a_session_whose_container_was_removed_ends_in_words(lin, docker_engine):
    her, _ = lin
    for found in session_containers(docker_engine):
        found.remove(force=True)
    wait_for(lambda: sessions(her) == [], what="the end of the session")

    last = sessions(her, ended=True)[0]
    assert (last["state"], "ended from outside" in last["error"]) == ("failed", True)


def test_two_tabs_that_press_open_at_once_start_one_container(lin, docker_engine, container_workspace):
    her, _ = lin
    cookies = {cookie["name"]: cookie["value"] for cookie in her.context.cookies()}
    her.page.goto(f"/projects/{PROJECT}")
    form = her.page.locator("form", has=her.page.get_by_role("button", name="Open", exact=True))
    csrf = form.locator("[name=csrf]").input_value()
    address = container_workspace.url + form.get_attribute("action")

    def press(_: int) -> int:
        given = {"csrf": csrf, "kind": "lab"}
        headers = {"Origin": container_workspace.url}
        return httpx.post(address, data=given, cookies=cookies, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(4) as tabs:
        assert set(tabs.map(press, range(4))) == {303}
    wait_for(lambda: [s["state"] for s in sessions(her)] == ["running"], seconds=120, what="the session")
    assert len(session_containers(docker_engine)) == 1


def answers(url: str) -> bool:
    """Whether anything answers at the address."""
    try:
        httpx.get(url + "/health", timeout=2)
    except httpx.TransportError:
        return False
    return True


def settings(workspace) -> dict[str, str]:
    """Return the settings that a running workspace was given, as its process has them."""
    from deploy.in_force import load

    chosen = load(workspace.home).configuration.containers.model_dump()
    return {f"LABFORK_CONTAINERS__{name.upper()}": str(value) for name, value in chosen.items()}
