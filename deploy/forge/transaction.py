"""What whoever works for a call or a push has at hand."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from deploy.forge.git.repository import Repositories
from deploy.forge.models import Project
from deploy.forge.settings import ForgeSettings


@dataclass(frozen=True)
class Transaction:
    """A transaction of the database, with the repositories and the settings beside it."""

    session: Session
    settings: ForgeSettings
    repositories: Repositories

    def url(self, project: Project) -> str:
        """Return the address of a project."""
        return f"{self.settings.external_url}/{project.full_path}"
