"""Imports over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from workspace_api.http import Caller, Services
from workspace_api.imports.schemas import ImportOut, ImportRequest

router = APIRouter(prefix="/imports", tags=["imports"])
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$", description="An import's id.")]


@router.post("", status_code=202)
def request(services: Services, caller: Caller, body: ImportRequest) -> ImportOut:
    """Open a public repository from elsewhere: the caller's copy of it, made once."""
    made = services.imports.request(
        caller, body.repository, ref=body.ref, path=body.path, visibility=body.visibility
    )
    return ImportOut.model_validate(made)


@router.get("/{import_id}")
def one(services: Services, caller: Caller, import_id: Id) -> ImportOut:
    """Say how far it is."""
    return ImportOut.model_validate(services.imports.get(caller, import_id))
