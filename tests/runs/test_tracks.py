"""Which files of a run lie along a genome, where their data begin, and a real run that writes some."""

from __future__ import annotations

import gzip
import inspect
import os

import pytest

from tests import bigwig
from tests.bigwig import write_bigwig
from tests.runs.conftest import ADA
from workspace_api.runs.bigwig import first_stretch
from workspace_api.runs.tracks import LARGEST_WHOLE, genome_view, tracks_of
from workspace_api.runs.views import OpenFile, RunFile

VARIANT = {"properties": {"variant": {"type": "string", "format": "genomic-variant"}}}


def stretch_of(path) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return str(first_stretch(descriptor))
    finally:
        os.close(descriptor)


def view_of(folder, files, schema=None, parameters=None):
    """Return the view of a run that wrote `files`, which are put into `folder`."""
    for name, data in files.items():
        (folder / name).write_bytes(data)

    def opened(name: str) -> OpenFile:
        return OpenFile(os.open(folder / name, os.O_RDONLY), name, len(files[name]), "")

    listed = [RunFile(name, len(data), "") for name, data in files.items()]
    return genome_view(schema or {}, parameters or {}, listed, opened)


def test_a_bigwig_tells_where_its_data_begin(tmp_path):
    write_bigwig(tmp_path / "a.bw", "chr22", 50_818_468, 36_000_000, [1.0, 2.0], span=10, number=7)

    assert stretch_of(tmp_path / "a.bw") == "chr22:36000000-36000020"


@pytest.mark.parametrize("cut", [0, 3, 31, 63, 110, 140, 300])
def test_a_bigwig_that_is_cut_off_or_damaged_tells_nothing(tmp_path, cut):
    write_bigwig(tmp_path / "a.bw", "chr22", 50_818_468, 36_000_000, [1.0] * 40)
    whole = (tmp_path / "a.bw").read_bytes()
    (tmp_path / "cut.bw").write_bytes(whole[:cut])
    (tmp_path / "damaged.bw").write_bytes(whole[:8] + b"\xff" * 24 + whole[32:])

    assert stretch_of(tmp_path / "cut.bw") == "None"
    assert stretch_of(tmp_path / "damaged.bw") == "None"


def test_a_tree_of_names_that_leads_in_circles_comes_to_an_end(tmp_path):
    write_bigwig(tmp_path / "a.bw", "chr22", 50_818_468, 36_000_000, [1.0])
    data = bytearray((tmp_path / "a.bw").read_bytes())
    data[104 + 32] = 0  # the only leaf says that it is a branch, and its child's place is far away
    (tmp_path / "a.bw").write_bytes(data)

    assert stretch_of(tmp_path / "a.bw") == "None"


@pytest.mark.parametrize(
    ("name", "text", "starts"),
    [
        ("a.bed", b"#x\ntrack name=a\nchr1\t1000\t2000\n", "chr1:0-3000"),
        ("a.bed.gz", gzip.compress(b"chr1\t1000\t2000\n", mtime=0), "chr1:0-3000"),
        ("a.vcf", b"##fileformat=VCFv4.2\n#CHROM\tPOS\nchr2\t5000\t.\tA\tC\n", "chr2:4799-5200"),
        ("a.gtf", b"chr3\tx\tgene\t5001\t6000\t.\t+\t.\tx\n", "chr3:4000-7000"),
        ("a.bedGraph", b"chr4\t10\t20\t1.5\n", "chr4:0-220"),
        ("a.narrowPeak", b"chr4\tno\tnumber\n", None),
        ("a.bed", b"", None),
        ("a.bed.gz", b"not packed at all", None),
        ("a.bed", b"\xff\xfe\x00", None),
    ],
)
def test_a_text_file_tells_where_its_first_feature_lies(tmp_path, name, text, starts):
    (track,) = view_of(tmp_path, {name: text}).tracks

    assert (str(track.starts) if track.starts else None) == starts


def test_only_files_along_a_genome_are_tracks():
    names = ["a.csv", "a.bw", "a.bw.gz", "b.BED.GZ", "b.BED.GZ.tbi", "report.html", "vcf", "c.vcf"]
    found = tracks_of([RunFile(name, 10, "") for name in names])

    assert [(track.path, track.index) for track in found] == [
        ("a.bw", None),
        ("b.BED.GZ", "b.BED.GZ.tbi"),
        ("c.vcf", None),
    ]


def test_a_large_file_without_an_index_is_not_drawn_and_says_what_to_do():
    names = ("a.bed", "a.bw", "b.bed.gz", "b.bed.gz.tbi")
    bed, wig, packed = tracks_of([RunFile(name, LARGEST_WHOLE + 1, "") for name in names])

    assert "Write a bigWig or bigBed" in bed.trouble
    assert (wig.trouble, packed.trouble) == (None, None)


def test_the_view_begins_at_what_was_asked_about_else_at_the_data(tmp_path):
    bed = {"a.bed": b"chr1\t1000\t2000\n"}
    mouse = {"properties": {"region": {"format": "genomic-interval", "x-assembly": "mm10"}}}

    assert str(view_of(tmp_path, bed, VARIANT, {"variant": "chr22:100:A>C"}).place) == "chr22:0-5100"
    told = view_of(tmp_path, bed, mouse, {"region": "chr3:5-9"})
    assert (told.assembly, str(told.place)) == ("mm10", "chr3:5-9")
    assert str(view_of(tmp_path, bed).place) == "chr1:0-3000"
    assert view_of(tmp_path, {}).place is None


@pytest.mark.timeout(200)
def test_a_notebook_writes_tracks_and_the_run_has_them(bench):
    writes = inspect.getsource(bigwig.write_bigwig)
    path = bench.project_with(
        writes,
        "write_bigwig('signal.bw', 'chr22', 50_818_468, 36_201_000, [1.0, 2.0, 3.0], span=100)\n"
        "open('peaks.bed', 'w').write('chr22\\t36201000\\t36201200\\tpeak\\n')",
    )
    with bench.worker():
        run = bench.await_end(bench.request(path))
    view = bench.workspace.runs.genome(ADA, run.id)

    assert run.state == "succeeded"
    assert [(track.path, str(track.starts)) for track in view.tracks] == [
        ("outputs/peaks.bed", "chr22:36200800-36201400"),
        ("outputs/signal.bw", "chr22:36201000-36201300"),
    ]
