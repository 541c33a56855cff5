"""New projects on the forge, with their first files."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from gitlab.exceptions import GitlabError

from workspace_api.errors import ConflictError, FieldError, InvalidInputError
from workspace_api.forge.client import ForgeClient

FAILED = "The project was not made."


class ForgeProjects:
    """Makes projects as the forge's administrator, their first version in the name of a person."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def ensure(self, namespace: str, name: str, title: str, visibility: str) -> Any:
        """Return the project, made unless there is an empty one.

        Raises InvalidInputError where the name is taken or the visibility not allowed there.
        """
        path = f"{namespace}/{name}"
        found = self._forge.find(lambda forge: forge.projects.get(path))
        if found is not None:
            if found.empty_repo and getattr(found, "import_status", "none") == "none":
                return found  # left by a creation that was cut off, or made by hand: it is filled
            raise _refused("name", f"There is a project {path} already. Choose another name.")

        def make(forge: Any) -> Any:
            place = forge.namespaces.get(namespace)
            wanted = {"name": name, "path": name, "description": title, "visibility": visibility}
            try:
                return forge.projects.create({**wanted, "namespace_id": place.id})
            except GitlabError as error:
                words = str(error.error_message)
                if "visibility" in words:
                    said = (
                        f"The group {namespace} has no {visibility} projects. Choose private, which only its "
                        "members see."
                    )
                    raise _refused("visibility", said) from error
                if "taken" in words:
                    raise ConflictError(f"{path} is being made already. Look at it in a moment.") from error
                raise

        return self._forge.ask(make)

    def fill(self, project: Any, files: Mapping[str, bytes], author: tuple[str, str]) -> None:
        """Commit the first files of an empty project, all or none."""
        actions = [
            {
                "action": "create",
                "file_path": path,
                "content": base64.b64encode(content).decode(),
                "encoding": "base64",
            }
            for path, content in files.items()
        ]
        commit = {
            "branch": project.default_branch or "main",
            "commit_message": "Begin the project",
            "actions": actions,
            "author_name": author[0],
            "author_email": author[1],
        }

        def write(_forge: Any) -> None:
            try:
                project.commits.create(commit)
            except GitlabError as error:
                if "already exists" in str(error.error_message):
                    said = f"There is a project {project.path_with_namespace} already. Choose another name."
                    raise _refused("name", said) from error
                raise

        self._forge.ask(write)


def _refused(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(FAILED, [FieldError(field, message)])
