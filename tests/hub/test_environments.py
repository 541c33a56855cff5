"""Environments: their keys, their builds with a real uv, and what a failed build says."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.environments.keys import environment_files, environment_key
from hub.environments.locks import lock_key
from hub.environments.requirements import BuildFailed, line_of, read_requirements
from hub.environments.uv import UvBuilder
from hub.processes import Cancelled, run
from tests.conftest import CHECKOUT, wait_for

FILES = st.dictionaries(
    st.sampled_from(["requirements.txt", "runtime.txt", "apt.txt"]), st.binary(max_size=20)
)


@given(FILES, FILES)
def test_equal_files_have_equal_keys_and_others_do_not(first, second):
    same = environment_key(first, "uv") == environment_key(second, "uv")

    assert same == (first == second)


def test_another_builder_makes_another_environment():
    assert environment_key({}, "uv-1") != environment_key({}, "uv-2")


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a.ipynb", "requirements.txt", "sub/requirements.txt"], ["requirements.txt"]),
        (["requirements.txt", "binder/requirements.txt"], ["binder/requirements.txt"]),
        (
            ["requirements.txt", "requirements-more.txt", "notes.txt"],
            ["requirements-more.txt", "requirements.txt"],
        ),
        (["a.ipynb", "data/b.csv"], []),
    ],
)
def test_which_files_decide_an_environment(paths, found):
    assert environment_files(paths) == found


def test_two_folders_for_binder_are_refused():
    with pytest.raises(ValueError, match="Keep one"):
        environment_files(["binder/requirements.txt", ".binder/requirements.txt"])


def test_requirements_are_read_with_their_places():
    files = {
        "requirements.txt": "# ours\n\nnumpy>=2  # arrays\n-r requirements-more.txt\n",
        "requirements-more.txt": "Six\n",
    }

    lines = read_requirements(files)

    assert [(line.file, line.number, line.name) for line in lines] == [
        ("requirements.txt", 3, "numpy"),
        ("requirements-more.txt", 1, "six"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url http://evil.example/simple",
        "-e .",
        "./local",
        "git+https://example.org/x.git",
        "x @ https://example.org/x.whl",
        "-r ../other.txt",
        "-r /etc/passwd",
        "numpy => 2",
    ],
)
def test_a_line_that_reaches_further_is_refused_with_its_place(line):
    with pytest.raises(BuildFailed) as refused:
        read_requirements({"requirements.txt": f"six\n{line}\n"})

    assert (refused.value.file, refused.value.line) == ("requirements.txt", 2)
    assert "requirements.txt, line 2" in refused.value.message


def test_a_private_index_is_refused_and_its_password_told_to_nobody():
    line = "--index-url https://user:pw@pypi.example/simple"
    with pytest.raises(BuildFailed) as refused:
        read_requirements({"requirements.txt": f"six\n{line}\n"})

    assert "requirements.txt, line 2: “--index-url https://pypi.example/simple”" in refused.value.message
    assert "pw" not in refused.value.message + refused.value.text


def test_only_so_many_packages_are_taken():
    with pytest.raises(BuildFailed, match=r"line 2001: .* 2000 packages are the most"):
        read_requirements({"requirements.txt": "".join(f"package-{n}\n" for n in range(10_000))})
    listed = ", ".join(f'"package-{n}"' for n in range(10_000))
    with pytest.raises(BuildFailed, match="lists 10000 packages"):
        read_requirements({"pyproject.toml": f"[project]\nname = 'x'\ndependencies = [{listed}]\n"})


def test_files_that_include_each_other_over_and_over_are_read_once():
    names = ["requirements.txt", *(f"requirements-{n}.txt" for n in range(6))]
    everything = "".join(f"-r {name}\n" for name in names) * 500

    lines = read_requirements(dict.fromkeys(names, everything + "six\n"))

    assert {line.name for line in lines} == {"six"}
    assert len(lines) == len(names)


def test_dependencies_of_a_project_file_count_too():
    text = '[project]\nname = "x"\ndependencies = [\n  "six>=1",\n]\n'

    assert [(line.name, line.number) for line in read_requirements({"pyproject.toml": text})] == [("six", 4)]


def test_a_resolvers_words_lead_to_the_line():
    lines = read_requirements({"requirements.txt": "numpy\nnot_there==1\n"})

    assert line_of(lines, "Because not-there was not found in the registry").number == 2


def build(builder: UvBuilder, files: dict[str, str], log, cancelled=lambda: False) -> str:
    key = builder.key({name: text.encode() for name, text in files.items()})
    builder.build(key, files, log, cancelled)
    return key


def test_an_environment_has_what_was_asked_for_and_jupyter(builder, tmp_path):
    key = build(builder, {"requirements.txt": "six==1.17.0\n"}, tmp_path / "log")

    packages = builder.installed_packages(key)
    assert packages["six"] == "1.17.0"
    assert {"jupyterlab", "jupyterhub", "ipykernel", "papermill", "nbconvert"} <= set(packages)
    assert (
        run([builder.python(key), "-c", "import six, papermill; print(six.__version__)"], timeout=30).stdout
        == "1.17.0\n"
    )
    assert (tmp_path / "log").read_text().endswith("Ready\n")


def test_an_environment_gives_alphagenomes_client_the_workspaces_address(builder, tmp_path):
    key = build(builder, {"requirements.txt": "six==1.17.0\n"}, tmp_path / "log")
    program = (
        "import os; os.environ.update(ALPHAGENOME_ADDRESS='localhost:1', ALPHA_GENOME_API_KEY='a-token')\n"
        "from google.colab import userdata; print(userdata.get('ALPHA_GENOME_API_KEY'))"
    )
    said = subprocess.run(
        [builder.python(key), "-I", "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout == "a-token\n"


def test_building_again_does_nothing(builder, tmp_path):
    files = {"requirements.txt": "six==1.17.0\n"}
    key = build(builder, files, tmp_path / "first")
    before = builder.folder(key).stat().st_mtime_ns

    build(builder, files, tmp_path / "second")

    assert builder.folder(key).stat().st_mtime_ns == before
    assert not (tmp_path / "second").exists()


def test_one_key_is_built_once_at_a_time(builder, tmp_path):
    files = {"requirements.txt": "six==1.16.0\n"}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        keys = list(pool.map(lambda n: build(builder, files, tmp_path / f"log{n}"), range(3)))

    assert len(set(keys)) == 1
    assert len([n for n in range(3) if (tmp_path / f"log{n}").exists()]) == 1


@pytest.mark.parametrize("line", ["no-such-package-of-labfork==1", "six==0.0.77"])
def test_a_failed_build_names_the_line_and_leaves_nothing(builder, tmp_path, line):
    files = {"requirements.txt": f"# needed\n{line}\n"}
    with pytest.raises(BuildFailed) as failed:
        build(builder, files, tmp_path / "log")

    assert failed.value.line == 2
    assert line in failed.value.message
    assert failed.value.message in (tmp_path / "log").read_text()
    assert not builder.is_built(builder.key({"requirements.txt": files["requirements.txt"].encode()}))


@pytest.mark.parametrize("name", ["environment.yml", "apt.txt", "postBuild", "Dockerfile"])
def test_a_file_that_cannot_be_honoured_is_named(builder, tmp_path, name):
    with pytest.raises(BuildFailed, match=name):
        build(builder, {name: "x\n"}, tmp_path / "log")


def test_another_python_is_refused(builder, tmp_path):
    with pytest.raises(BuildFailed, match=r"python-2\.7"):
        build(builder, {"runtime.txt": "python-2.7\n"}, tmp_path / "log")


def test_a_cancelled_build_leaves_nothing(builder, tmp_path):
    wanted = threading.Event()
    wanted.set()
    with pytest.raises(Cancelled):
        build(builder, {"requirements.txt": "six==1.15.0\n"}, tmp_path / "log", wanted.is_set)

    assert not builder.is_built(builder.key({"requirements.txt": b"six==1.15.0\n"}))


def test_a_build_that_was_killed_is_done_again_whole(tmp_path):
    files = {"requirements.txt": "six==1.17.0\n"}
    script = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path\nfrom hub.environments.uv import UvBuilder\n"
        f"b = UvBuilder(Path({str(tmp_path)!r})); f = {files!r}\n"
        "b.build(b.key({k: v.encode() for k, v in f.items()}), f, Path(sys.argv[1]))\n"
    )
    builder = UvBuilder(tmp_path)
    key = builder.key({name: text.encode() for name, text in files.items()})
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")])
    wait_for((builder.folder(key) / "pyvenv.cfg").exists, what="the build to begin")
    process.send_signal(signal.SIGKILL)
    process.wait()

    builder.build(key, files, tmp_path / "log2")

    assert builder.is_built(key)
    assert "papermill" in builder.installed_packages(key)


def test_an_environment_is_removed_whole_and_never_while_it_is_built(builder, tmp_path):
    files = {"requirements.txt": "six==1.14.0\n"}
    key = build(builder, files, tmp_path / "log")
    [stored] = [each for each in builder.stored() if each.key == key]
    assert stored.bytes == builder.size(key)

    assert builder.remove(key, lambda: False) is False
    assert builder.is_built(key)
    with lock_key(builder.folder(key).parent, key, lambda: False):
        assert builder.remove(key) is False
    assert builder.remove(key) is True
    assert builder.remove(key) is True  # gone already
    assert not builder.folder(key).exists()
    assert list(builder.folder(key).parent.glob("*.gone")) == []


def test_an_environment_that_somebody_made_unreadable_is_built_again(builder, tmp_path):
    files = {"requirements.txt": "six==1.13.0\n"}
    key = build(builder, files, tmp_path / "log")
    (builder.folder(key) / "bin").chmod(0)
    builder.folder(key).chmod(0)
    assert not builder.is_built(key)

    build(builder, files, tmp_path / "again")

    assert builder.is_built(key)
    assert builder.python(key).exists()
    assert list(builder.folder(key).parent.glob(".*.gone")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_told_as_such_and_nothing_is_left_on_it(tmp_path):
    root = tmp_path / "small"
    root.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", root], timeout=20)
    try:
        full = UvBuilder(root)
        with pytest.raises(BuildFailed, match="disk is full"):
            build(full, {"requirements.txt": "six==1.17.0\n"}, tmp_path / "log")
        assert [path.name for path in root.iterdir() if path.is_dir()] == []
    finally:
        run(["umount", root], timeout=20)
