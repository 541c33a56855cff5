"""The same notebook in a sandbox and in a container: the same outcome, report and files."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import await_end
from tests.publishing import notebook, publish

pytestmark = [pytest.mark.workspace, pytest.mark.timeout(600)]
GOOD = (
    "import sys; print('n is', n); print('careful', file=sys.stderr)",
    "from IPython.display import HTML, Markdown, display\n"
    "display(HTML('<b>bold</b>'), Markdown('- *an item*'))",
    "import os, pathlib\nprint(os.environ['HOME'], os.path.dirname(os.getcwd()), os.access('/', os.W_OK))\n"
    "print(sorted(path.name for path in pathlib.Path('/shared').iterdir()))",
    "pathlib.Path('numbers.csv').write_text(f'n\\n{n}\\n'); {'n': n}",
)
BAD = (*GOOD[:1], "raise ValueError('the tissue is unknown')")
# What tells one run from another, and is meant to differ.
OWN = re.compile(r"ipykernel_\d+/\d+\.py|cell-id=[0-9a-f]+|id=\"[0-9a-f-]{8,}\"|[0-9a-f]{40}")


def outcome(workspace, name: str, cells: tuple[str, ...]) -> dict[str, object]:
    """Run a notebook of `cells`, and return all that a person sees of it."""
    path = publish(workspace, name, {"a.ipynb": notebook(*cells)})
    with workspace.client() as client:
        asked = client.post(
            "/api/v1/runs", json={"project": path, "notebook": "a.ipynb", "parameters": {"n": 7}}
        )
        run = await_end(client, asked.json()["id"], seconds=500)  # its environment may have to be built
        base = f"/api/v1/runs/{run['id']}"
        report = client.get(f"{base}/report").raise_for_status().text
        executed = client.get(f"{base}/notebook").raise_for_status().json()
        files = client.get(f"{base}/files").json()["items"]
    shown, _, facts = report.partition("<footer>")
    return {
        "state": run["state"],
        "error": run["error"],
        "progress": run["progress"],
        "report": OWN.sub("", shown.replace(run["id"], "")),
        "facts": re.findall(r'<th scope="row">(.*?)</th>', facts),
        "outputs": [cell.get("outputs") for cell in executed["cells"]] if cells is GOOD else None,
        "files": sorted(file["path"] for file in files),
    }


@pytest.mark.parametrize(
    ("name", "cells", "state"), [("same", GOOD, "succeeded"), ("same-bad", BAD, "failed")]
)
def test_a_report_does_not_tell_where_it_was_made(sandbox_workspace, container_workspace, name, cells, state):
    with ThreadPoolExecutor(2) as both:
        here, there = both.map(
            lambda each: outcome(each, name, cells), (sandbox_workspace, container_workspace)
        )

    assert here["state"] == state
    assert here == there
