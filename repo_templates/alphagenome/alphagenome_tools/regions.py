"""Regions and variants: from what people type to what the model takes."""

from __future__ import annotations

from alphagenome.data import genome
from alphagenome.models import dna_client

from alphagenome_tools.assemblies import CHROMOSOMES, check_assembly

SPELLINGS = (
    genome.VariantFormat.DEFAULT,
    genome.VariantFormat.GNOMAD,
    genome.VariantFormat.GTEX,
    genome.VariantFormat.OPEN_TARGETS,
    genome.VariantFormat.OPEN_TARGETS_BIGQUERY,
)
WINDOWS: tuple[int, ...] = tuple(sorted(dna_client.SUPPORTED_SEQUENCE_LENGTHS.values()))


def parse_region(text: str) -> genome.Interval:
    """Return the interval for ``chr22:36,180,000-36,270,000``; raise ValueError for anything else.

    Positions count from 0 and the end is not part of the region, as in BED files.
    """
    try:
        return genome.Interval.from_str(text.replace(",", "").strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is not a region. Write it like chr22:36180000-36270000.") from error


def parse_variant(text: str) -> genome.Variant:
    """Return the variant for ``chr22:36201698:A>C`` (position as in VCF); raise ValueError otherwise.

    The spellings of gnomAD (``22-36201698-A-C``), GTEx and Open Targets are understood too.
    """
    bare = text.replace(",", "").strip()
    variant = next((one for form in SPELLINGS if (one := _spelt(bare, form)) is not None), None)
    if variant is None:
        raise ValueError(f"{text!r} is not a variant. Write it like chr22:36201698:A>C.")
    if not (variant.reference_bases and variant.alternate_bases):
        raise ValueError(f"{text!r} lacks an allele. Write an insertion like chr22:36201698:A>ATTC.")
    if variant.reference_bases == variant.alternate_bases:
        raise ValueError(f"{text!r} changes nothing: both alleles are {variant.reference_bases}.")
    return variant


def _spelt(text: str, spelling: genome.VariantFormat) -> genome.Variant | None:
    try:
        return genome.Variant.from_str(text, spelling)
    except ValueError:
        return None


def variant_kind(variant: genome.Variant) -> str:
    """Return in words what a variant does to the sequence, with the number of bases."""
    lost, gained = len(variant.reference_bases), len(variant.alternate_bases)
    if lost == gained:
        return "single-base substitution" if lost == 1 else f"substitution of {lost} bases"
    change = abs(gained - lost)
    bases = "1 base" if change == 1 else f"{change} bases"
    return f"insertion of {bases}" if gained > lost else f"deletion of {bases}"


def place_of(variant: genome.Variant) -> genome.Interval:
    """Return the bases of the genome that a variant replaces, under the variant's name."""
    place = variant.reference_interval
    return genome.Interval(place.chromosome, place.start, place.end, name=variant.as_truncated_str(40))


def variant_interval(variant: genome.Variant, window: int, assembly: str = "hg38") -> genome.Interval:
    """Return the ``window`` base pairs around a variant that the model reads.

    Near an end of a chromosome the window is moved so that it lies inside.
    """
    return _within_chromosome(variant.reference_interval.resize(checked_window(window)), assembly)


def fit_interval(region: genome.Interval, assembly: str = "hg38") -> genome.Interval:
    """Return the smallest window the model takes that holds all of ``region``, with the region in its middle.

    Near an end of a chromosome it is moved so that it lies inside. Raises ValueError when the region is wider
    than the largest window.
    """
    fitting = [window for window in WINDOWS if window >= region.width]
    if not fitting:
        raise ValueError(f"{region} is {region.width:,} bp wide; the model reads at most {WINDOWS[-1]:,} bp.")
    return _within_chromosome(region.resize(fitting[0]), assembly)


def checked_window(window: int) -> int:
    """Return ``window``; raise ValueError when the model does not read that many base pairs."""
    if window not in WINDOWS:
        raise ValueError(f"The model does not read {window} bp. Choose from {', '.join(map(str, WINDOWS))}.")
    return window


def _within_chromosome(interval: genome.Interval, assembly: str) -> genome.Interval:
    length = CHROMOSOMES[check_assembly(assembly)].get(interval.chromosome, interval.end)
    beyond = max(interval.end - length, 0)
    moved = interval.shift(-beyond) if beyond else interval
    return moved.shift(-moved.start) if moved.start < 0 else moved
