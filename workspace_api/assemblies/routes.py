"""Assemblies over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from starlette.responses import PlainTextResponse

from workspace_api.errors import NotFoundError
from workspace_api.genomes import CHROMOSOMES

router = APIRouter(prefix="/assemblies", tags=["assemblies"])


@router.get("/{assembly}/chromosomes", response_class=PlainTextResponse)
def chromosomes(
    assembly: Annotated[str, InPath(max_length=40, description="hg38 or mm10.")],
) -> Response:
    """List the primary chromosomes of an assembly: a name, a tab and the length in bp on each line."""
    known = CHROMOSOMES.get(assembly)
    if known is None:
        raise NotFoundError(f"There is no assembly “{assembly}” here; there are {', '.join(CHROMOSOMES)}.")
    lines = "".join(f"{name}\t{length}\n" for name, length in known.items())
    return PlainTextResponse(lines, headers={"Cache-Control": "public, max-age=86400"})
