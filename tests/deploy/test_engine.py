"""One setting chooses containers, and what it needs is looked at before anything starts."""

from __future__ import annotations

import os

import pytest
from pydantic import SecretStr

from deploy.configuration import ConfigurationError, read_configuration
from deploy.doctor import containers
from deploy.engine import make_ready
from hub.containers import ContainerLauncher
from hub.environments.builder import ImageBuilder
from hub.environments.uv import UvBuilder
from hub.launchers import PlainLauncher, SandboxLauncher
from workspace_api.means import builder_of, launcher_of
from workspace_api.settings import ContainerSettings, Settings

CHOSEN = {"LABFORK_CONTAINERS__ENGINE": "docker", "LABFORK_CONTAINERS__BASE_IMAGE": "labfork/base:1"}
NOWHERE = {"LABFORK_CONTAINERS__HOST": "unix:///nonexistent/docker.sock"}


def settings(tmp_path, **more) -> Settings:
    given = {"home": tmp_path, "public_url": "http://x", "database_url": "", "secret_key": SecretStr("s")}
    return Settings(**{**given, **more})


def test_without_the_setting_the_sandbox_and_uv_are_used(tmp_path):
    assert isinstance(launcher_of(settings(tmp_path)), SandboxLauncher)
    assert isinstance(launcher_of(settings(tmp_path, sandboxed=False)), PlainLauncher)
    assert isinstance(builder_of(settings(tmp_path)), UvBuilder)


def test_the_setting_chooses_containers_and_images_with_keys_of_their_own(tmp_path):
    chosen = settings(tmp_path, containers=ContainerSettings(engine="docker", base_image="labfork/base:1"))
    other = settings(tmp_path, containers=ContainerSettings(engine="docker", base_image="labfork/base:2"))
    files = {"requirements.txt": b"six\n"}

    assert isinstance(launcher_of(chosen), ContainerLauncher)
    assert isinstance(builder_of(chosen), ImageBuilder)
    assert len({builder_of(each).key(files) for each in (chosen, other, settings(tmp_path))}) == 3


@pytest.mark.parametrize(
    ("sandboxed", "engine", "network", "own"),
    [
        (True, "", "none", True),
        (True, "", "open", False),
        (False, "", "none", False),
        (True, "docker", "none", True),
        (True, "docker", "open", True),
    ],
)
def test_a_container_always_has_a_network_of_its_own(tmp_path, sandboxed, engine, network, own):
    containers = ContainerSettings(engine=engine, base_image="b")
    found = settings(tmp_path, sandboxed=sandboxed, containers=containers)

    assert found.has_own_network(network) is own


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LABFORK_CONTAINERS__BASE_IMAGE": ""}, r"base_image: .*LABFORK_CONTAINERS__BASE_IMAGE"),
        ({"LABFORK_CONTAINERS__ENGINE": "podman"}, r"containers\.engine: .*'docker'"),
        ({"LABFORK_CONTAINERS__HOST": "tcp://10.0.0.1:2375"}, r"tcp://10\.0\.0\.1:2375.*no socket"),
        ({"LABFORK_CONTAINERS__CA_BUNDLE": "/nonexistent.pem"}, r"/nonexistent\.pem.*PEM"),
        ({"LABFORK_CONTAINERS__HTTPS_PROXY": "proxy:3128"}, r"proxy:3128.*http://proxy"),
        ({"LABFORK_CONTAINERS__BUILD_NETWORK": "none"}, r"build_network: .*'host'"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_would(given, said):
    with pytest.raises(ConfigurationError, match=said):
        read_configuration({**CHOSEN, **given})


def test_an_engine_that_does_not_answer_stops_the_start(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    configuration = read_configuration({**CHOSEN, **NOWHERE})

    with pytest.raises(ConfigurationError, match=r"LABFORK_CONTAINERS__ENGINE=docker cannot be used here"):
        make_ready(configuration)
    found = containers(configuration)
    assert (found.present, found.needed) == (False, True)


def test_without_root_containers_are_refused(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ConfigurationError, match="started as root"):
        make_ready(read_configuration({**CHOSEN, **NOWHERE}))
