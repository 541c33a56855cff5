"""Runs from request to results: real forge, real environment, real sandbox."""

from __future__ import annotations

import json

from tests.runs.conftest import ADA


def test_a_run_succeeds_and_its_results_land_in_the_home(bench):
    path = bench.project_with("open('numbers.csv', 'w').write(f'n\\n{n}')", "n + 1")
    with bench.worker():
        ended = bench.await_end(bench.request(path, n=7))

    assert (ended.state, ended.error) == ("succeeded", None)
    folder = bench.home() / "runs" / ended.id
    assert (folder / "outputs" / "numbers.csv").read_text() == "n\n7"
    assert json.loads((folder / "parameters.json").read_text()) == {"n": 7}
    names = {file.path for file in bench.workspace.runs.files(ADA, ended.id)}
    assert names >= {"notebook.ipynb", "report.html", "log.txt", "worksheet.ipynb", "ro-crate-metadata.json"}
    assert folder.stat().st_uid == bench.workspace.people.get("ada").uid
