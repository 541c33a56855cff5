"""The worksheets to choose from on the landing page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from auth.identity import Identity
from landing.memory import Memory
from workspace_api.paging import Page
from workspace_api.projects.views import CardWorksheet, ProjectCard
from workspace_api.workspace import Workspace

PROJECTS_ON_A_PAGE = 24


@dataclass(frozen=True)
class Details:
    """What a card tells of a worksheet beyond its project.

    `example` is the id of the finished run whose picture is shown, `seconds` what runs usually take.
    """

    example: str | None
    seconds: float | None


@dataclass(frozen=True)
class ShelfItem:
    """One card: a worksheet of a curated project; `environment` is its state (wanted ... failed)."""

    project: ProjectCard
    worksheet: CardWorksheet
    details: Details
    environment: str

    @property
    def url(self) -> str:
        """Where its form is."""
        return f"/projects/{self.project.path}/worksheets/{quote(self.worksheet.notebook)}"

    @property
    def inside(self) -> str:
        """Where its notebook can be read."""
        return f"/projects/{self.project.path}/notebooks/{quote(self.worksheet.notebook)}"


class Shelf:
    """Curated worksheets with examples, usual times and environments, remembered for a few seconds."""

    def __init__(self, workspace: Workspace, seconds: float) -> None:
        self._workspace = workspace
        self._pages: Memory[Page[ProjectCard]] = Memory(seconds)
        self._areas: Memory[list[str]] = Memory(seconds)
        self._details: Memory[Details] = Memory(seconds)
        self._environments: Memory[str] = Memory(seconds)

    def areas(self) -> list[str]:
        """Return the areas of curated projects."""
        return self._areas.get("areas", self._workspace.projects.areas)

    def projects(self, identity: Identity, area: str, q: str, page: int) -> Page[ProjectCard]:
        """Return one page of the curated projects that the caller may see."""
        return self._pages.get(
            (identity.admin, identity.signed_in, area, q, page),
            lambda: self._workspace.projects.catalogue(
                identity,
                curated=True,
                area=area or None,
                q=q or None,
                page=page,
                per_page=PROJECTS_ON_A_PAGE,
            ),
        )

    def items(self, projects: Sequence[ProjectCard], q: str) -> list[ShelfItem]:
        """Return a card for each worksheet of `projects` that a search for `q` means."""
        return [
            ShelfItem(project, sheet, self.details(project.path, sheet.notebook), self._environment(project))
            for project in projects
            for sheet in meant(project, q)
        ]

    def details(self, path: str, notebook: str) -> Details:
        """Return the newest example of a worksheet and the seconds that it usually takes."""
        return self._details.get((path, notebook), lambda: self._ask(path, notebook))

    def _ask(self, path: str, notebook: str) -> Details:
        runs = self._workspace.runs
        examples = runs.examples(path, notebook)
        return Details(examples[0].id if examples else None, runs.estimate(path, notebook))

    def _environment(self, project: ProjectCard) -> str:
        key = project.environment_key
        if key is None:
            return "ready"
        return self._environments.get(key, lambda: self._workspace.environments.view(key).state)


def meant(project: ProjectCard, q: str) -> Sequence[CardWorksheet]:
    """Return the worksheets whose own words hold all of `q`; all of the project's where none does."""
    words = q.lower().split()
    named = [s for s in project.worksheets if all(w in f"{s.title} {s.summary}".lower() for w in words)]
    return named or project.worksheets


def shelf_of(request: Request) -> Shelf:
    """Return the shelf of the application that serves this request."""
    shelf: Shelf = request.app.state.shelf
    return shelf


WorkspaceShelf = Annotated[Shelf, Depends(shelf_of)]
