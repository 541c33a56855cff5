"""Tissues and cell types that a form suggests."""

from __future__ import annotations

from collections.abc import Mapping

from workspace_api.alphagenome.offline.biosamples import NAMED


def ontology_terms() -> Mapping[str, str]:
    """Return well-known ontology terms with their names."""
    return {biosample.term: biosample.name for biosample in NAMED}
