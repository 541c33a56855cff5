"""Notebooks that misbehave and projects that are wrong say so where the person looks.

How each limit of a run is told is in `tests/runs/test_worker.py`.
"""

from __future__ import annotations

import pytest

from tests.conftest import await_end
from tests.publishing import notebook, publish

pytestmark = [pytest.mark.workspace, pytest.mark.timeout(600)]

BRIEF = "resources: {memory: 512M, minutes: 0.15}\n"


def run(workspace, name: str, files: dict[str, str], **parameters) -> dict:
    """Publish a project of `files`, run its notebook, and return the ended run."""
    path = publish(workspace, name, files)
    with workspace.client() as client:
        asked = client.post(
            "/api/v1/runs", json={"project": path, "notebook": "a.ipynb", "parameters": parameters}
        )
        assert asked.status_code == 202, asked.text
        return await_end(client, asked.json()["id"])


def test_a_good_notebook_succeeds_and_its_files_are_kept(workspace):
    code = "open('numbers.csv', 'w').write('n\\n' + str(n))"
    ended = run(workspace, "good", {"a.ipynb": notebook(code)}, n=7)

    assert (ended["state"], ended["parameters"]) == ("succeeded", {"n": 7})
    with workspace.client() as client:
        files = client.get(f"/api/v1/runs/{ended['id']}/files").json()["items"]
        path = next(f["path"] for f in files if f["path"].endswith("numbers.csv"))
        assert client.get(f"/api/v1/runs/{ended['id']}/files/{path}").text == "n\n7"


def test_a_fork_bomb_is_contained_and_the_workspace_goes_on(workspace):
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    ended = run(workspace, "bomb", {"a.ipynb": notebook(code), "workspace.yaml": BRIEF})

    assert ended["state"] == "failed"
    with workspace.client() as client:
        assert client.get("/ready").status_code == 200


def test_a_notebook_without_a_kernel_here_says_which_kernel_it_wants(workspace):
    fortran = {"name": "fortran", "display_name": "Fortran", "language": "fortran"}
    ended = run(workspace, "kernel", {"a.ipynb": notebook("n", kernelspec=fortran)})

    assert ended["state"] == "failed"
    assert "fortran" in ended["error"].lower()


def test_a_file_that_is_no_notebook_is_listed_as_a_problem(workspace):
    path = publish(workspace, "nojson", {"a.ipynb": "this is not JSON", "b.ipynb": notebook("n")})
    with workspace.client() as client:
        refused = client.post("/api/v1/runs", json={"project": path, "notebook": "a.ipynb"})
        good = client.post("/api/v1/runs", json={"project": path, "notebook": "b.ipynb"})

    assert refused.status_code == 404
    assert "a.ipynb" in refused.json()["detail"]
    assert good.status_code == 202


@pytest.mark.parametrize("wrong", ["worksheets: 7\n", "a: [unclosed\n", "titel: Variants\n"])
def test_a_wrong_manifest_is_explained_and_the_worksheet_still_runs(workspace, wrong):
    name = f"manifest-{abs(hash(wrong)) % 10_000}"
    path = publish(workspace, name, {"a.ipynb": notebook("n"), "workspace.yaml": wrong})
    with workspace.client() as client:
        page = client.get(f"/projects/{path}").text
        asked = client.post("/api/v1/runs", json={"project": path, "notebook": "a.ipynb"})

    assert "workspace.yaml" in page
    assert asked.status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"parameters": {"variant": "chr22:36201698:A>"}}, "variant"),
        ({"parameters": {"variant": "chr22:99999999:A>C"}}, "variant"),
        ({"parameters": {"variant": "chr22:36201698:A>A"}}, "variant"),
        ({"parameters": {"varient": "chr22:36201698:A>C"}}, "varient"),
        ({"parameters": {"variant": "A" * 10_000_000}}, None),
    ],
)
def test_a_bad_value_is_refused_beside_its_field(workspace, body, field):
    request = {"project": "genomics/alphagenome", "notebook": "02_variant_analysis.ipynb", **body}
    with workspace.client() as client:
        refused = client.post("/api/v1/runs", json=request)

    assert refused.headers["content-type"].startswith("application/problem+json")
    if field is None:
        assert refused.status_code == 413
    else:
        assert refused.status_code == 422
        assert [e["field"] for e in refused.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["../secrets.ipynb", "/etc/passwd", "..%2f..%2fetc%2fpasswd"])
def test_a_notebook_path_cannot_leave_the_project(workspace, path):
    with workspace.client() as client:
        refused = client.post("/api/v1/runs", json={"project": "genomics/alphagenome", "notebook": path})

    assert refused.status_code in (404, 422)
