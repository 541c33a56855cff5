"""Results for other programs: Excel, bigWig, BED, VCF, JSON and one HTML page."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import openpyxl
import pandas as pd
import pyBigWig
from alphagenome.data import genome, track_data
from matplotlib.figure import Figure
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from alphagenome_tools.assemblies import CHROMOSOMES, check_assembly

EXCEL_ROWS = 1_048_575  # below the header
EXCEL_TITLE = 31
WIDEST_COLUMN = 48
FORBIDDEN_IN_TITLES = re.compile(r"[\[\]:*?/\\']")
UNSAFE_IN_INFO = re.compile(r"[;=,\s]+")
MARK = "synthetic"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><style>
body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2327}
table{border-collapse:collapse;font-size:14.5px}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid #ddd}
img{max-width:100%}.scroll{overflow-x:auto}
.note{background:#fff3dc;color:#6b4200;padding:10px 14px;border-radius:8px}
</style></head><body><h1>{{ title }}</h1>
{% if note %}<p class="note" role="note">{{ note }}</p>{% endif %}
{% for name, kind, body in parts %}<h2>{{ name }}</h2>
{% if kind == "figure" %}<img alt="Figure: {{ name }}" src="data:image/png;base64,{{ body }}">
{% elif kind == "table" %}<div class="scroll" tabindex="0">{{ body | safe }}</div>
{% else %}<p>{{ body }}</p>{% endif %}{% endfor %}</body></html>
"""


def export_to_excel(dataframes: Mapping[str, pd.DataFrame] | pd.DataFrame, filename: str | Path) -> Path:
    """Write tables into one workbook, a sheet for each name; return its path.

    Texts stay texts: nothing is read as a formula or a date, so that gene names such as SEPT2 arrive whole.
    Raises ValueError for a table with more rows than a sheet can hold.
    """
    tables = {"results": dataframes} if isinstance(dataframes, pd.DataFrame) else dataframes
    if not tables:
        raise ValueError("There are no tables to write. Give one, or a mapping of sheet names to tables.")
    book = openpyxl.Workbook(write_only=True)
    titles: set[str] = set()
    for name, table in tables.items():
        if len(table) > EXCEL_ROWS:
            raise ValueError(f"{name} has {len(table):,} rows; a sheet holds {EXCEL_ROWS:,}. Save it as CSV.")
        rows = table.reset_index() if table.index.name is not None else table
        _write_sheet(book.create_sheet(_title(name, titles)), rows)
    path = Path(filename).with_suffix(".xlsx")
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def _title(name: str, taken: set[str]) -> str:
    """Return a sheet's title that Excel accepts and that no other sheet has."""
    plain = FORBIDDEN_IN_TITLES.sub("-", name).strip() or "results"
    title, number = plain[:EXCEL_TITLE], 2
    while title.lower() in taken:
        ending = f" {number}"
        title, number = plain[: EXCEL_TITLE - len(ending)] + ending, number + 1
    taken.add(title.lower())
    return title


def _write_sheet(sheet: Any, table: pd.DataFrame) -> None:
    for index, column in enumerate(table.columns, 1):
        longest = max([len(str(column)), *(len(str(value)) for value in table[column].head(200))])
        letter = openpyxl.utils.get_column_letter(index)
        sheet.column_dimensions[letter].width = min(longest + 2, WIDEST_COLUMN)
    sheet.freeze_panes = "A2"
    header = [_cell(sheet, str(column)) for column in table.columns]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in table.itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> WriteOnlyCell:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or plain is pd.NA or (isinstance(plain, float) and not np.isfinite(plain)):
        return WriteOnlyCell(sheet, None)
    if isinstance(plain, bool | int | float):
        return WriteOnlyCell(sheet, plain)
    cell = WriteOnlyCell(sheet, openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", str(plain))[:32_767])
    cell.data_type = "s"  # also what begins with =
    cell.number_format = "@"
    return cell


def export_bigwig(tracks: track_data.TrackData, prefix: str | Path, *, assembly: str = "hg38") -> list[Path]:
    """Write each track along the sequence as ``prefix_NUMBER_NAME.bw``; return the paths.

    Values keep the tracks' resolution. The names of synthetic tracks say so. Raises ValueError for tracks
    without a place, or with two dimensions.
    """
    if tracks.interval is None or len(tracks.positional_axes) != 1:
        raise ValueError("Only tracks along a stretch of the genome can be written as bigWig.")
    lengths = CHROMOSOMES[check_assembly(assembly)]
    chromosome, length = tracks.interval.chromosome, lengths[tracks.interval.chromosome]
    starts = tracks.interval.start + np.arange(tracks.values.shape[0]) * tracks.resolution
    inside = (starts >= 0) & (starts < length)
    first = int(starts[inside][0])
    paths = []
    for index, (name, strand) in enumerate(zip(tracks.names, tracks.strands, strict=True)):
        values = np.ascontiguousarray(tracks.values[inside, index], dtype=np.float64)
        path = Path(f"{prefix}_{index + 1:02d}_{_file_words(name, strand)}.bw")
        path.parent.mkdir(parents=True, exist_ok=True)
        with pyBigWig.open(str(path), "w") as file:
            file.addHeader([(chromosome, length)])
            step = tracks.resolution
            file.addEntries(chromosome, first, values=values, span=step, step=step)
        paths.append(path)
    return paths


def _file_words(name: str, strand: str) -> str:
    sign = {"+": "_plus", "-": "_minus"}.get(strand, "")
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60] + sign


