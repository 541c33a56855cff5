"""The notebooks from their first cell to their report, in the template's own environment."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHECKOUT = Path(__file__).parents[2]
RUNNER = CHECKOUT / "hub" / "notebook_runner" / "run.py"
SYNTHETIC = "synthetic (offline model)"


@dataclass
class Finished:
    """A run that has ended, with the project folder it wrote into."""

    exit_code: int
    project: Path
    result: Path
    calls: list[str]

    @property
    def report(self) -> str:
        return (self.result / "report.html").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.result / "events.jsonl").read_text().splitlines()]

    @property
    def results(self) -> Path:
        """The one folder of results, named by time."""
        (folder,) = (self.project / "results").iterdir()
        return folder

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.results / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    def files(self) -> set[str]:
        return {path.name for path in self.results.iterdir()}

    def pictures(self) -> int:
        cells = nbformat.read(self.result / "notebook.ipynb", as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(scope="module")
def run_notebook(
    template: Path, template_python: Path, models: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Runs a notebook of a copy of the template as the worker does: ``run_notebook(name, **parameters)``."""
    servers, home = [], tmp_path_factory.mktemp("home")

    def run(name: str, mark: str = SYNTHETIC, key: str = models.KEY, **parameters: Any) -> Finished:
        folder = tmp_path_factory.mktemp("run")
        shutil.copytree(template, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
        model = models.KnownModel(mark)
        server, address = models.serve(model, folder / "roots.pem")
        servers.append(server)
        request = {
            "notebook": name,
            "project": str(folder / "project"),
            "result": str(folder / "result"),
            "parameters": parameters,
        }
        (folder / "request.json").write_text(json.dumps(request))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ALPHAGENOME_ADDRESS": address,
            "ALPHAGENOME_API_KEY": key,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(folder / "roots.pem"),
        }
        ended = subprocess.run(
            [template_python, "-I", RUNNER, folder / "request.json"],
            env=environment,
            timeout=120,
            check=False,
        )
        return Finished(ended.returncode, folder / "project", folder / "result", model.calls)

    yield run
    for server in servers:
        server.stop(None)


@pytest.fixture(scope="module")
def variant_run(run_notebook: Any) -> Finished:
    """The variant worksheet with its defaults."""
    return run_notebook("02_variant_analysis.ipynb")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def region_run(run_notebook: Any) -> Finished:
    """The region worksheet with its defaults."""
    return run_notebook("01_quickstart.ipynb")  # type: ignore[no-any-return]


def test_a_variant_is_scored_by_measure_tissue_and_gene(variant_run: Finished) -> None:
    assert variant_run.exit_code == 0, variant_run.events
    scores = {
        (row["measure"], row["tissue"], row["gene"]): float(row["score"])
        for row in variant_run.table("scores")
    }

    assert scores["DNase-seq", "liver", ""] == 1.0
    assert scores["RNA-seq", "transverse colon", "APOL4"] == -0.5
    assert scores["CAGE", "liver", ""] == 0
    assert variant_run.table("scores")[0]["measure"] == "DNase-seq"


def test_both_alleles_are_compared_track_by_track(variant_run: Finished) -> None:
    changes = {row["measure"]: float(row["log2_change"]) for row in variant_run.table("allele_comparison")}

    # Over 512 bp, half of them doubled: log2(1.5).
    assert changes["DNase-seq"] == pytest.approx(0.585, abs=0.005)
    assert changes["RNA-seq"] == 0


def test_the_variant_report_has_its_pictures_and_says_that_they_are_synthetic(variant_run: Finished) -> None:
    assert variant_run.pictures() == 3
    assert variant_run.report.count("data:image/png") == 3
    assert "Synthetic figures." in variant_run.report
    assert "single-base substitution" in variant_run.report
    assert "Messages" not in variant_run.report
    assert len(variant_run.report) < 1_500_000


def test_the_variant_results_are_kept(variant_run: Finished) -> None:
    assert variant_run.files() >= {
        "prediction_alternate_dnase_01_UBERON_0001157_OUTPUT_TYPE_DNASE.bw",
        "prediction_reference_dnase_01_UBERON_0001157_OUTPUT_TYPE_DNASE.bw",
        "variant.bed",
        "about.json",
        *(f"{name}.{kind}" for name in ("allele_comparison", "scores") for kind in ("csv", "json")),
        *(
            f"{name}.{kind}"
            for name in ("tracks", "effect_by_tissue", "gene_changes")
            for kind in ("png", "svg", "pdf")
        ),
        "report.html",
        "variant.xlsx",
    }
    about = json.loads((variant_run.results / "about.json").read_text())
    assert (about["model"], about["variant"]) == ("offline model (synthetic)", "chr22:36201698:A>C")


def test_the_steps_of_the_variant_worksheet_have_names(variant_run: Finished) -> None:
    steps = [event["heading"] for event in variant_run.events if event["event"] == "cell"]

    assert steps[1:5] == [
        "Getting ready",
        "Predicting both alleles",
        "Scoring the variant",
        "Effect by measure and tissue",
    ]
    assert steps[-1] == "Keeping the results"


def test_each_question_costs_one_call(variant_run: Finished, region_run: Finished) -> None:
    assert variant_run.calls == ["PredictVariant", "ScoreVariant"]
    assert region_run.calls == ["PredictInterval", "ScoreInterval"]


def test_insertions_and_other_windows_work_alike_and_real_answers_carry_the_terms(run_notebook: Any) -> None:
    ended = run_notebook(
        "02_variant_analysis.ipynb",
        mark="encode",
        variant="chr22:36201698:A>ATTC",
        window=16384,
        close_up=2048,
        tissues=["UBERON:0002107"],
        outputs=["DNASE"],
    )

    assert ended.exit_code == 0, ended.events
    assert "insertion of 3 bases" in ended.report
    assert "synthetic" not in ended.report.lower()
    assert "non-commercial" in ended.report
    assert {row["tissue"] for row in ended.table("scores")} == {"liver"}


def test_a_region_shows_its_tracks_and_genes(region_run: Finished) -> None:
    assert region_run.exit_code == 0, region_run.events
    genes = [(row["gene"], float(row["liver"])) for row in region_run.table("gene_expression")]

    assert genes == [("APOL1", 2.0), ("APOL4", 1.0)]
    assert {row["measure"] for row in region_run.table("tracks_summary")} == {"RNA-seq", "CAGE", "DNase-seq"}
    assert region_run.pictures() == 2
    assert "Synthetic figures." in region_run.report
    files = region_run.files()
    assert files >= {"about.json", "gene_expression.csv", "tracks.png", "tracks.svg", "tracks_summary.csv"}
    assert "prediction_dnase_01_UBERON_0001157_OUTPUT_TYPE_DNASE.bw" in files


def test_a_refusal_of_the_model_is_told_in_its_words(run_notebook: Any) -> None:
    ended = run_notebook("02_variant_analysis.ipynb", key="a token that was revoked")

    failed = next(event for event in ended.events if event["event"] == "failed")
    assert ended.exit_code == 3
    assert (failed["heading"], failed["error"]) == ("Predicting both alleles", "ModelError")
    assert failed["message"].startswith("The key is not accepted.")
    assert failed["message"].endswith("The token is not known.")
