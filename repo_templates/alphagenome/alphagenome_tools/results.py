"""Keeping results: tables, pictures and what they were made from, in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

PNG_DPI = 200


def save_results(
    folder: str | Path = "results",
    tables: Mapping[str, pd.DataFrame] | None = None,
    figures: Mapping[str, Figure] | None = None,
    details: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write tables as CSV, figures as PNG and SVG, ``details`` as ``about.json``; return the paths.

    The names of ``tables`` and ``figures`` become file names. Existing files of the same name are replaced.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = [_save_table(table, target / f"{name}.csv") for name, table in (tables or {}).items()]
    for name, figure in (figures or {}).items():
        written += _save_figure(figure, target / name)
    about = target / "about.json"
    content = {"alphagenome_client": version("alphagenome"), **(details or {})}
    about.write_text(json.dumps(content, indent=2, default=str) + "\n", "utf-8")
    return [*written, about]


def _save_table(table: pd.DataFrame, path: Path) -> Path:
    named_rows = table.index.name is not None
    table.to_csv(path, index=named_rows, float_format="%.6g")
    return path


def _save_figure(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    # Text stays text in the SVG: it can be searched and edited, and no date makes two equal runs differ.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": stem.name}):
        figure.savefig(paths[0], dpi=PNG_DPI, bbox_inches="tight", facecolor="white")
        figure.savefig(paths[1], bbox_inches="tight", facecolor="white", metadata={"Date": None})
    return paths
