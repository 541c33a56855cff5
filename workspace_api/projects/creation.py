"""Making a project, from a template or with a first notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from auth.identity import Identity
from auth.permissions import Action, NamespaceFacts, Role
from workspace_api.errors import FieldError, InvalidInputError, NotFoundError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.creating import FAILED, ForgeProjects
from workspace_api.groups.service import GroupService
from workspace_api.guard import require
from workspace_api.people.service import PeopleService
from workspace_api.projects.service import ProjectService
from workspace_api.projects.starting import (
    empty_files,
    name_errors,
    template_files,
    templates_in,
    title_errors,
)
from workspace_api.projects.views import ProjectView

VISIBILITIES = ("private", "internal", "public")


class ProjectCreation:
    """Makes projects in people's own namespaces and in those of their groups.

    A creation that is cut off leaves an empty project; asked for again, it is filled.
    """

    def __init__(
        self,
        projects: ProjectService,
        forge: ForgeClient,
        groups: GroupService,
        people: PeopleService,
        templates: Path,
    ) -> None:
        self._projects = projects
        self._forge = forge
        self._made = ForgeProjects(forge)
        self._groups = groups
        self._people = people
        self._folder = templates

    @property
    def templates(self) -> Mapping[str, str]:
        """The templates there are, by name, each with its title."""
        return templates_in(self._folder)

    def groups_of(self, identity: Identity) -> list[str]:
        """Return the groups in which the caller may make projects."""
        writing = (Role.WRITER, Role.ADMIN)
        return [group.group for group in self._groups.of(identity.user or "") if group.role in writing]

    def create(
        self,
        identity: Identity,
        name: str,
        *,
        title: str = "",
        template: str = "",
        group: str = "",
        visibility: str = "private",
    ) -> ProjectView:
        """Make a project with its first files, and return it.

        Without a `group` it is the caller's own, without a `template` it begins with one notebook. Raises
        InvalidInputError naming each field that was refused, and ForbiddenError.
        """
        wanted, words = name.strip(), " ".join(title.split())
        errors = [
            *name_errors(wanted),
            *title_errors(words),
            *_choice("template", template, ("", *self.templates)),
            *_choice("visibility", visibility, VISIBILITIES),
            *self._checked_place(identity, group),
        ]
        if errors:
            raise InvalidInputError(FAILED, errors)
        return self._create(identity, wanted, words or wanted, template, group, visibility)

    def _checked_place(self, identity: Identity, group: str) -> list[FieldError]:
        """Return why there is no such group for the caller; raises ForbiddenError where they may not."""
        if group:
            try:
                self._groups.get(identity, group)
            except NotFoundError:
                return [FieldError("group", f"There is no group “{group[:64]}”, or you are not in it.")]
        place = NamespaceFacts(own=not group, role=self._groups.role(identity.user or "", group))
        doing = f"make projects in {group}" if group else "make projects"
        require(identity, Action.CREATE_PROJECT, place, doing)
        return []

    def _create(
        self, identity: Identity, name: str, title: str, template: str, group: str, visibility: str
    ) -> ProjectView:
        person = self._people.get(identity.user or "")
        files = template_files(self._folder / template, title) if template else empty_files(title)
        if group:
            self._groups.followers.sync(group)
        else:
            self._forge.ensure_user(person.name, person.display_name)
        made = self._made.ensure(group or person.name, name, title, visibility)
        self._made.fill(made, files, (person.display_name, f"{person.name}@labfork.invalid"))
        self._projects.refresh(made.path_with_namespace)
        return self._projects.get(identity, made.path_with_namespace)


def _choice(field: str, value: str, choices: tuple[str, ...]) -> list[FieldError]:
    if value in choices:
        return []
    named = ", ".join(choice for choice in choices if choice)
    return [FieldError(field, f"There is no {field} “{value[:64]}”; choose from {named}.")]
