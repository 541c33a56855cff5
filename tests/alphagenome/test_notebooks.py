"""The template's worksheets against the real gateway, with their defaults, in their own environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pyBigWig
import pytest
from pandas.testing import assert_frame_equal

from tests.accessibility import shut_out_of_file
from tests.alphagenome.asking import CHECKOUT
from tests.alphagenome.conftest import VARIANT, Gateway
from tests.alphagenome.service import KEY, Service

TEMPLATE = CHECKOUT / "repo_templates" / "alphagenome"
RUNNER = CHECKOUT / "hub" / "notebook_runner" / "run.py"
TISSUES = {"transverse colon", "liver"}
MEASURES = {"RNA-seq", "CAGE", "DNase-seq"}
EXPECTED = Path(__file__).with_name("expected")
PICTURES = {
    "01_quickstart": 2,
    "02_variant_analysis": 3,
    "03_batch_analysis": 3,
    "04_visualization": 5,
    "05_custom_analysis": 1,
}
MOUSE_VARIANT = "chr19:61400000:A>C"  # beyond the end of the human chromosome, near the mouse's
TABLES = [
    ("01_quickstart", "tracks_summary"),
    ("01_quickstart", "gene_expression"),
    ("02_variant_analysis", "scores"),
    ("02_variant_analysis", "allele_comparison"),
    ("03_batch_analysis", "ranked"),
    ("03_batch_analysis", "problems"),
    ("04_visualization", "expression_table"),
    ("05_custom_analysis", "tissues"),
    ("05_custom_analysis", "scores"),
    ("05_custom_analysis", "changes"),
    ("05_custom_analysis", "decay"),
    ("05_custom_analysis", "sequences"),
]


@dataclass
class Finished:
    """A notebook that was run: its project folder, and its result."""

    project: Path
    result: Path
    failure: str

    @property
    def results(self) -> Path:
        """The one folder of results, named by time."""
        (folder,) = (self.project / "results").iterdir()
        return folder

    @property
    def report(self) -> str:
        return (self.result / "report.html").read_text()

    def pictures(self) -> int:
        cells = nbformat.read(self.result / "notebook.ipynb", as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        return sum("image/png" in output.get("data", {}) for output in outputs)

    def files(self) -> set[str]:
        return {path.name for path in self.results.iterdir() if path.stat().st_size}


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return a notebook's text with pieces of code that stand in it once replaced by others."""
    for old, new in changes.items():
        quoted, other = (json.dumps(each)[1:-1] for each in (old, new))
        assert text.count(quoted) == 1
        text = text.replace(quoted, other)
    return text


