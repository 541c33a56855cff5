"""Groups and their members: who may do what, and what is refused in which words."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from threading import Barrier

import pytest

from auth.permissions import Role
from nfs.mounts import GroupShare
from tests.groups.conftest import ADA, BEN, BOSS, EVE, VISITOR, new_name
from workspace_api.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotSignedInError,
    WorkspaceError,
)
from workspace_api.groups.views import Membership


def test_who_makes_a_group_is_its_admin_and_it_has_storage_and_a_number(place):
    name = new_name()

    group = place.groups.create(ADA, name, "Chromatin group")

    assert (group.title, group.role, group.members, group.trouble) == ("Chromatin group", Role.ADMIN, 1, "")
    assert group.storage == PurePosixPath("/shared") / name
    assert place.groups.of("ada") == [Membership(name, Role.ADMIN, 40_000)]
    folder = place.workspace.layout.group(name)
    assert place.groups.shares("ada") == [GroupShare(name, folder, Role.ADMIN)]
    assert place.groups.gids("ada") == [40_000]
    if os.geteuid() == 0:
        made = folder.stat()
        assert (stat.S_IMODE(made.st_mode), made.st_uid, made.st_gid) == (0o2770, 0, 40_000)


def test_a_group_without_a_title_is_called_by_its_name(place):
    name = new_name()

    assert place.groups.create(ADA, name).title == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "A name is needed"),
        ("Lab", "small letters"),
        ("../etc", "small letters"),
        ("a.b", "small letters"),
        ("x" * 33, "32 is the most"),
        ("public", "reserved"),
        ("genomics", "reserved"),
        ("ben", "taken by a person"),
        ("labfork", "reserved"),
    ],
)
def test_a_bad_name_is_refused_in_words(place, name, words):
    with pytest.raises(InvalidInputError) as refused:
        place.groups.create(ADA, name, "A title")

    assert [error.field for error in refused.value.errors] == ["name"]
    assert words in refused.value.errors[0].message
    assert place.groups.everything() == []


def test_a_name_is_given_once(place):
    name = place.make()

    with pytest.raises(InvalidInputError) as refused:
        place.groups.create(BEN, name)

    assert "taken by a group" in refused.value.errors[0].message


@pytest.mark.parametrize(("title", "words"), [("x" * 121, "120 is the most"), ("a\x07b", "cannot be shown")])
def test_a_bad_title_is_refused_in_words(place, title, words):
    name = place.make()

    for refuse in (lambda: place.groups.create(ADA, new_name(), title), lambda: change(place, name, title)):
        with pytest.raises(InvalidInputError) as refused:
            refuse()
        assert [error.field for error in refused.value.errors] == ["title"]
        assert words in refused.value.errors[0].message


def change(place, name: str, title: str):
    return place.groups.change(ADA, name, title=title)


def test_end_users_and_visitors_make_no_groups(place):
    with pytest.raises(ForbiddenError):
        place.groups.create(EVE, new_name())
    with pytest.raises(NotSignedInError):
        place.groups.create(VISITOR, new_name())


def test_to_others_a_group_is_not_there(place):
    name = place.make()

    for ask in (
        lambda: place.groups.get(BEN, name),
        lambda: place.groups.members(BEN, name),
        lambda: place.groups.projects(BEN, name),
        lambda: place.groups.used_bytes(BEN, name),
        lambda: place.groups.change(BEN, name, title="Ours"),
        lambda: place.groups.set_member(BEN, name, "ben", "admin"),
        lambda: place.groups.remove_member(BEN, name, "ada"),
        lambda: place.groups.delete(BEN, name, confirm=name),
        lambda: place.groups.get(VISITOR, name),
    ):
        with pytest.raises(NotFoundError, match="There is no group called"):
            ask()
    assert place.groups.overview(BEN).total == 0
    assert place.roles(name) == {"ada": "admin"}


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_members_see_a_group_and_only_its_admins_change_it(place, role):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", role)

    assert place.groups.get(BEN, name).role == role
    assert {member.name for member in place.groups.members(BEN, name).items} == {"ada", "ben"}
    for act in (
        lambda: place.groups.change(BEN, name, title="Ours"),
        lambda: place.groups.set_member(BEN, name, "ben", "admin"),
        lambda: place.groups.set_member(BEN, name, "eve", "reader"),
        lambda: place.groups.remove_member(BEN, name, "ada"),
        lambda: place.groups.delete(BEN, name, confirm=name),
    ):
        with pytest.raises(ForbiddenError):
            act()
    assert place.roles(name) == {"ada": "admin", "ben": role}


def test_an_administrator_of_the_workspace_governs_every_group(place):
    name = place.make()

    assert place.groups.get(BOSS, name).role is None
    assert name in [group.name for group in place.groups.overview(BOSS, everyones=True).items]
    assert place.groups.overview(BOSS).total == 0
    place.groups.set_member(BOSS, name, "eve", "reader")
    assert place.roles(name) == {"ada": "admin", "eve": "reader"}
    with pytest.raises(ForbiddenError):
        place.groups.overview(ADA, everyones=True)


@pytest.mark.parametrize("user", ["nobody-here", "public", "closed"])
def test_only_open_accounts_of_people_become_members(place, user):
    name = place.make()
    place.workspace.people.add("closed")
    place.workspace.people.disable("closed")

    with pytest.raises(InvalidInputError) as refused:
        place.groups.set_member(ADA, name, user, "reader")

    assert [error.field for error in refused.value.errors] == ["user"]
    assert user in refused.value.errors[0].message


def test_an_unknown_role_is_refused_by_name(place):
    name = place.make()

    with pytest.raises(InvalidInputError) as refused:
        place.groups.set_member(ADA, name, "ben", "owner")

    assert [error.field for error in refused.value.errors] == ["role"]
    assert "“owner”; choose from reader, writer, admin" in refused.value.errors[0].message


def test_a_member_may_leave_but_the_last_admin_may_not(place):
    name = place.make()
    place.groups.set_member(ADA, name, "eve", "reader")
    place.groups.remove_member(EVE, name, "eve")
    assert place.roles(name) == {"ada": "admin"}

    for act in (
        lambda: place.groups.remove_member(ADA, name, "ada"),
        lambda: place.groups.set_member(ADA, name, "ada", "writer"),
        lambda: place.groups.remove_member(BOSS, name, "ada"),
    ):
        with pytest.raises(ConflictError, match="only admin"):
            act()

    place.groups.set_member(ADA, name, "ben", "admin")
    place.groups.remove_member(ADA, name, "ada")
    assert place.roles(name) == {"ben": "admin"}


def test_an_admin_whose_account_is_closed_does_not_count(place):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "admin")
    place.workspace.people.disable("ben")

    with pytest.raises(ConflictError, match="only admin"):
        place.groups.remove_member(ADA, name, "ada")


def test_who_is_no_member_cannot_be_taken_out(place):
    name = place.make()

    with pytest.raises(NotFoundError, match="eve is no member"):
        place.groups.remove_member(ADA, name, "eve")


def test_people_added_by_two_admins_at_once_are_all_members_here_and_on_the_forge(place):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "admin")
    new = [f"person{number}" for number in range(8)]
    for each in new:
        place.workspace.people.add(each)
    start = Barrier(len(new))

    def add(number: int) -> None:
        start.wait()
        place.groups.set_member((ADA, BEN)[number % 2], name, new[number], "writer")

    with ThreadPoolExecutor(len(new)) as threads:
        list(threads.map(add, range(len(new))))

    assert place.roles(name) == {"ada": "admin", "ben": "admin", **dict.fromkeys(new, "writer")}
    assert place.levels(name) == {"ada": 40, "ben": 40, **dict.fromkeys(new, 30)}


@pytest.mark.parametrize("leave", [True, False])
def test_two_admins_who_go_at_once_leave_one_behind(place, leave):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "admin")
    start = Barrier(2)

    def go(who) -> bool:
        start.wait()
        try:
            if leave:
                place.groups.remove_member(who, name, who.user)
            else:
                place.groups.set_member(who, name, who.user, "reader")
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        gone = list(threads.map(go, (ADA, BEN)))

    assert sorted(gone) == [False, True]
    assert list(place.roles(name).values()).count("admin") == 1


def test_groups_made_at_once_get_different_numbers(place):
    names = [new_name() for _ in range(6)]
    start = Barrier(len(names))

    def make(name: str) -> None:
        start.wait()
        place.groups.create(ADA, name)

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(make, names))

    assert sorted(place.groups.gids("ada")) == list(range(40_000, 40_006))


def test_a_name_wanted_twice_at_once_is_given_once(place):
    name, start = new_name(), Barrier(2)

    def make(who) -> bool:
        start.wait()
        try:
            place.groups.create(who, name)
        except WorkspaceError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(make, (ADA, BEN))) == [False, True]
    assert len(place.roles(name)) == 1


def test_removal_asks_for_the_name_and_keeps_every_byte(place):
    name = place.make()
    (place.workspace.layout.group(name) / "reads.fastq").write_text("ACGT")
    with pytest.raises(InvalidInputError) as refused:
        place.groups.delete(ADA, name, confirm=name.upper())
    assert [error.field for error in refused.value.errors] == ["confirm"]

    removed = place.groups.delete(ADA, name, confirm=name)

    assert removed.done
    kept = place.workspace.settings.home / removed.files
    assert (kept / "reads.fastq").read_text() == "ACGT"
    assert str(removed.files) == f"storage/groups/.removed/{name}-40000"
    assert place.groups.of("ada") == []
    with pytest.raises(NotFoundError):
        place.groups.get(ADA, name)


def test_a_new_group_of_an_old_name_has_another_number_and_none_of_its_files(place):
    name = place.make()
    (place.workspace.layout.group(name) / "secret").write_text("ACGT")
    place.groups.delete(ADA, name, confirm=name)

    place.groups.create(BEN, name)

    assert place.groups.gids("ben") == [40_001]
    assert list(place.workspace.layout.group(name).iterdir()) == []


def test_used_storage_is_counted(place):
    name = place.make()
    assert place.groups.used_bytes(ADA, name) == 0

    (place.workspace.layout.group(name) / "reads.fastq").write_bytes(b"A" * 100_000)

    assert 100_000 <= place.groups.used_bytes(ADA, name) < 150_000


def test_lists_come_page_by_page(place):
    names = sorted(place.make() for _ in range(3))

    pages = [place.groups.overview(ADA, number, 2) for number in (1, 2)]

    assert [[group.name for group in page.items] for page in pages] == [names[:2], names[2:]]
    assert {page.total for page in pages} == {3}
    place.groups.set_member(ADA, names[0], "ben", "reader")
    assert [m.name for m in place.groups.members(ADA, names[0], 2, 1).items] == ["ben"]
