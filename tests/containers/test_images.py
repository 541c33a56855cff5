"""Environments as images: built by a real repo2docker in a real engine, and used by jobs."""

from __future__ import annotations

import concurrent.futures
import json
import os
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath

import nbformat
import pytest

from hub import notebook_runner
from hub.environments.builder import in_environment
from hub.environments.requirements import BuildFailed
from hub.processes import Cancelled
from nfs.mounts import Mount
from tests.conftest import wait_for
from tests.containers.conftest import MARK, Images
from tests.hub.conftest import PERSON
from tests.hub.test_launchers import marked

pytestmark = pytest.mark.timeout(900)  # the first one waits for a base image and a first build

WHOLE = {
    "binder/requirements.txt": "# ours\nsix==1.16.0\n-r requirements-more.txt\n",
    "binder/requirements-more.txt": "iniconfig\n",
    "binder/apt.txt": "hello\n",
    "binder/runtime.txt": "python-3.11\n",
    "binder/postBuild": (
        "#!/bin/sh\nset -e\n"
        f'grep -q {MARK} "$SSL_CERT_FILE"\ntest "$NO_PROXY" = {MARK}.example\n'
        "python -c 'import six; print(six.__version__)' > made\n"
    ),
    "binder/start": '#!/bin/sh\nexport SET_BY_START=yes\nexec "$@"\n',
}


@pytest.fixture(scope="session")
def whole(images) -> str:
    """The key of a built environment with every kind of file."""
    return images.build(WHOLE)[0]


def start_in(container, images: Images, key: str, code: str):
    """Start Python code in the environment `key`; return the job and its folder."""
    job = replace(container.job(code, memory_bytes=600 << 20), env={"HOME": "/home/jovyan"})
    python = str(images.builder.python(key))
    job = in_environment(replace(job, argv=(python, *job.argv[1:])), images.builder, key)
    folder = container.control()
    return container.launcher.start(job, folder), folder


def run_in(container, images: Images, key: str, code: str) -> str:
    """Run Python code in the environment `key`; return what it wrote."""
    launched, folder = start_in(container, images, key, code)
    outcome = container.end(launched)
    text = (folder / "log").read_text()
    assert (outcome.reason, outcome.exit_code) == ("exited", 0), text
    return text


def test_every_kind_of_file_is_honoured_and_a_job_has_it(container, images, whole):
    code = (
        "import iniconfig, os, six, subprocess\n"
        "print(six.__version__, open('/srv/project/made').read().strip(), os.environ['SET_BY_START'])\n"
        "print(subprocess.check_output(['hello']).decode().strip(), os.getuid())"
    )

    assert run_in(container, images, whole, code) == "1.16.0 1.16.0 yes\nHello, world! 23456\n"


def test_what_is_in_a_built_environment_is_known(images, whole):
    packages = images.builder.installed_packages(whole)

    assert packages["six"] == "1.16.0"
    assert {"jupyterlab", "jupyterhub", "ipykernel", "papermill", "nbconvert"} <= set(packages)
    assert str(images.builder.python(whole)).startswith("/srv/venv/bin/python")
    assert images.builder.size(whole) > 100 << 20


def test_python_begins_with_the_defaults_of_alphagenomes_client_and_cannot_change_them(
    container, images, whole
):
    code = (
        "import os, sys\n"
        "os.environ['ALPHAGENOME_ADDRESS'] = 'localhost:1'\n"
        "from google.colab import userdata\n"
        "import labfork_client_defaults as ours\n"
        "print(ours.with_defaults(lambda key, **named: named)('theirs'), sys.flags.isolated)\n"
        "print(os.access(ours.__file__, os.W_OK), os.path.dirname(ours.__file__) == os.path.dirname(\n"
        "    __import__('jupyterlab').__path__[0]))"
    )

    said = "{'address': 'localhost:1', 'timeout': 20} 1\nFalse True\n"
    assert run_in(container, images, whole, code) == said


