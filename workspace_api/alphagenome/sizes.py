"""How large an answer would be, and that it is not too large."""

from __future__ import annotations

import grpc
from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.offline.catalogue import COUNTS, resolution
from workspace_api.alphagenome.questions import Facts

FLOAT = 4
REMEDY = (
    "Name fewer tissues (ontology_terms) or outputs (requested_outputs), or a shorter interval. An "
    "administrator can allow larger answers."
)
NO_TRACKS = (0, 0)


def check_size(facts: Facts, limit: int) -> None:
    """Refuse a question for every tissue whose answer would be larger than `limit` bytes; 0 allows any.

    How many tracks a tissue has only the model knows; where tissues are named, the answer itself is measured.
    """
    if not limit or not facts.all_tissues:
        return
    column = 1 if facts.organism == pb.ORGANISM_MUS_MUSCULUS else 0
    size = 0
    for output in facts.outputs:
        bins = facts.width // resolution(output)
        values = bins * bins if output == pb.OUTPUT_TYPE_CONTACT_MAPS else bins
        if output != pb.OUTPUT_TYPE_SPLICE_JUNCTIONS:
            size += values * COUNTS.get(output, NO_TRACKS)[column] * FLOAT * facts.alleles
    if size > limit:
        raise too_large(size, limit)


def too_large(size: int, limit: int) -> CallRefused:
    """Return the refusal of an answer of `size` bytes."""
    return CallRefused(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"requested_outputs: the answer would take {size / 1e6:,.0f} MB or more; this workspace allows "
        f"{limit / 1e6:,.0f} MB. {REMEDY}",
    )
