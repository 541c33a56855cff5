"""The environment of a checkout: which one it is, and whether it can be used."""

from __future__ import annotations

from auth.identity import Identity
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import ConflictError
from workspace_api.projects.service import ProjectService


def newest_environment(projects: ProjectService, identity: Identity, path: str) -> str:
    """Return the key of the environment of a project's default branch, curated or not."""
    branch = projects.get(identity, path).default_branch
    return projects.snapshot(identity, path, branch).environment_key


def is_built(environments: EnvironmentService, key: str) -> bool:
    """Whether an environment can be used now; one that is not there yet is wanted.

    Raises ConflictError, in words for the person, for one that could not be built.
    """
    environment = environments.need(key)
    if environment.state == "failed":
        raise ConflictError(f"The project's environment could not be built. {environment.error}")
    return environment.state == "ready"
