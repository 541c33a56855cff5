"""What a workspace knew of commits is true after its builder was switched, and after it was switched back."""

from __future__ import annotations

import pytest

from tests.projects.conftest import ADMIN, VISITOR
from tests.publishing import notebook
from workspace_api.environments.service import EnvironmentService
from workspace_api.settings import ContainerSettings
from workspace_api.workspace import open_workspace

FILES = {"a.ipynb": notebook("n"), "requirements.txt": "six==1.17.0\n"}
DOCKER = ContainerSettings(
    engine="docker", base_image="labfork/base:bookworm-1", host="unix:///nonexistent/docker.sock"
)


@pytest.fixture
def paths(shelf):
    """A curated and a plain project with the same environment files, and one with others; all were read."""
    made = [shelf.publish(FILES), shelf.publish(FILES), shelf.publish({**FILES, "apt.txt": "tree\n"})]
    shelf.tag(made[0], "v1.0")
    shelf.workspace.projects.curate(ADMIN, made[0], version="v1.0", area="Genomics")
    for path in made[1:]:
        shelf.workspace.projects.snapshot(VISITOR, path)
    return made


@pytest.fixture
def switched(shelf):
    """The same workspace with the other builder."""
    opened = open_workspace(shelf.workspace.settings.model_copy(update={"containers": DOCKER}))
    yield opened
    opened.close()
    shelf.workspace.projects.follow_builder()


def keys(workspace, paths) -> list[str]:
    return [workspace.projects.snapshot(VISITOR, path).environment_key for path in paths]


def states(environments: EnvironmentService, of) -> list[str]:
    return [environments.view(key).state for key in of]


def test_commits_that_were_read_have_the_environments_of_the_builder_in_force(shelf, switched, paths):
    before = keys(shelf.workspace, paths)
    changed = switched.projects.follow_builder()
    after = keys(switched, paths)

    assert changed >= len(paths)
    assert after[0] == after[1] != after[2]
    assert not {*before} & {*after}
    assert after[0] == switched.environments.want({"requirements.txt": b"six==1.17.0\n"})
    assert switched.environments.files(after[2]) == {"requirements.txt": "six==1.17.0\n", "apt.txt": "tree\n"}
    assert switched.projects.follow_builder() == 0


def test_what_is_curated_is_built_at_once_and_the_rest_when_it_is_needed(shelf, switched, paths):
    switched.projects.follow_builder()
    curated, plain, other = keys(switched, paths)

    assert states(switched.environments, (curated, plain, other)) == ["wanted", "wanted", "removed"]
    assert switched.environments.view(other).builder == switched.environments.builder.label
    assert switched.environments.need(other).state == "wanted"


def test_switched_back_they_have_those_that_they_had(shelf, switched, paths):
    before = keys(shelf.workspace, paths)
    switched.projects.follow_builder()
    shelf.workspace.projects.follow_builder()

    assert keys(shelf.workspace, paths) == before


def test_a_push_after_the_switch_and_a_commit_before_it_share_an_environment(shelf, switched, paths):
    switched.projects.follow_builder()
    shelf.change(paths[1], {"a.ipynb": notebook("n + 1")})
    shelf.let_a_minute_pass(paths[1])
    pushed = switched.projects.read_pushed(paths[1], "refs/heads/main")

    assert pushed == keys(switched, paths)[0]


def test_a_file_that_is_no_text_keeps_the_key_under_which_its_build_failed(shelf, switched):
    bad = shelf.workspace.environments.want({"requirements.txt": b"\xff"})

    assert switched.environments.renewed(bad) == bad
