"""Keeping results: tables, pictures, predictions and what they were made from, in one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata
import matplotlib as mpl
import numpy as np
import pandas as pd
from alphagenome.data import track_data
from matplotlib.figure import Figure

from alphagenome_tools.backend import backend
from alphagenome_tools.exports import export_bigwig, export_json
from alphagenome_tools.notice import SYNTHETIC, TERMS
from alphagenome_tools.tables import linear_outputs, summary_table

FIGURE_FORMATS = ("png", "svg", "pdf")
PNG_DPI = 300
PADDING_INCHES = 0.1
FILE_NAME = re.compile(r"[^\w.-]+")
WITHOUT_DATE = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


@dataclass(frozen=True)
class Saved:
    """A folder of results, and the files in it."""

    folder: Path
    paths: list[Path]

    def _repr_markdown_(self) -> str:
        """Return the files that are in the folder now, those of one name in one line."""
        endings: dict[str, list[str]] = {}
        for path in sorted(self.folder.iterdir()):
            endings.setdefault(path.stem, []).append(path.suffix.removeprefix("."))
        files = "\n".join(f"- `{stem}`: {', '.join(kinds)}" for stem, kinds in endings.items())
        return f"In `{self.folder}`:\n\n{files}"


def result_folder(prefix: str, output_dir: str | Path = "results") -> Path:
    """Make and return a new folder ``output_dir/20260131-235959_prefix``, numbered if that exists."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    stem = f"{stamp}_{FILE_NAME.sub('_', prefix).strip('_.') or 'results'}"
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = Path(output_dir) / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            continue
        return folder


def save_results(
    outputs: Any,
    prefix: str = "results",
    output_dir: str | Path = "results",
    *,
    details: Mapping[str, Any] | None = None,
    formats: Sequence[str] = FIGURE_FORMATS,
) -> Saved:
    """Write results into a new, time-stamped folder of ``output_dir``; return it with its files.

    ``outputs`` is one result or a mapping of names to results. A table becomes CSV and JSON; a figure one
    file of each of ``formats``; a prediction bigWig files and a table of its tracks; track data bigWig files;
    scores (AnnData) ``.h5ad``; a text stays as it is, under its name. ``about.json`` holds the model, the
    terms, the client's version and ``details``.
    """
    folder = result_folder(prefix, output_dir)
    named = outputs if isinstance(outputs, Mapping) else {"result": outputs}
    written: list[Path] = []
    models = {str((details or {}).get("model", ""))} - {""}
    for name, result in named.items():
        stem = folder / (FILE_NAME.sub("_", name).strip("_.") or "result")
        written += _save(result, stem, formats)
        if not isinstance(result, pd.DataFrame | Figure | str):
            models.add(backend(result))
    about = export_json(_about(models, details or {}), folder / "about.json")
    return Saved(folder, [*written, about])


def _about(models: set[str], details: Mapping[str, Any]) -> dict[str, Any]:
    synthetic = any("synthetic" in model for model in models)
    return {
        "alphagenome_client": version("alphagenome"),
        "model": ", ".join(sorted(models)),
        "note": SYNTHETIC if synthetic else TERMS,
        **{name: value for name, value in details.items() if name != "model"},
    }


def _save(result: Any, stem: Path, formats: Sequence[str]) -> list[Path]:
    if isinstance(result, pd.DataFrame):
        return [save_table(result, Path(f"{stem}.csv")), _save_records(result, Path(f"{stem}.json"))]
    if isinstance(result, Figure):
        return save_figure(result, stem, formats)
    if isinstance(result, str):
        stem.write_text(result, "utf-8")
        return [stem]
    if isinstance(result, anndata.AnnData):
        return [_save_scores(result, Path(f"{stem}.h5ad"))]
    if isinstance(result, list | tuple):
        return [
            path for number, one in enumerate(result, 1) for path in _save(one, Path(f"{stem}_{number}"), ())
        ]
    if hasattr(result, "alternate"):
        parts = ((result.reference, "reference"), (result.alternate, "alternate"))
        return [path for part, name in parts for path in _save(part, Path(f"{stem}_{name}"), formats)]
    if isinstance(result, track_data.TrackData):
        return export_bigwig(result, stem)
    return _save_prediction(result, stem)


def _save_prediction(output: Any, stem: Path) -> list[Path]:
    tables = [save_table(summary_table(output), Path(f"{stem}_tracks.csv"))]
    for name, tracks in linear_outputs(output):
        tables += export_bigwig(tracks, stem.parent / f"{stem.name}_{name.lower()}")
    return tables


def save_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV in UTF-8 with six significant digits; return the path.

    The index is written where it has a name.
    """
    table.to_csv(path, index=table.index.name is not None, float_format="%.6g")
    return path


def _save_records(table: pd.DataFrame, path: Path) -> Path:
    rows = table.reset_index() if table.index.name is not None else table
    return export_json(json.loads(rows.to_json(orient="records", double_precision=6)), path)


def _save_scores(scores: anndata.AnnData, path: Path) -> Path:
    """Write scores; what the client keeps as objects (variant, interval, scorer) is written as text."""
    written = scores.copy()
    written.uns = {key: str(value) for key, value in scores.uns.items()}
    for table in (written.obs, written.var):
        for column in table.columns[table.dtypes == np.object_]:
            table[column] = table[column].astype(str)
    written.write_h5ad(path)
    return path


def save_figure(figure: Figure, stem: str | Path, formats: Sequence[str] = FIGURE_FORMATS) -> list[Path]:
    """Write a figure as ``stem.png`` (300 dots per inch), ``stem.svg`` and ``stem.pdf``; return the paths.

    Text stays text, so that it can be searched and edited, and no date makes two equal figures differ. Raises
    ValueError for other formats.
    """
    unknown = [one for one in formats if one not in FIGURE_FORMATS]
    if unknown:
        raise ValueError(f"Figures are not written as {', '.join(unknown)}. Choose from png, svg, pdf.")
    paths = []
    fonts = {"svg.fonttype": "none", "svg.hashsalt": Path(stem).name, "pdf.fonttype": 42}
    with mpl.rc_context(fonts):
        figure.draw_without_rendering()
        box = figure.get_tightbbox().padded(PADDING_INCHES)  # once, not anew for each format
        for one in formats:
            path = Path(f"{stem}.{one}")
            metadata = WITHOUT_DATE[one]
            figure.savefig(path, dpi=PNG_DPI, bbox_inches=box, facecolor="white", metadata=metadata)
            paths.append(path)
    return paths