@pytest.fixture(scope="module")
def run(gateway, template_python, tmp_path_factory):
    """Runs a notebook of a copy of the template as the worker does, each with the same home."""
    home = tmp_path_factory.mktemp("home")

    def finish(
        name: str,
        *,
        through: Gateway = gateway,
        changes: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Finished:
        folder = tmp_path_factory.mktemp("run")
        shutil.copytree(TEMPLATE, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
        notebook = folder / "project" / name
        notebook.write_text(changed(notebook.read_text(), changes or {}))
        ended = Finished(folder / "project", folder / "result", "")
        request = {
            "notebook": name,
            "project": str(ended.project),
            "result": str(ended.result),
            "parameters": parameters,
        }
        (folder / "request.json").write_text(json.dumps(request))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ALPHAGENOME_ADDRESS": through.address,
            "ALPHAGENOME_API_KEY": through.token().secret,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(through.roots),
        }
        command = [template_python, "-I", RUNNER, folder / "request.json"]
        if subprocess.run(command, env=environment, timeout=200, check=False).returncode:
            ended.failure = (ended.result / "events.jsonl").read_text()
        return ended

    return finish


@pytest.fixture(scope="module")
def runs(run):
    """Each worksheet, run once with its defaults."""
    done = {}

    def of(name: str) -> Finished:
        if name not in done:
            done[name] = run(f"{name}.ipynb")
        return done[name]

    return of


@pytest.mark.parametrize(("name", "pictures"), PICTURES.items())
def test_each_worksheet_runs_to_its_end_with_its_pictures(runs, name, pictures):
    ended = runs(name)

    assert ended.failure == ""
    assert ended.pictures() == pictures
    assert "Messages" not in ended.report


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_its_tables_are_the_expected_ones(runs, name, table):
    assert_expected(runs(name).results / f"{table}.csv", f"{name}.{table}.csv")


def assert_expected(made: Path, stored: str) -> None:
    """Compare values, not pixels. To expect others, remove the file and run the test twice."""
    expected = EXPECTED / stored
    if not expected.exists():
        shutil.copyfile(made, expected)
        pytest.fail(f"{expected.name} was missing and is written now; look at it, and run the test again")

    assert_frame_equal(pd.read_csv(made), pd.read_csv(expected), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", PICTURES)
def test_reports_figures_and_results_say_that_they_are_synthetic(runs, name):
    ended = runs(name)
    about = json.loads((ended.results / "about.json").read_text())
    figures = list(ended.results.glob("*.svg"))

    assert about["model"] == "offline model (synthetic)"
    assert about["note"].startswith("Synthetic figures.")
    assert "Synthetic figures." in ended.report
    assert figures
    assert all("SYNTHETIC" in figure.read_text() for figure in figures)


@pytest.mark.browser
@pytest.mark.parametrize("name", PICTURES)
def test_reports_shut_nobody_out(runs, browser, name):
    assert shut_out_of_file(browser, runs(name).result / "report.html") == []


def test_the_variant_worksheet_scores_every_measure_tissue_and_gene(runs):
    rows = pd.read_csv(runs("02_variant_analysis").results / "scores.csv")

    assert set(rows["measure"]) >= MEASURES
    assert set(rows["tissue"]) == TISSUES
    assert set(rows["gene"]) >= {"APOL1", "APOL2", "APOL4"}


def test_the_batch_can_be_opened_by_other_programs(runs):
    ended = runs("03_batch_analysis")
    vcf = (ended.results / "ranked.vcf").read_text().splitlines()
    book = openpyxl.load_workbook(ended.results / "batch.xlsx", read_only=True)

    assert ended.files() >= {"ranked.bed", "report.html", "summary.svg"}
    assert book.sheetnames == ["ranked", "scores", "problems", "failures"]
    assert sum(not line.startswith("#") for line in vcf) == len(pd.read_csv(ended.results / "ranked.csv"))
    assert all(line.startswith("#") or line.endswith("AG_SYNTHETIC") for line in vcf)
    assert "chr22:36205300:C>A" in (ended.results / "ranked.bed").read_text()
    assert len(list(ended.results.glob("variant_1_alternate_*.bw"))) == 6
    assert 'href="#variant-1"' in ended.report
    assert 'id="variant-1"' in ended.report


def test_tracks_are_written_for_genome_browsers(runs):
    ended = runs("05_custom_analysis")
    (tracks,) = ended.results.glob("alternate_dnase_*.bw")

    with pyBigWig.open(str(tracks)) as file:
        assert file.chroms() == {"chr22": 50_818_468}
        assert file.stats("chr22", 36_201_500, 36_201_900, type="max")[0] > 0


@pytest.fixture(scope="module")
def before_the_service(make_gateway, tmp_path_factory):
    """A gateway with the workspace's key before the stand-in for Google's service, and that."""
    service = Service(tmp_path_factory.mktemp("service"))
    yield (
        make_gateway(
            LABFORK_ALPHAGENOME_API_KEY=KEY,
            LABFORK_ALPHAGENOME__UPSTREAM=service.address,
            GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(service.roots),
        ),
        service,
    )
    service.stop()


@pytest.mark.parametrize("name", PICTURES)
def test_before_the_service_with_the_workspaces_key_worksheets_run_alike(run, runs, before_the_service, name):
    gateway, service = before_the_service
    service.calls.clear()

    ended = run(f"{name}.ipynb", through=gateway)

    assert ended.failure == ""
    assert ended.pictures() == PICTURES[name]
    assert ended.files() == runs(name).files()
    assert {call[1]["x-goog-api-key"] for call in service.calls} == {KEY}
    assert KEY not in ended.report


@pytest.fixture(scope="module")
def mouse(run):
    """The worksheet for one's own analysis as its last lines say how to have it of mouse."""
    human = 'Organism.HOMO_SAPIENS, "hg38"'
    said = 'Organism.MUS_MUSCULUS, "mm10"'
    assert (
        json.dumps(f"`organism, assembly = dna_client.{said}`")[1:-1]
        in (TEMPLATE / "05_custom_analysis.ipynb").read_text()
    )
    return run("05_custom_analysis.ipynb", changes={human: said}, variant=MOUSE_VARIANT)


@pytest.mark.parametrize("table", ["tissues", "scores", "changes", "decay", "sequences"])
def test_ones_own_analysis_of_mouse_has_the_expected_tables(mouse, runs, table):
    assert mouse.failure == ""
    assert_expected(mouse.results / f"{table}.csv", f"05_custom_analysis_mouse.{table}.csv")
    if table != "sequences":  # the offline model reads a bare sequence alike, whoever's it is
        human = runs("05_custom_analysis").results / f"{table}.csv"
        assert (mouse.results / f"{table}.csv").read_text() != human.read_text()


def test_tracks_of_mouse_lie_on_its_chromosomes(mouse):
    (tracks,) = mouse.results.glob("alternate_dnase_*.bw")

    with pyBigWig.open(str(tracks)) as file:
        assert file.chroms() == {"chr19": 61_431_566}


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
