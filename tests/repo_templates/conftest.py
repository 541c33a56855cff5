"""The template's folder, its library and predictions to try it on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from alphagenome.data import genome, track_data
from alphagenome.models import dna_output

TEMPLATE = Path(__file__).parents[2] / "repo_templates" / "alphagenome"
INTERVAL = genome.Interval("chr22", 36_136_162, 36_267_234)
TISSUES = {"UBERON:0001157": "transverse colon", "UBERON:0002107": "liver"}


@pytest.fixture(scope="session")
def template() -> Path:
    """The AlphaGenome project repository as it is seeded."""
    return TEMPLATE


@pytest.fixture(scope="session", autouse=True)
def library() -> Iterator[None]:
    """Makes ``alphagenome_tools`` importable, as it is for a notebook in the project's folder."""
    matplotlib.use("agg")
    sys.path.insert(0, str(TEMPLATE))
    yield
    sys.path.remove(str(TEMPLATE))


def tracks(
    value: float, strands: str = "+-", assays: int = 1, source: str = "ENCODE"
) -> track_data.TrackData:
    """Flat tracks of ``value`` for two tissues, with a bump of height 8 in the middle of the first."""
    rows: list[dict[str, Any]] = [
        {"name": f"{term} assay {assay}", "strand": strand, "ontology_curie": term, "biosample_name": tissue}
        for term, tissue in TISSUES.items()
        for assay in range(assays)
        for strand in strands
    ]
    values = np.full((INTERVAL.width, len(rows)), value, np.float32)
    values[65_500:65_572, 0] += 8
    return track_data.TrackData(values, pd.DataFrame(rows).assign(data_source=source), interval=INTERVAL)


@pytest.fixture
def reference() -> dna_output.Output:
    """A prediction for the reference allele."""
    return dna_output.Output(rna_seq=tracks(1.0, assays=2), dnase=tracks(0.5, strands="."))


@pytest.fixture
def alternate() -> dna_output.Output:
    """The same for an allele that doubles RNA-seq and leaves open chromatin alone."""
    return dna_output.Output(rna_seq=tracks(2.0, assays=2), dnase=tracks(0.5, strands="."))


@pytest.fixture
def synthetic() -> dna_output.Output:
    """A prediction of the offline model."""
    return dna_output.Output(dnase=tracks(0.5, strands=".", source="synthetic (offline model)"))


@pytest.fixture(scope="session")
def models() -> Any:
    """The module of the known model; tests are not packages, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("known_model", Path(__file__).with_name("known_model.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
