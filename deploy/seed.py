"""The curated projects that a workspace starts with, each with an example of every worksheet."""

from __future__ import annotations

from dataclasses import dataclass

from auth.identity import Identity, Level
from deploy.layout import TEMPLATES
from workspace_api.people.names import WORKSPACE_USER
from workspace_api.projects.seeding import seed_template
from workspace_api.workspace import Workspace

SEEDER = Identity(user=WORKSPACE_USER, level=Level.DEVELOPER, admin=True)


@dataclass(frozen=True)
class CuratedTemplate:
    """A folder of `repo_templates` and the project it becomes."""

    folder: str
    path: str
    area: str


CURATED = (CuratedTemplate("alphagenome", "genomics/alphagenome", "Regulatory genomics"),)


def seed_workspace(workspace: Workspace) -> list[str]:
    """Bring every curated template onto the forge and have its examples made; return what was done.

    Examples are made where the settings say so. Raises WorkspaceError, above all while the forge does not
    answer. Safe to repeat.
    """
    done = []
    for curated in CURATED:
        version = seed_template(
            workspace.forge,
            workspace.projects,
            SEEDER,
            template=TEMPLATES / curated.folder,
            path=curated.path,
            area=curated.area,
        )
        if version is not None:
            done.append(f"{curated.path}: {version} made and curated")
        if workspace.settings.runs.examples:
            done += request_examples(workspace, curated.path)
    return done


def request_examples(workspace: Workspace, path: str) -> list[str]:
    """Have one example run made of each worksheet, with its defaults; one that is there or waits is kept."""
    asked = []
    for worksheet in workspace.projects.snapshot(SEEDER, path).worksheets:
        requested = workspace.runs.request_example(path, worksheet.notebook, values={})
        if not requested.reused and not requested.run.ended:
            asked.append(f"{path}: example of {worksheet.notebook} is being made")
    return asked
