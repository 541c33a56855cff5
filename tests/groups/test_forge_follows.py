"""The forge follows what the workspace decides, also when it was away meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auth.permissions import Role
from tests.conftest import free_port
from tests.forge.conftest import start_forge
from tests.groups.conftest import ADA, BEN, Place, new_name, place_in
from workspace_api.errors import ConflictError, InvalidInputError, UnavailableError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.members import ForgeMembers
from workspace_api.forge.views import ForgeProject
from workspace_api.groups.service import GroupService


class Restartable(Place):
    """A place whose forge can be away for a while."""

    def go_away(self) -> None:
        """End the forge."""
        self.forge.process.terminate()
        self.forge.process.wait(20)

    def come_back(self) -> None:
        """Start the forge again, with what it had."""
        self.forge = start_forge(self.forge.home, self.forge.port)


class AnswersOnce(ForgeMembers):
    """The forge's members, on a forge that goes away when it has told which projects there are."""

    def __init__(self, forge: ForgeClient, go_away: Callable[[], None]) -> None:
        super().__init__(forge)
        self._go_away = go_away

    def projects(self, name: str, mark: str) -> list[ForgeProject]:
        """Tell it, and go away."""
        held = super().projects(name, mark)
        self._go_away()
        return held


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Restartable]:
    """A workspace and a forge of its own."""
    made = place_in(tmp_path / "home", start_forge(tmp_path / "forge", free_port()))
    alone = Restartable(made.workspace, made.forge)
    yield alone
    alone.workspace.close()
    alone.go_away()


def test_roles_are_access_levels_on_the_forge(place):
    name = new_name()
    place.groups.create(ADA, name, "Chromatin group")
    place.groups.set_member(ADA, name, "ben", "writer")
    place.groups.set_member(ADA, name, "eve", "reader")

    group = place.forge.client().groups.get(name)
    assert (group.name, group.visibility) == ("Chromatin group", "private")
    assert place.levels(name) == {"ada": 40, "ben": 30, "eve": 20}

    place.groups.set_member(ADA, name, "eve", "writer")
    place.groups.remove_member(BEN, name, "ben")
    place.groups.change(ADA, name, title="Lab of chromatin")

    assert place.levels(name) == {"ada": 40, "eve": 30}
    assert place.forge.client().groups.get(name).name == "Lab of chromatin"
    assert place.groups.get(ADA, name).trouble == ""


def test_people_become_users_of_the_forge_once_and_keep_what_they_have_there(place):
    forge, name = place.workspace.forge, new_name()
    first = forge.ensure_user(name, "Grace Hopper")
    with ThreadPoolExecutor(4) as pool:
        same = list(pool.map(lambda new: forge.ensure_user(new, "Ada"), [new_name()] * 4))

    assert forge.ensure_user(name, "Somebody else") == first
    made = place.forge.client().users.get(first)
    assert (made.username, made.name, made.email) == (name, "Grace Hopper", f"{name}@labfork.invalid")
    assert len(set(same)) == 1


def test_what_was_changed_on_the_forge_is_put_right(place):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "reader")
    members = place.forge.client().groups.get(name).members
    people = {member.username: member.id for member in members.list(get_all=True)}
    members.update(people["ben"], {"access_level": 50})
    members.delete(people["ada"])
    stranger = place.workspace.forge.ensure_user(new_name(), "A stranger")
    members.create({"user_id": stranger, "access_level": 40})

    place.groups.followers.sync(name)

    assert place.levels(name) == {"ada": 40, "ben": 20}
    assert "root" in [member.username for member in members.list(get_all=True)]


def test_somebody_elses_group_or_user_on_the_forge_is_never_taken_over(place):
    theirs, user = new_name(), new_name()
    place.forge.client().groups.create({"name": theirs, "path": theirs, "visibility": "private"})
    place.workspace.forge.ensure_user(user, "Of the forge alone")

    for name in (theirs, user):
        with pytest.raises(InvalidInputError) as refused:
            place.groups.create(ADA, name)
        assert "taken on the forge" in refused.value.errors[0].message
        assert not place.workspace.layout.group(name).exists()
    assert place.levels(theirs) == {}


