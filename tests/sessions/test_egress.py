"""What jobs are told of package indexes, which of them are reached, and how people are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from deploy.configuration import read_configuration
from deploy.doctor import network
from workspace_api.egress import (
    allowed_places,
    has_mirror,
    launcher_network,
    mirror_forward,
    mirror_variables,
    words_for,
)
from workspace_api.settings import ContainerSettings, EnvironmentSettings, SessionSettings, Settings

PRIVATE = "https://reader:secret@pypi.lab:8443/simple"


def settings(index: str = "", hosts: tuple[str, ...] = (), extra: str = "", **more) -> Settings:
    given = {
        "home": Path("/nowhere"),
        "public_url": "http://x",
        "database_url": "",
        "secret_key": SecretStr("s"),
        "environments": EnvironmentSettings(index_url=index, mirror_hosts=hosts),
        "containers": ContainerSettings(extra_index_urls=extra),
    }
    return Settings(**{**given, **more})


def test_without_an_index_pypi_is_reached_in_the_internet_alone():
    allowed = allowed_places(settings(hosts=("conda.anaconda.org", "http://files.lab", "cran.lab:8080")))

    assert [str(place) for place in sorted(allowed.public)] == ["files.pythonhosted.org:443", "pypi.org:443"]
    assert [str(place) for place in sorted(allowed.named)] == [
        "conda.anaconda.org:443",
        "cran.lab:8080",
        "files.lab:80",
    ]


def test_with_indexes_these_are_reached_and_pypi_is_not():
    allowed = allowed_places(settings(PRIVATE, extra="http://more.lab/simple https://PyPI.org/simple"))

    assert allowed.public == frozenset()
    assert [str(place) for place in sorted(allowed.named)] == [
        "files.pythonhosted.org:443",
        "more.lab:80",
        "pypi.lab:8443",
        "pypi.org:443",
    ]


def test_jobs_are_told_the_proxy_and_the_indexes_without_a_password():
    told = mirror_variables(settings(PRIVATE, extra="http://u:p@more.lab/a http://b.lab/"), "mirror")

    assert told == {
        "HTTP_PROXY": "http://127.0.0.1:3128",
        "HTTPS_PROXY": "http://127.0.0.1:3128",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "http_proxy": "http://127.0.0.1:3128",
        "https_proxy": "http://127.0.0.1:3128",
        "no_proxy": "127.0.0.1,localhost,::1",
        "UV_DEFAULT_INDEX": "https://pypi.lab:8443/simple",
        "PIP_INDEX_URL": "https://pypi.lab:8443/simple",
        "UV_INDEX": "http://more.lab/a http://b.lab/",
        "PIP_EXTRA_INDEX_URL": "http://more.lab/a http://b.lab/",
    }


def test_the_proxy_has_a_port_that_the_workspace_has_not():
    [way] = mirror_forward(settings(port=3128), "mirror")

    assert way.port == 3129


@pytest.mark.parametrize(
    ("chosen", "sandboxed", "engine", "runs"),
    [
        ("mirror", True, "", True),
        ("none", True, "", False),
        ("open", True, "", False),
        ("mirror", False, "", False),
        ("mirror", False, "docker", True),
    ],
)
def test_there_is_a_proxy_only_where_a_job_is_to_have_it(chosen, sandboxed, engine, runs):
    found = settings(
        sessions=SessionSettings(network=chosen),
        sandboxed=sandboxed,
        containers=ContainerSettings(engine=engine, base_image="b"),
    )

    assert has_mirror(found) is runs
    assert bool(mirror_forward(found, chosen)) is runs
    assert bool(mirror_variables(found, chosen)) is runs


def test_launchers_know_two_networks():
    assert [launcher_network(each) for each in ("none", "mirror", "open")] == ["none", "none", "open"]


@pytest.mark.parametrize("host", ["*", "*.lab", "a b", "http://x/path", "user@pypi.lab"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(ValidationError, match="is no host such as"):
        EnvironmentSettings(mirror_hosts=(host,))


@pytest.mark.parametrize(
    ("chosen", "engine", "words"),
    [
        ("none", "", "AlphaGenome, and nothing else."),
        ("mirror", "", "AlphaGenome, packages from files.pythonhosted.org, pypi.org, and nothing else."),
        ("open", "", "whatever this machine reaches, other sessions’ ports and metadata addresses"),
        ("open", "docker", "no metadata address of a cloud."),
    ],
)
def test_people_are_told_what_is_reached(chosen, engine, words):
    containers = ContainerSettings(engine=engine, base_image="b")

    assert words in words_for(settings(containers=containers), chosen, "AlphaGenome")


def test_where_nothing_holds_a_job_nothing_is_promised():
    assert words_for(settings(sandboxed=False), "mirror", "AlphaGenome") == ""


@pytest.mark.parametrize(
    ("chosen", "sandboxed", "fine", "words"),
    [
        ("none", True, True, "no metadata address of a cloud is reached"),
        ("mirror", True, True, "runs: mirror; no metadata address of a cloud is reached"),
        ("open", True, False, "Set it to mirror, or use containers"),
        ("none", False, False, "without bubblewrap"),
    ],
)
def test_the_doctor_warns_of_a_network_with_metadata_addresses(chosen, sandboxed, fine, words):
    found = network(read_configuration({"LABFORK_RUNS__NETWORK": chosen}), sandboxed=sandboxed)

    assert (found.present, found.needed) == (fine, False)
    assert words in found.detail
