"""The biosamples of the offline model: well-known ones by their names, the rest made up and named so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Biosample:
    """An ontology term, a name, and the kind that AlphaGenome calls the biosample type."""

    term: str
    name: str
    kind: str


def _tissues(*rows: tuple[str, str]) -> list[Biosample]:
    return [Biosample(f"UBERON:{number}", name, "TISSUE") for number, name in rows]


NAMED: tuple[Biosample, ...] = (
    *_tissues(
        ("0001157", "transverse colon"),
        ("0002107", "liver"),
        ("0000955", "brain"),
        ("0000178", "blood"),
        ("0000948", "heart"),
        ("0002048", "lung"),
        ("0002113", "kidney"),
        ("0001264", "pancreas"),
        ("0002106", "spleen"),
        ("0002370", "thymus"),
        ("0000945", "stomach"),
        ("0002108", "small intestine"),
        ("0001159", "sigmoid colon"),
        ("0001043", "esophagus"),
        ("0002097", "skin of body"),
        ("0000310", "breast"),
        ("0002367", "prostate gland"),
        ("0000992", "ovary"),
        ("0000995", "uterus"),
        ("0000473", "testis"),
        ("0002046", "thyroid gland"),
        ("0002369", "adrenal gland"),
        ("0001134", "skeletal muscle tissue"),
        ("0001013", "adipose tissue"),
        ("0002037", "cerebellum"),
        ("0001870", "frontal cortex"),
        ("0002240", "spinal cord"),
        ("0000947", "aorta"),
        ("0002084", "heart left ventricle"),
        ("0001114", "right lobe of liver"),
        ("0008952", "upper lobe of left lung"),
        ("0001987", "placenta"),
    ),
    Biosample("CL:0000236", "B cell", "PRIMARY_CELL"),
    Biosample("CL:0000084", "T cell", "PRIMARY_CELL"),
    Biosample("CL:0000576", "monocyte", "PRIMARY_CELL"),
    Biosample("CL:0000623", "natural killer cell", "PRIMARY_CELL"),
    Biosample("CL:0000182", "hepatocyte", "PRIMARY_CELL"),
    Biosample("CL:0000127", "astrocyte", "PRIMARY_CELL"),
    Biosample("CL:0000312", "keratinocyte", "PRIMARY_CELL"),
    Biosample("CL:0000746", "cardiac muscle cell", "PRIMARY_CELL"),
    Biosample("EFO:0002067", "K562", "CELL_LINE"),
    Biosample("EFO:0001187", "HepG2", "CELL_LINE"),
    Biosample("EFO:0002784", "GM12878", "CELL_LINE"),
    Biosample("EFO:0001203", "MCF-7", "CELL_LINE"),
    Biosample("EFO:0001086", "A549", "CELL_LINE"),
    Biosample("EFO:0003042", "H1", "CELL_LINE"),
)


def biosample(index: int) -> Biosample:
    """Return the biosample of an index: the named ones first, then made-up ones without end."""
    if index < len(NAMED):
        return NAMED[index]
    number = index - len(NAMED) + 1
    return Biosample(f"NTR:{9_000_000 + number:07d}", f"made-up biosample {number}", "TISSUE")