def test_a_group_that_owns_projects_stays(place):
    name = place.make()
    path = place.project(name)

    with pytest.raises(ConflictError, match=path):
        place.groups.delete(ADA, name, confirm=name)

    assert place.groups.of("ada")[0].group == name
    assert place.workspace.layout.group(name).is_dir()
    assert [project.path for project in place.groups.projects(ADA, name)] == [path]


def test_a_project_made_while_its_group_is_removed_keeps_the_group(place):
    name = place.make()
    group = place.groups.get(ADA, name)
    (place.workspace.layout.group(name) / "reads").touch()
    path = place.project(name)
    members = ForgeMembers(place.workspace.forge)
    mark = place.forge.client().groups.get(name).description

    with pytest.raises(ConflictError, match="still owns 1"):
        members.remove_group(name, mark)

    assert place.forge.client().projects.get(path).path_with_namespace == path
    assert place.groups.get(ADA, name) == group


def test_a_groups_namespace_opens_as_far_as_its_projects_need_and_does_not_close(place):
    name = place.make()
    assert place.forge.client().groups.get(name).visibility == "private"

    for visibility, then in (("internal", "internal"), ("public", "public"), ("private", "public")):
        place.groups.widen(name, visibility)
        assert place.forge.client().groups.get(name).visibility == then


def test_what_is_decided_while_the_forge_is_away_holds_at_once_and_reaches_it_later(alone):
    kept, gone = alone.make(), alone.make()
    alone.go_away()
    new = new_name()

    alone.groups.create(ADA, new)
    alone.groups.set_member(ADA, kept, "ben", "writer")
    alone.groups.set_member(ADA, kept, "eve", "reader")
    alone.groups.remove_member(ADA, kept, "eve")

    assert alone.roles(kept) == {"ada": "admin", "ben": "writer"}
    assert [(each.group, each.role) for each in alone.groups.of("ben")] == [(kept, Role.WRITER)]
    assert "does not answer" in alone.groups.get(ADA, new).trouble
    assert "does not answer" in alone.groups.get(ADA, kept).trouble
    assert sorted(alone.groups.followers.follow_waiting()) == sorted([new, kept])

    alone.come_back()
    assert alone.groups.followers.follow_waiting() == []

    assert alone.levels(kept) == {"ada": 40, "ben": 30}
    assert alone.levels(new) == {"ada": 40}
    assert alone.levels(gone) == {"ada": 40}
    assert {alone.groups.get(ADA, name).trouble for name in (kept, gone, new)} == {""}


def test_a_group_is_not_removed_while_nobody_can_say_what_it_owns(alone):
    name = alone.make()
    alone.go_away()

    with pytest.raises(UnavailableError):
        alone.groups.delete(ADA, name, confirm=name)

    assert alone.roles(name) == {"ada": "admin"}
    assert alone.workspace.layout.group(name).is_dir()


def test_a_name_that_was_taken_on_a_forge_that_was_away_is_never_taken_over(alone):
    name = new_name()
    alone.forge.client().groups.create({"name": name, "path": name, "visibility": "private"})
    alone.go_away()
    alone.groups.create(ADA, name)
    alone.come_back()

    assert alone.groups.followers.follow_waiting() == [name]

    assert "not for this group" in alone.groups.get(ADA, name).trouble
    assert alone.levels(name) == {}
    alone.project(name)
    assert alone.groups.projects(ADA, name) == []
    removed = alone.groups.delete(ADA, name, confirm=name)
    assert removed.done
    assert alone.forge.client().groups.get(name).path == name


def test_a_removal_that_was_interrupted_is_finished_later(alone):
    name = alone.make()
    (alone.workspace.layout.group(name) / "reads").touch()
    workspace = alone.workspace
    members = AnswersOnce(workspace.forge, alone.go_away)
    removed = GroupService(workspace.database, workspace.layout, members).delete(ADA, name, confirm=name)

    assert not removed.done
    assert alone.groups.of("ada") == []
    with pytest.raises(InvalidInputError) as refused:
        alone.groups.create(BEN, name)
    assert "still being removed" in refused.value.errors[0].message

    alone.come_back()
    assert alone.groups.followers.follow_waiting() == []
    assert (alone.workspace.settings.home / removed.files / "reads").exists()
    assert [group.path for group in alone.forge.client().groups.list(search=name)] == []
    assert alone.groups.create(BEN, name).trouble == ""
