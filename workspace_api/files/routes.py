"""Files over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from workspace_api.files.schemas import FolderOut
from workspace_api.http import Caller, Services

router = APIRouter(tags=["files"])


@router.get("/files")
def browse(
    services: Services,
    caller: Caller,
    path: Annotated[
        str, Query(max_length=2000, description="A folder below ~ or /shared; empty: the top.")
    ] = "",
    ending: Annotated[
        list[str] | None, Query(max_length=20, description="Only files whose names end so.")
    ] = None,
) -> FolderOut:
    """List a folder of the caller's home or of a share."""
    return FolderOut.model_validate(services.files.browse(caller, path, tuple(ending or ())))
