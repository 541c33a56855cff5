"""The RO-Crate of a run: valid by its profile, and true."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runs.crates import problems
from workspace_api.runs.provenance import Provenance, write_crate

BEGIN = dt.datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=dt.UTC)
TOLD = Provenance(
    run_id="0123456789abcdef",
    title="My variant",
    worksheet_title="One variant",
    repository="http://forge.test/git/genomics/alphagenome.git",
    project="genomics/alphagenome",
    commit="a" * 40,
    version="v1.0",
    notebook="02_variant_analysis.ipynb",
    schema={
        "properties": {
            "n": {"type": "integer", "title": "How many", "default": 1},
            "tissues": {"type": "array"},
        }
    },
    parameters={"n": 7, "tissues": ["UBERON:0001157"]},
    state="succeeded",
    error=None,
    attempt=1,
    started_at=BEGIN,
    finished_at=BEGIN + dt.timedelta(seconds=5),
    agent=("ada", "Ada L."),
    workspace="http://labfork.test",
    environment_key="k" * 24,
    packages={"numpy": "2.3.0", "papermill": "2.7.0"},
    backend="offline",
    labfork_version="0.1.0",
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The folder of a run's results."""
    folder = tmp_path / "bundle"
    (folder / "outputs").mkdir(parents=True)
    for name in ("notebook.ipynb", "worksheet.ipynb", "report.html", "parameters.json", "log.txt"):
        (folder / name).write_text("{}")
    (folder / "outputs" / "scores.csv").write_text("a,b\n")
    return folder


def entities(bundle: Path) -> dict:
    graph = json.loads((bundle / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


@pytest.mark.parametrize(
    "told",
    [
        TOLD,
        replace(TOLD, agent=None, version=None),
        replace(TOLD, state="failed", error="ValueError: no"),
        replace(TOLD, parameters={}, schema={"properties": {}}),
    ],
    ids=["a success", "a visitor", "a failure", "no parameters"],
)
def test_the_validator_finds_nothing_required_missing(bundle, told, monkeypatch):
    write_crate(told, bundle)

    assert problems(bundle, monkeypatch) == []


def test_the_validator_does_find_what_is_missing(bundle, monkeypatch):
    write_crate(TOLD, bundle)
    text = (bundle / "ro-crate-metadata.json").read_text()
    (bundle / "ro-crate-metadata.json").write_text(text.replace('"CreateAction"', '"Thing"'))

    assert problems(bundle, monkeypatch) != []


def test_it_tells_commit_values_files_and_packages(bundle):
    write_crate(TOLD, bundle)
    told = entities(bundle)

    assert told["worksheet.ipynb"]["version"] == "a" * 40
    assert told["#argument-n"]["value"] == 7
    assert told["#argument-tissues"]["value"] == '["UBERON:0001157"]'
    assert told["outputs/scores.csv"]["sha256"] == hashlib.sha256(b"a,b\n").hexdigest()
    assert told["#run-0123456789abcdef"]["startTime"] == "2026-05-04T10:00:00+00:00"
    assert {"@id": "pkg:pypi/numpy@2.3.0"} in told["worksheet.ipynb"]["softwareRequirements"]
    assert told["#person-ada"]["name"] == "Ada L."
