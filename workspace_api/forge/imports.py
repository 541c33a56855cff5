"""Projects on the forge that are copies of repositories from elsewhere."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from gitlab.exceptions import GitlabError

from workspace_api.errors import ConflictError, FieldError, InvalidInputError
from workspace_api.forge.client import ForgeClient

REFUSED = (400, 403, 409, 422)
PASSING_NAME = "-updates-"
PASSING = "What is new at "  # how the description of a project begins that is there for a moment only


@dataclass(frozen=True)
class ForgeImport:
    """A project and how far its import is, in GitLab's words."""

    id: int
    status: str
    error: str
    default_branch: str
    description: str


class ForgeImports:
    """Has the forge copy repositories, as its administrator."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def find(self, path: str) -> ForgeImport | None:
        """Return the project at `path`, or None."""
        found = self._forge.find(lambda forge: forge.projects.get(path))
        return None if found is None else _import(found)

    def create(self, user: str, name: str, url: str, visibility: str, description: str) -> ForgeImport:
        """Make a project of `user`'s that the forge fills from `url`.

        Raises InvalidInputError when the forge does not take the address, ConflictError when the name is
        taken.
        """
        wanted = {
            "name": name,
            "path": name,
            "visibility": visibility,
            "description": description,
            "import_url": url,
        }

        def make(forge: Any) -> ForgeImport:
            place = forge.namespaces.get(user)
            try:
                return _import(forge.projects.create({**wanted, "namespace_id": place.id}))
            except GitlabError as error:
                if error.response_code in REFUSED:
                    raise _refusal(str(error.error_message), user, name) from error
                raise

        made: ForgeImport = self._forge.ask(make)
        return made

    def passed(self, user: str, before: dt.datetime) -> list[int]:
        """Return the numbers of `user`'s projects that were there for a moment, and were made before then."""
        found = self._forge.ask(
            lambda forge: forge.projects.list(owned=True, sudo=user, search=PASSING_NAME, get_all=True)
        )
        return [
            int(each.id)
            for each in found
            if (each.description or "").startswith(PASSING)
            and dt.datetime.fromisoformat(each.created_at) < before
        ]

    def remove(self, project_id: int) -> None:
        """Remove a project whose import failed; nothing happens when it is not there."""
        self._forge.find(lambda forge: forge.projects.delete(project_id))

    def begin_at(self, path: str, ref: str) -> None:
        """Make the branch `ref` the default one; of a tag or commit a branch `at-REF` is made first.

        Nothing happens for a ref that names nothing.
        """
        commit = self._forge.resolve(path, ref)
        if commit is None:
            return
        branch = ref
        if self._branch(path, ref) is None:
            branch = "at-" + re.sub(r"[^A-Za-z0-9_-]+", "-", ref).strip("-")[:60]
            if self._branch(path, branch) is None:
                make = {"branch": branch, "ref": commit}
                self._forge.ask(lambda forge: forge.projects.get(path, lazy=True).branches.create(make))
        self._forge.ask(lambda forge: forge.projects.update(path, {"default_branch": branch}))

    def _branch(self, path: str, name: str) -> Any:
        return self._forge.find(lambda forge: forge.projects.get(path, lazy=True).branches.get(name))


def _import(found: Any) -> ForgeImport:
    return ForgeImport(
        id=int(found.id),
        status=str(getattr(found, "import_status", "none")),
        error=str(getattr(found, "import_error", None) or ""),
        default_branch=str(found.default_branch or "main"),
        description=str(found.description or ""),
    )


def _refusal(words: str, user: str, name: str) -> Exception:
    if "taken" in words:
        return ConflictError(f"You have a project {user}/{name} already. Rename it first.")
    said = words.removeprefix("{'import_url': ['").removesuffix("']}")
    message = f"The forge does not fetch from this address: it {said[:300]}."
    return InvalidInputError("The repository was not opened.", [FieldError("repository", message)])
