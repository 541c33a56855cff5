"""Projects, worksheets and uses as pages and the API show them, from rows."""

from __future__ import annotations

from workspace_api.projects.models import Project, Snapshot, Worksheet
from workspace_api.projects.views import CardWorksheet, ProjectCard, UseView, WorksheetView


def use_of(rows: list[Snapshot]) -> UseView:
    """Return how a project uses an environment, at these commits of it, newest first."""
    project, newest = rows[0].project, rows[0]
    curation = project.curation
    pinned = curation is not None and any(row.id == curation.snapshot_id for row in rows)
    version = curation.version if curation is not None and pinned else None
    return UseView(project.path, newest.title, newest.commit, len(rows), version)


def card_of(row: Project) -> ProjectCard:
    """Return a project as the catalogue lists it."""
    curation = row.curation
    snapshot = curation.snapshot if curation else None
    return ProjectCard(
        path=row.path,
        title=snapshot.title if snapshot else row.name,
        summary=curation.summary if curation else "",
        area=curation.area if curation else "",
        visibility=row.visibility,
        version=curation.version if curation else None,
        commit=snapshot.commit if snapshot else None,
        environment_key=snapshot.environment_key if snapshot else None,
        worksheets=tuple(
            CardWorksheet(sheet.notebook, sheet.title, sheet.summary)
            for sheet in (snapshot.worksheets if snapshot else ())
        ),
    )


def worksheet_of(project: Project, row: Snapshot, sheet: Worksheet, version: str | None) -> WorksheetView:
    """Return a worksheet of a commit, which is `version` if it has a name."""
    return WorksheetView(
        project=project.path,
        project_id=project.id,
        visibility=project.visibility,
        commit=row.commit,
        version=version,
        notebook=sheet.notebook,
        title=sheet.title,
        summary=sheet.summary,
        schema=sheet.schema,
        notebook_sha256=sheet.notebook_sha256,
        environment_key=row.environment_key,
        resources=row.resources,
    )