def test_what_a_build_was_told_is_not_in_its_image(container, docker_engine, images, whole):
    image = docker_engine.client.images.get(images.builder.image(whole))
    code = (
        "import os\n"
        "print([n for n in os.listdir('/run')], [v for v in os.environ if 'PROXY' in v or 'SSL' in v])\n"
        f"print(any({MARK!r}[:6] in open(p).read() for p in ['/etc/ssl/certs/ca-certificates.crt']))"
    )

    assert MARK not in str(image.history()) + str(image.attrs)
    assert run_in(container, images, whole, code) == "[] []\nFalse\n"


def test_a_notebook_runs_in_an_image_without_a_network(container, images, whole, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, PERSON.uid, PERSON.gid)
    cells = [
        nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import six; print(n + 1, six.__version__)"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "a.ipynb")
    request = {
        "notebook": "a.ipynb",
        "project": "/srv/run",
        "result": "/srv/run/out",
        "parameters": {"n": 41},
    }
    (folder / "request.json").write_text(json.dumps(request))
    runner = Path(notebook_runner.__file__).parent
    mounts = (
        Mount(folder, PurePosixPath("/srv/run"), "rw"),
        Mount(runner, PurePosixPath("/srv/runner"), "ro"),
    )
    job = container.job("", mounts=mounts, memory_bytes=1 << 30)
    python = str(images.builder.python(whole))
    job = replace(job, argv=(python, "-I", "/srv/runner/run.py", "/srv/run/request.json"))
    launched = container.launcher.start(in_environment(job, images.builder, whole), container.control())

    assert container.end(launched).exit_code == 0
    outputs = nbformat.read(folder / "out" / "notebook.ipynb", as_version=4).cells[-1].outputs
    assert outputs[0].text == "42 1.16.0\n"
    assert (folder / "out" / "report.html").exists()


def test_building_again_does_nothing(images, whole):
    ((images.folder / "logs") / f"{whole}.log").unlink()

    assert images.build(WHOLE) == (whole, "")


def test_a_second_environment_shares_layers_and_is_built_once_at_a_time(images, whole, tmp_path):
    text = '[project]\nname = "x"\nversion = "1"\ndependencies = ["six==1.15.0"]\n'
    files = {"binder/runtime.txt": "python-3.11\n", "binder/pyproject.toml": text}
    key = images.key(files)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda n: images.builder.build(key, files, tmp_path / f"log{n}"), range(3)))

    (log,) = tmp_path.glob("log*")
    assert log.read_text().count("CACHED") > 5
    assert log.read_text().endswith("Ready\n")
    assert images.builder.installed_packages(key)["six"] == "1.15.0"


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("requirements.txt", "# needed\nsix==0.0.77\n", 2, "six==0.0.77"),
        ("apt.txt", "# tools\nno-such-package-of-labfork\n", 2, "is no package"),
        ("runtime.txt", "python-3.99\n", 1, "3.99"),
        ("postBuild", "#!/bin/sh\necho it went wrong\nexit 3\n", None, "it went wrong"),
        ("start", "#!/bin/sh\necho only this\n", None, "only this"),
    ],
)
def test_a_failed_build_says_what_is_at_fault_and_leaves_nothing(images, whole, name, text, line, said):
    files = {"binder/runtime.txt": "python-3.11\n", f"binder/{name}": text}
    with pytest.raises(BuildFailed) as failed:
        images.build(files)

    assert failed.value.line == line
    assert said in failed.value.message
    assert failed.value.message in ((images.folder / "logs") / f"{images.key(files)}.log").read_text()
    assert not images.builder.is_built(images.key(files))


def test_what_a_stock_build_pack_cannot_reach_is_said(make_images, sources):
    unreachable = make_images(sources=replace(sources, https_proxy="http://127.0.0.1:9"))

    with pytest.raises(BuildFailed, match=r"environment\.yml: .* cannot reach") as failed:
        unreachable.build({"environment.yml": "dependencies: [python=3.11]\n"})

    assert failed.value.file == "environment.yml"


def test_a_dockerfile_is_built_as_it_is_and_must_bring_what_jobs_need(images, docker_engine, whole):
    plain = {"Dockerfile": f"FROM {docker_engine.base}\nRUN test ! -e /run/secrets/ca.crt\n"}
    with pytest.raises(BuildFailed, match="lacks jupyterlab"):
        images.build(plain)

    key, _ = images.build({"Dockerfile": f"FROM {images.builder.image(whole)}\nLABEL own=1\n"})
    assert images.builder.installed_packages(key)["six"] == "1.16.0"


