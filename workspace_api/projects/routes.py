"""Projects over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from workspace_api.http import Caller, Listing, Paging, Services
from workspace_api.projects.schemas import (
    CurationIn,
    LineageOut,
    NewestOut,
    NewProject,
    NotebookOut,
    OriginOut,
    OwnProjectOut,
    ProjectListed,
    ProjectOut,
    VersionOut,
    WorksheetOut,
    WorksheetsOut,
)

router = APIRouter(tags=["projects"])
Namespace = Annotated[str, InPath(max_length=255)]
Name = Annotated[str, InPath(max_length=255)]
Ref = Annotated[str | None, Query(max_length=255, description="A version, branch or commit.")]
Text = Annotated[str | None, Query(max_length=200)]


@router.get("/projects")
def projects(
    services: Services,
    caller: Caller,
    paging: Paging,
    curated: bool | None = None,
    area: Text = None,
    q: Text = None,
) -> Listing[ProjectListed]:
    """List projects, curated ones first."""
    page = services.projects.catalogue(
        caller, curated=curated, area=area, q=q, page=paging.page, per_page=paging.per_page
    )
    return Listing[ProjectListed].of(page, ProjectListed.model_validate)


@router.post("/projects", status_code=201)
def create(services: Services, caller: Caller, wanted: NewProject) -> ProjectOut:
    """Make a project, from a template or with a first notebook."""
    return ProjectOut.model_validate(services.creation.create(caller, **wanted.model_dump()))


@router.get("/projects/{namespace}/{name}")
def project(services: Services, caller: Caller, namespace: Namespace, name: Name) -> ProjectOut:
    """Return one project, and whether the environment of its newest commit could be built."""
    path = f"{namespace}/{name}"
    shown = ProjectOut.model_validate(services.projects.get(caller, path))
    newest = services.projects.newest(caller, path)
    return shown.model_copy(update={"newest": newest and NewestOut.model_validate(newest)})


@router.get("/projects/{namespace}/{name}/worksheets")
def worksheets(
    services: Services, caller: Caller, namespace: Namespace, name: Name, ref: Ref = None
) -> WorksheetsOut:
    """List the worksheets of a commit with the JSON Schemas of their parameters."""
    snapshot = services.projects.snapshot(caller, f"{namespace}/{name}", ref)
    items = [WorksheetOut.model_validate(worksheet) for worksheet in snapshot.worksheets]
    return WorksheetsOut(items=items, total=len(items), problems=list(snapshot.problems))


@router.get("/projects/{namespace}/{name}/notebooks")
def notebooks(
    services: Services, caller: Caller, namespace: Namespace, name: Name, ref: Ref = None
) -> Listing[NotebookOut]:
    """List every notebook of a commit, worksheets among them."""
    path = f"{namespace}/{name}"
    commit = services.projects.snapshot(caller, path, ref).commit
    items = [NotebookOut(path=found) for found in services.projects.notebooks(caller, path, commit)]
    return Listing[NotebookOut](items=items, total=len(items), page=1, per_page=max(len(items), 1))


@router.get("/projects/{namespace}/{name}/versions")
def versions(services: Services, caller: Caller, namespace: Namespace, name: Name) -> Listing[VersionOut]:
    """List saved versions, newest first."""
    found = services.projects.versions(caller, f"{namespace}/{name}")
    items = [VersionOut.model_validate(version) for version in found]
    return Listing[VersionOut](items=items, total=len(items), page=1, per_page=max(len(items), 1))


@router.get("/projects/{namespace}/{name}/lineage")
def lineage(services: Services, caller: Caller, namespace: Namespace, name: Name) -> LineageOut:
    """Say what a project was forked from, how far it is behind, and what was forked from it."""
    origin = services.lineage.origin(caller, f"{namespace}/{name}")
    return LineageOut(
        origin=None if origin is None else OriginOut.model_validate(origin),
        forks=list(services.lineage.forks(caller, f"{namespace}/{name}")),
    )


@router.get("/me/projects")
def own_projects(services: Services, caller: Caller) -> Listing[OwnProjectOut]:
    """List the caller's own projects and forks, the last that changed first."""
    items = [OwnProjectOut.model_validate(project) for project in services.lineage.mine(caller)]
    return Listing[OwnProjectOut](items=items, total=len(items), page=1, per_page=max(len(items), 1))


@router.put("/projects/{namespace}/{name}/curation")
def curate(
    services: Services, caller: Caller, namespace: Namespace, name: Name, wanted: CurationIn
) -> ProjectOut:
    """List a project on the landing page at a version, as an administrator."""
    view = services.projects.curate(
        caller, f"{namespace}/{name}", version=wanted.version, area=wanted.area, summary=wanted.summary
    )
    return ProjectOut.model_validate(view)


@router.delete("/projects/{namespace}/{name}/curation", status_code=204)
def uncurate(services: Services, caller: Caller, namespace: Namespace, name: Name) -> None:
    """Take a project off the landing page, as an administrator."""
    services.projects.uncurate(caller, f"{namespace}/{name}")
