"""What a member's run may do with a group's storage, in a real sandbox."""

from __future__ import annotations

import json
import os

import pytest

from auth.identity import Identity, Level
from tests.groups.conftest import new_name
from tests.runs.conftest import ADA, BEN

GITA = Identity(user="gita", level=Level.AUTHOR)
WRITES = """
import json
import os
folder = f'/shared/{group}'
def attempt(act):
    try:
        return act()
    except OSError as error:
        return error.strerror
said = [
    attempt(lambda: os.listdir(folder) and sorted(os.listdir(folder))),
    attempt(lambda: open(f'{folder}/{name}', 'a').write('x') and 'wrote'),
]
open('said.json', 'w').write(json.dumps(said))
"""


@pytest.fixture
def group(bench):
    """A group with the admin ada, the writer ben and the reader gita."""
    groups, name = bench.workspace.groups, new_name()
    if bench.workspace.people.find("gita") is None:
        bench.workspace.people.add("gita")
    groups.add(name, admin="ada")
    groups.put_member(name, "ben", "writer")
    groups.put_member(name, "gita", "reader")
    return name


@pytest.fixture
def says(bench, group):
    """Runs, as somebody, what lists the group's storage and writes a file there; gives what came of it."""
    path = bench.project_with(WRITES, parameters="group = ''\nname = ''")

    def run(who: Identity, name: str) -> list:
        with bench.worker():
            ended = bench.await_end(bench.request(path, who, group=group, name=name))
        assert (ended.state, ended.error) == ("succeeded", None)
        home = bench.home(who.user)
        return json.loads((home / "runs" / ended.id / "outputs" / "said.json").read_text())

    return run


def test_a_role_decides_what_a_run_may_do_with_the_groups_files(bench, group, says):
    folder = bench.workspace.layout.group(group)

    assert says(ADA, "a.txt") == [[], "wrote"]
    assert says(BEN, "a.txt") == [["a.txt"], "wrote"]  # what another member made
    assert says(GITA, "a.txt") == [["a.txt"], "Read-only file system"]
    assert (folder / "a.txt").read_text() == "xx"
    if os.geteuid() == 0:
        made = (folder / "a.txt").stat()
        assert (made.st_uid, made.st_gid) == (
            bench.workspace.people.get("ada").uid,
            bench.workspace.groups.gids("ada")[-1],
        )


def test_who_was_taken_out_has_no_share_in_their_next_run(bench, group, says):
    assert says(BEN, "b.txt") == [[], "wrote"]

    bench.workspace.groups.put_member(group, "ben", None)

    assert says(BEN, "b.txt") == ["No such file or directory"] * 2


def test_who_is_in_no_group_sees_nothing_of_it(bench, group):
    path = bench.project_with("import os\nopen('seen.txt', 'w').write(' '.join(os.listdir('/shared')))")
    if bench.workspace.people.find("otto") is None:
        bench.workspace.people.add("otto")
    otto = Identity(user="otto", level=Level.AUTHOR)

    with bench.worker():
        ended = bench.await_end(bench.request(path, otto))

    seen = bench.home("otto") / "runs" / ended.id / "outputs" / "seen.txt"
    assert seen.read_text() == "public"