def test_a_cancelled_build_is_ended_with_all_it_started(images, whole):
    files = {"binder/runtime.txt": "python-3.11\n", "binder/postBuild": "#!/bin/sh\nsleep 4326\n"}
    wanted = threading.Event()

    def cancelled() -> bool:
        if marked("sleep 4326"):
            wanted.set()
        return wanted.is_set()

    with pytest.raises(Cancelled):
        images.build(files, cancelled)

    wait_for(lambda: not marked("sleep 4326"), what="the end of the build")
    assert not images.builder.is_built(images.key(files))


def test_a_post_build_that_never_ends_is_stopped_with_all_it_started(make_images, whole):
    files = {"binder/runtime.txt": "python-3.11\n", "binder/postBuild": "#!/bin/sh\nsleep 4327\n"}
    hasty = make_images(seconds=20)

    with pytest.raises(BuildFailed, match=r"not done after .* and was stopped"):
        hasty.build(files)

    wait_for(lambda: not marked("sleep 4327"), what="the end of the build")
    assert not hasty.builder.is_built(hasty.key(files))


def test_a_post_build_that_deletes_everything_harms_its_own_image_alone(container, images, whole):
    script = "#!/bin/sh\nrm -rf --no-preserve-root / 2> /dev/null\ntrue\n"
    files = {"binder/runtime.txt": "python-3.11\n", "binder/postBuild": script}

    with pytest.raises(BuildFailed, match="lacks jupyterlab"):
        images.build(files)

    assert not images.builder.is_built(images.key(files))
    assert run_in(container, images, whole, "import six; print(six.__version__)") == "1.16.0\n"
    images.build({"binder/runtime.txt": "python-3.11\n", "binder/requirements.txt": "six==1.14.0\n"})


def test_without_a_client_that_can_build_the_reason_is_said(make_images, tmp_path):
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Docker version 28.2.2, build 1"\n')
    client.chmod(0o755)

    with pytest.raises(BuildFailed, match=r"Install docker-buildx-plugin.*28\.2\.2.* has no plugin buildx"):
        make_images(clients=[tmp_path / "none", client]).build({"requirements.txt": "six\n"})


def test_an_engine_that_does_not_answer_is_said(make_images, tmp_path):
    with pytest.raises(OSError, match="does not answer"):
        make_images(host=f"unix://{tmp_path}/none").builder.stored()


def test_the_base_image_enters_the_key(make_images):
    assert make_images(base="a:1").key(WHOLE) != make_images(base="a:2").key(WHOLE)


def test_room_is_made_by_removing_what_nobody_uses(make_images, images, container, whole):
    own = make_images(repository="labfork-test/environment-2")
    base = images.builder.image(whole)
    keys = [
        own.build({"Dockerfile": f"FROM {base}\nRUN head -c 3000000 /dev/urandom > /srv/project/{n}\n"})[0]
        for n in "ab"
    ]
    launched, _ = start_in(container, own, keys[0], "import time; time.sleep(60)")

    assert own.builder.collect(0) == []
    assert own.builder.collect(0, idle_seconds=-1) == [keys[1]]
    assert [own.builder.is_built(key) for key in keys] == [True, False]
    launched.cancel()
    assert own.builder.collect(0, in_use={keys[0]}, idle_seconds=-1) == []
    assert own.builder.collect(0, idle_seconds=-1) == [keys[0]]


def test_what_the_fork_server_loads_is_made_without_the_cache_that_builds_of_projects_write_to(
    docker_engine, images, base_key, whole
):
    def steps_of_uv(key: str) -> list[str]:
        history = docker_engine.client.images.get(images.builder.image(key)).history()
        return [step["CreatedBy"] for step in history if "/uv " in step["CreatedBy"]]

    assert len(steps_of_uv(base_key)) == 2
    assert all("UV_NO_CACHE" in step for step in steps_of_uv(base_key))
    assert any("UV_CACHE_DIR" in step for step in steps_of_uv(whole))
