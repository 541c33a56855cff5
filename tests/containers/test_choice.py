"""What is looked at, and made, before a workspace with an engine starts."""

from __future__ import annotations

import contextlib

import docker
import pytest

import deploy.base_image
import deploy.engine
from deploy.configuration import ConfigurationError, read_configuration
from deploy.doctor import containers
from deploy.engine import make_ready
from tests.engine import base_archive
from workspace_api.settings import BASE_IMAGE


@pytest.fixture
def unnamed(docker_engine):
    """A configuration that names no base image, with an engine that lacks the default one."""

    def remove() -> None:
        with contextlib.suppress(docker.errors.ImageNotFound):
            docker_engine.client.images.remove(BASE_IMAGE, force=True)

    remove()  # the engine's data outlive tests that were cut off
    yield read_configuration(
        {name: value for name, value in docker_engine.settings.items() if "BASE_IMAGE" not in name}
    )
    remove()


def test_a_base_image_that_the_engine_lacks_is_named(docker_engine):
    lacking = {**docker_engine.settings, "LABFORK_CONTAINERS__BASE_IMAGE": "labfork-test/none:1"}

    with pytest.raises(ConfigurationError, match=r"no image labfork-test/none:1 .*docker pull"):
        make_ready(read_configuration(lacking))


def test_the_base_image_of_a_workspace_that_names_none_is_made_once(unnamed, monkeypatch):
    monkeypatch.setattr(deploy.base_image, "write_archive", lambda to: to.symlink_to(base_archive()))
    said: list[str] = []
    assert "(made at the start)" in containers(unnamed).detail
    for _ in range(2):
        make_ready(unnamed, said.append)

    assert len(said) == 1
    assert "takes a minute" in said[0]


def test_a_machine_that_cannot_make_the_base_image_is_told_what_helps(unnamed, monkeypatch):
    monkeypatch.setattr(deploy.base_image, "can_be_made", lambda: False)

    with pytest.raises(ConfigurationError, match="apt-get install debootstrap"):
        make_ready(unnamed)


def test_the_network_of_what_is_open_is_made_once_and_keeps_jobs_apart(docker_engine):
    given = {**docker_engine.settings, "LABFORK_RUNS__NETWORK": "open"}
    given["LABFORK_CONTAINERS__NETWORK"] = "labfork-test-open"
    for _ in range(2):
        make_ready(read_configuration(given))

    [network] = docker_engine.client.networks.list(names=["labfork-test-open"])
    assert network.attrs["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert containers(read_configuration(given)).detail.startswith("Docker Engine ")
    network.remove()


def test_without_the_program_that_shuts_out_metadata_nothing_is_open(docker_engine, monkeypatch):
    monkeypatch.setattr(deploy.engine, "route_program", lambda: None)

    with pytest.raises(ConfigurationError, match=r"needs the program ip.*apt-get install iproute2"):
        make_ready(read_configuration({**docker_engine.settings, "LABFORK_RUNS__NETWORK": "open"}))
