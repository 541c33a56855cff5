"""The kinds of tracks this project works with: their names for readers, their units."""

from __future__ import annotations

from collections.abc import Sequence

from alphagenome.models import dna_client

# name of the client -> (name for readers, unit); from the AlphaGenome documentation, table 1.
LINEAR: dict[str, tuple[str, str]] = {
    "RNA_SEQ": ("RNA-seq", "read signal"),
    "CAGE": ("CAGE", "read signal"),
    "PROCAP": ("PRO-cap", "read signal"),
    "ATAC": ("ATAC-seq", "insertion signal"),
    "DNASE": ("DNase-seq", "insertion signal"),
    "CHIP_HISTONE": ("Histone ChIP-seq", "fold change over control"),
    "CHIP_TF": ("TF ChIP-seq", "fold change over control"),
    "SPLICE_SITES": ("Splice sites", "probability"),
    "SPLICE_SITE_USAGE": ("Splice site usage", "fraction"),
}
OUTPUTS: dict[str, tuple[str, str]] = {
    **LINEAR,
    "SPLICE_JUNCTIONS": ("Splice junctions", "junction signal"),
    "CONTACT_MAPS": ("Contact maps", "log fold over distance expectation"),
}


def output_types(names: Sequence[str]) -> list[dna_client.OutputType]:
    """Return the client's output types for ``names``; raise ValueError naming those it does not know."""
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown or not names:
        wrong = ", ".join(unknown) or "an empty list"
        raise ValueError(f"Cannot predict {wrong}. Choose from: {', '.join(OUTPUTS)}.")
    return [dna_client.OutputType[name] for name in names]


def label(name: str) -> str:
    """Return the reader's name of an output type, the client's own where there is no other."""
    return OUTPUTS.get(name, (name, ""))[0]


def units_of(names: Sequence[str]) -> str:
    """Return the units of several output types in one line, such as ``RNA-seq, CAGE: read signal``."""
    by_unit: dict[str, list[str]] = {}
    for name in names:
        by_unit.setdefault(unit(name), []).append(label(name))
    return "; ".join(f"{', '.join(labels)}: {words}" for words, labels in by_unit.items() if words)


def unit(name: str) -> str:
    """Return the unit of an output type, or ''."""
    return OUTPUTS.get(name, ("", ""))[1]