def export_bed(
    intervals: Iterable[genome.Interval], path: str | Path, *, scores: Sequence[float] = (), title: str = ""
) -> Path:
    """Write intervals as a BED file of six columns, with the size of ``scores`` (0 to 1) as 0 to 1000."""
    rows = list(intervals)
    sizes = [abs(float(score)) for score in scores] or [0.0] * len(rows)
    lines = [f'track name="{title}" description="{title}"'] if title else []
    for one, size in zip(rows, sizes, strict=True):
        score = 0 if np.isnan(size) else round(1000 * min(size, 1.0))
        name = re.sub(r"\s+", "_", one.name) or "."
        lines.append(f"{one.chromosome}\t{one.start}\t{one.end}\t{name}\t{score}\t{one.strand}")
    return _write(path, "\n".join(lines) + "\n")


def export_vcf(
    ranked: pd.DataFrame, path: str | Path, *, model: str, names: Mapping[str, str] | None = None
) -> Path:
    """Write a ranked table of a batch as VCF 4.2, with the strongest score of each variant in INFO.

    ``model`` is told in the header, and with synthetic scores in every row. Rows are sorted by place.
    """
    header = [
        "##fileformat=VCFv4.2",
        f"##source={model}",
        '##INFO=<ID=AG_SCORE,Number=1,Type=Float,Description="Strongest AlphaGenome score">',
        '##INFO=<ID=AG_QUANTILE,Number=1,Type=Float,Description="Its rank among common variants, -1 to 1">',
        '##INFO=<ID=AG_MEASURE,Number=1,Type=String,Description="What it measures">',
        '##INFO=<ID=AG_TISSUE,Number=1,Type=String,Description="In which tissue or cell type">',
        '##INFO=<ID=AG_GENE,Number=1,Type=String,Description="Of which gene, if of one">',
        '##INFO=<ID=AG_SYNTHETIC,Number=0,Type=Flag,Description="Made up by the offline model">',
    ]
    used = list(dict.fromkeys(ranked["chromosome"]))
    order = {name: place for place, name in enumerate(CHROMOSOMES["hg38"])}
    used.sort(key=lambda name: order.get(name, len(order)))
    lengths = CHROMOSOMES["hg38"]
    header += [
        f"##contig=<ID={name},length={lengths[name]},assembly=hg38>" for name in used if name in lengths
    ]
    rows = ranked.assign(_order=ranked["chromosome"].map(order)).sort_values(
        ["_order", "position"], kind="stable"
    )
    lines = [*header, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for row in rows.to_dict("records"):
        chromosome, position, alleles = row["variant"].split(":")
        reference, _, alternate = alleles.partition(">")
        name = (names or {}).get(row["variant"]) or "."
        info = _info(row, synthetic=MARK in model)
        lines.append("\t".join([chromosome, position, name, reference, alternate, ".", ".", info]))
    return _write(path, "\n".join(lines) + "\n")


def _info(row: Mapping[str, Any], *, synthetic: bool) -> str:
    parts = []
    for field, column in (("AG_SCORE", "score"), ("AG_QUANTILE", "quantile")):
        if pd.notna(row.get(column)):
            parts.append(f"{field}={row[column]:.6g}")
    for field, column in (("AG_MEASURE", "measure"), ("AG_TISSUE", "tissue"), ("AG_GENE", "gene")):
        if isinstance(row.get(column), str) and row[column]:
            parts.append(f"{field}={UNSAFE_IN_INFO.sub('_', row[column])}")
    return ";".join([*parts, *(["AG_SYNTHETIC"] if synthetic else [])]) or "."


def export_json(content: Any, path: str | Path) -> Path:
    """Write plain values, or a table as a list of its rows, as JSON; return the path."""
    is_table = isinstance(content, pd.DataFrame)
    plain = json.loads(content.to_json(orient="records")) if is_table else content
    return _write(path, json.dumps(plain, indent=2, default=str, ensure_ascii=False) + "\n")


def export_html(
    parts: Mapping[str, pd.DataFrame | Figure | str], path: str | Path, *, title: str, note: str = ""
) -> Path:
    """Write tables, figures and texts under their names as one page that needs no other file.

    ``note`` stands at its top, such as that what it shows is synthetic.
    """
    shown = [(name, *_part(part)) for name, part in parts.items()]
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    return _write(path, template.render(title=title, note=note, parts=shown))


def _part(part: pd.DataFrame | Figure | str) -> tuple[str, str]:
    if isinstance(part, pd.DataFrame):
        named = part.index.name is not None
        return "table", part.to_html(index=named, border=0, na_rep="–", float_format=lambda x: f"{x:.4g}")
    if isinstance(part, Figure):
        picture = io.BytesIO()
        part.savefig(picture, format="png", dpi=150, bbox_inches="tight", facecolor="white")
        return "figure", base64.b64encode(picture.getvalue()).decode()
    return "text", part


def _write(path: str | Path, text: str) -> Path:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    return target
