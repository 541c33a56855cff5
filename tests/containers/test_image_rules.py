"""What is decided about images before an engine is asked."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.containers import ImageJob
from hub.environments.builder import in_environment
from hub.environments.clients import judge_client
from hub.environments.collection import Stored, surplus
from hub.environments.engine import with_secrets
from hub.environments.image_files import check_files, stock_file
from hub.environments.image_probe import MARK, _read
from hub.environments.requirements import BuildFailed
from hub.environments.sources import Sources
from hub.environments.uv import UvBuilder
from hub.jobs import Account, Job, Limits


@pytest.mark.parametrize(
    ("version", "plugin", "buildx"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", False, False),
        ("Docker version 20.10.24+dfsg1, build 297e128", True, True),
        ("Docker version 28.2.2, build e6534b4", True, True),
        ("Docker version 28.2.2, build e6534b4", False, None),
        ("podman version 4.3.1", False, False),
        ("something else", False, None),
    ],
)
def test_which_clients_can_build(version, plugin, buildx):
    client = judge_client(Path("/docker"), version, has_buildx=plugin)

    assert (client and client.buildx) is buildx


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("requirements.txt", "-e ."),
        ("requirements.txt", "./local"),
        ("requirements.txt", "file:///etc"),
        ("requirements.txt", "x @ file:///etc"),
        ("requirements.txt", "-r ../other.txt"),
        ("requirements.txt", "-c constraints.txt"),
        ("apt.txt", "curl; rm -rf /"),
        ("apt.txt", "--allow-unauthenticated"),
        ("runtime.txt", "python-3"),
        ("runtime.txt", "python-3.11\nRUN evil"),
    ],
)
def test_a_line_that_cannot_be_honoured_is_refused_with_its_place(path, line):
    text = line if path == "runtime.txt" else f"six\n{line}\n"
    with pytest.raises(BuildFailed) as refused:
        check_files({path: text})

    assert (refused.value.file, refused.value.line) == (path, 1 if path == "runtime.txt" else 2)


@pytest.mark.parametrize(
    "line",
    [
        "git+https://example.org/x.git",
        "-e git+https://example.org/x.git#egg=x",
        "--pre",
        "x; python_version>'3'",
    ],
)
def test_what_pip_understands_and_the_image_can_hold_passes(line):
    check_files({"requirements.txt": f"{line}\n"})


@pytest.mark.parametrize(
    "line", ["# syntax=evil/frontend:1", "#Syntax = evil", "//syntax=evil", '{"syntax": "evil"}']
)
def test_a_dockerfile_brings_no_front_end_of_its_own(line):
    with pytest.raises(BuildFailed, match=r"Dockerfile, line 1: .* names another syntax"):
        check_files({"Dockerfile": f"{line}\nFROM x\n"})


@pytest.mark.parametrize("path", ["requirements'.txt", "requirements\nRUN evil.txt", "requirements 2.txt"])
def test_a_name_that_would_change_the_build_is_refused(path):
    with pytest.raises(BuildFailed, match="Rename it"):
        check_files({path: "six\n"})


def test_a_package_of_its_own_without_requirements_is_refused():
    with pytest.raises(BuildFailed, match=r"List what it installs in requirements\.txt"):
        check_files({"setup.py": "import setuptools\n"})


@pytest.mark.parametrize(
    ("files", "taken_by"),
    [
        ({"requirements.txt": "", "apt.txt": ""}, None),
        ({"binder/environment.yml": "", "binder/requirements.txt": ""}, "binder/environment.yml"),
        ({"Dockerfile": "", "environment.yml": ""}, "Dockerfile"),
        ({"runtime.txt": "r-4.4-2026-01-01"}, "runtime.txt"),
        ({"runtime.txt": "python-3.11"}, None),
    ],
)
def test_which_file_decides_for_a_build_pack_of_repo2docker(files, taken_by):
    assert stock_file(files) == taken_by


def test_an_answer_of_an_image_that_is_nested_without_end_is_none():
    assert _read(MARK + "[" * 100_000) is None


def test_secrets_reach_every_step_and_are_only_named():
    given = "FROM base\n\nRUN one && \\\n    RUN two\nUSER x\nRUN ./postBuild\n"

    changed = with_secrets(given, ["ca.crt"])

    assert changed.count("RUN --mount=type=secret,id=ca.crt,mode=0444 ") == 2
    assert changed.startswith("FROM base\nARG SSL_CERT_FILE=/run/secrets/ca.crt\n")
    assert with_secrets(given, []) == given


def test_only_what_is_set_becomes_a_secret(tmp_path):
    bundle = tmp_path / "ca"
    sources = Sources(index_url='https://mirror.example/"x', ca_bundle=bundle, http_proxy="http://p:1")

    written = sources.write_secrets(tmp_path / "secrets")

    assert Sources().write_secrets(tmp_path / "none") == {}
    assert set(written) == {"uv.toml", "pip.conf", "apt.conf", "ca.crt"}
    assert written["uv.toml"].read_text() == 'index-url = "https://mirror.example/\\"x"\n'
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


STORED = st.lists(
    st.builds(Stored, st.text("abcdef", min_size=1, max_size=3), st.integers(0, 100), st.floats(0, 100)),
    unique_by=lambda stored: stored.key,
)


@given(STORED, st.integers(0, 300), st.sets(st.text("abcdef", min_size=1, max_size=3)), st.floats(0, 100))
def test_what_is_removed_was_idle_and_is_enough_where_that_is_possible(stored, limit, in_use, before):
    removed = surplus(stored, limit, in_use=in_use, before=before)

    may_go = {each.key for each in stored if each.used_at < before and each.key not in in_use}
    assert set(removed) <= may_go
    stays = sum(each.bytes for each in stored if each.key not in removed)
    assert stays <= limit or set(removed) == may_go
    assert set(removed) == set() or sum(each.bytes for each in stored) > limit


def test_a_job_in_an_environment_of_uv_mounts_it(tmp_path):
    job = Job(("x",), PurePosixPath("/"), {}, (), Account(5, 5), Limits(1, 1, 1, 1, 1))

    changed = in_environment(job, UvBuilder(tmp_path), "k")

    assert [mount.source for mount in changed.mounts] == [tmp_path / "k"]
    assert not isinstance(changed, ImageJob)
