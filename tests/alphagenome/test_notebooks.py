"""The template's worksheets against the real gateway, with their defaults, in their own environment."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tests.alphagenome.asking import CHECKOUT
from tests.alphagenome.conftest import VARIANT

TEMPLATE = CHECKOUT / "repo_templates" / "alphagenome"
RUNNER = CHECKOUT / "hub" / "notebook_runner" / "run.py"
UV = Path(sys.executable).with_name("uv")
TISSUES = {"transverse colon", "liver"}
MEASURES = {"RNA-seq", "CAGE", "DNase-seq"}


@dataclass
class Finished:
    """A notebook that was run: its project folder, and its result."""

    project: Path
    result: Path
    failure: str

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.project / "results" / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    def pictures(self) -> int:
        cells = nbformat.read(self.result / "notebook.ipynb", as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        return sum("image/png" in output.get("data", {}) for output in outputs)

    def files(self) -> set[str]:
        return {path.name for path in (self.project / "results").iterdir() if path.stat().st_size > 100}


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """The Python of the environment that the template's requirements ask for."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True, timeout=120)
    packages = ["papermill", "ipykernel", "nbconvert", "--requirement", TEMPLATE / "requirements.txt"]
    install = [UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages]
    subprocess.run(install, check=True, timeout=280)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def run(gateway, python, tmp_path_factory):
    """Runs a notebook of a copy of the template as the worker does."""

    def finish(name: str) -> Finished:
        folder = tmp_path_factory.mktemp("run")
        shutil.copytree(TEMPLATE, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
        ended = Finished(folder / "project", folder / "result", "")
        request = {
            "notebook": name,
            "project": str(ended.project),
            "result": str(ended.result),
            "parameters": {},
        }
        (folder / "request.json").write_text(json.dumps(request))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ALPHAGENOME_ADDRESS": gateway.address,
            "ALPHAGENOME_API_KEY": gateway.token().secret,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(gateway.roots),
        }
        command = [python, "-I", RUNNER, folder / "request.json"]
        if subprocess.run(command, env=environment, timeout=200, check=False).returncode:
            ended.failure = (ended.result / "events.jsonl").read_text()
        return ended

    return finish


@pytest.fixture(scope="module")
def variant_run(run):
    return run("02_variant_analysis.ipynb")


@pytest.fixture(scope="module")
def region_run(run):
    return run("01_quickstart.ipynb")


def test_the_variant_worksheet_runs_to_its_end_and_keeps_what_it_promises(variant_run):
    assert variant_run.failure == ""
    assert variant_run.pictures() == 3
    assert variant_run.files() == {
        "about.json",
        "scores.csv",
        "allele_comparison.csv",
        *(
            f"{name}.{kind}"
            for name in ("tracks", "effect_by_tissue", "gene_changes")
            for kind in ("png", "svg")
        ),
    }


def test_the_variant_is_scored_for_every_measure_tissue_and_gene(variant_run):
    rows = variant_run.table("scores")

    assert {row["measure"] for row in rows} >= MEASURES
    assert {row["tissue"] for row in rows} == TISSUES
    assert {row["gene"] for row in rows} >= {"APOL1", "APOL2", "APOL4"}
    assert any(float(row["score"]) for row in rows if row["measure"] == "DNase-seq")


def test_both_alleles_differ_around_the_variant(variant_run):
    rows = variant_run.table("allele_comparison")

    assert {row["measure"] for row in rows} == MEASURES
    assert any(float(row["reference"]) != float(row["alternate"]) for row in rows)


def test_the_region_worksheet_runs_to_its_end_and_keeps_what_it_promises(region_run):
    assert region_run.failure == ""
    assert region_run.pictures() == 1
    assert region_run.files() == {
        "about.json",
        "tracks.png",
        "tracks.svg",
        "tracks_summary.csv",
        "gene_expression.csv",
    }


def test_the_region_has_its_genes_and_its_peaks(region_run):
    expression = {row["gene"]: float(row["liver"]) for row in region_run.table("gene_expression")}
    peaks = [int(row["peak"]) for row in region_run.table("tracks_summary")]

    assert {"APOL1", "APOL2", "APOL4"} <= set(expression)
    assert min(expression.values()) > 0
    assert all(36_180_000 <= peak <= 36_270_000 for peak in peaks)


def test_reports_and_results_say_that_they_are_synthetic(variant_run, region_run):
    for ended in (variant_run, region_run):
        about = json.loads((ended.project / "results" / "about.json").read_text())
        assert about["model"] == "offline model (synthetic)"
        assert "Synthetic figures." in (ended.result / "report.html").read_text()
        assert "SYNTHETIC" in (ended.project / "results" / "tracks.svg").read_text()


def test_title_and_legend_of_both_alleles_stand_apart(client, monkeypatch):
    monkeypatch.syspath_prepend(str(TEMPLATE))
    monkeypatch.setenv("MPLBACKEND", "agg")
    import alphagenome_tools as ag

    outputs = ag.output_types(["DNASE"])
    interval = ag.variant_interval(VARIANT, 16_384)
    both = client.predict_variant(
        interval, VARIANT, requested_outputs=outputs, ontology_terms=["UBERON:0002107"]
    )
    title = "A title that is as long as the figure is wide, so that it reaches to where the legend is"
    figure = ag.plot_variant_comparison(both.reference, both.alternate, VARIANT, title=title)

    axes = figure.axes[0]
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    title_box = axes._left_title.get_window_extent(renderer)
    legend_box = axes.get_legend().get_window_extent(renderer)
    assert title_box.x1 > legend_box.x0
    assert title_box.y0 > legend_box.y1
