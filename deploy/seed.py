"""The curated projects that a workspace starts with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CuratedTemplate:
    """A folder of `repo_templates` and the project it becomes."""

    folder: str
    namespace: str
    name: str
    area: str


CURATED = (CuratedTemplate("alphagenome", "genomics", "alphagenome", "Regulatory genomics"),)
