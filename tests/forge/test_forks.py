"""Forks, through python-gitlab and git."""

from __future__ import annotations

import os

import pytest
from gitlab.exceptions import GitlabCreateError, GitlabGetError, GitlabUpdateError

from tests.forge.test_git import commit


def fork(client, made, **fields):
    """Fork a project and return the copy, as `client` sees it."""
    return client.projects.get(client.projects.get(made.id).forks.create(fields).id)


def test_a_fork_is_a_copy_in_ones_own_place_that_knows_its_origin(forge, root, project, person):
    made = project("public", {"a.txt": "1"})
    made.tags.create({"tag_name": "v1", "ref": "main"})
    user, token = person()

    copy = fork(forge.client(token), made)

    assert copy.path_with_namespace == f"{user.username}/thing"
    assert copy.forked_from_project["id"] == made.id
    assert (copy.import_status, copy.default_branch) == ("finished", "main")
    assert copy.files.raw("a.txt", ref="v1") == b"1"
    assert root.projects.get(made.id).forks_count == 1
    assert [f.id for f in made.forks.list(get_all=True)] == [copy.id]


def test_a_fork_goes_where_it_is_sent(root, project):
    made = project("public", {"a.txt": "1"})
    group = root.groups.create({"name": "labs", "path": "labs" + os.urandom(4).hex(), "visibility": "public"})

    by_id = fork(root, made, namespace_id=group.id, path="one", name="One")
    by_path = fork(root, made, namespace_path=group.full_path, path="two", name="Two")

    assert [by_id.path_with_namespace, by_path.path_with_namespace] == [
        f"{group.full_path}/one",
        f"{group.full_path}/two",
    ]


def test_a_second_fork_of_the_same_name_is_refused(forge, project, person):
    made = project("public", {"a.txt": "1"})
    _, token = person()
    fork(forge.client(token), made)

    with pytest.raises(GitlabCreateError, match="already been taken") as refusal:
        fork(forge.client(token), made)
    assert refusal.value.response_code == 409


def test_a_fork_of_a_private_project_stays_private(forge, project, member, person):
    made = project("private", {"a.txt": "1"})
    _, mine = member(made, 20)
    copy = fork(mine, made)

    assert copy.visibility == "private"
    copy.visibility = "public"
    with pytest.raises(GitlabUpdateError, match="lower visibility"):
        copy.save()
    _, stranger = person()
    with pytest.raises(GitlabGetError):
        forge.client(stranger).projects.get(copy.id)
    with pytest.raises(GitlabCreateError):
        forge.client(stranger).projects.get(made.id, lazy=True).forks.create({})


def test_somebody_who_may_not_see_the_origin_does_not_learn_of_it(forge, root, project, member, person):
    made = project("private", {"a.txt": "1"})
    _, mine = member(made, 20)
    copy = fork(mine, made)
    friend, token = person()
    copy.members.create({"user_id": friend.id, "access_level": 20})

    assert "forked_from_project" not in forge.client(token).projects.get(copy.id).attributes


def test_nobody_forks_into_a_group_that_is_not_theirs(forge, project, person):
    made, other = project("public", {"a.txt": "1"}), project("public")
    _, token = person()

    with pytest.raises(GitlabCreateError, match="Target Namespace"):
        fork(forge.client(token), made, namespace_id=other.namespace["id"])


def test_a_fork_outlives_its_origin_and_what_is_done_to_it(forge, root, project, person, tmp_path):
    made = project("public", {"a.txt": "1"})
    made.branches.create({"branch": "gone", "ref": "main"})
    made.files.create({"branch": "gone", "file_path": "b", "content": "2", "commit_message": "b"})
    _, token = person()
    copy = fork(forge.client(token), made)

    made.branches.delete("gone")
    origin = forge.home / "repositories" / f"{made.id}.git"
    forge.git("--git-dir", str(origin), "gc", "--quiet", "--prune=now", cwd=tmp_path)
    made.delete()

    again = forge.client(token).projects.get(copy.id)
    assert "forked_from_project" not in again.attributes
    assert again.files.raw("b", ref="gone") == b"2"
    forge.git("clone", "--quiet", again.http_url_to_repo, "c", cwd=tmp_path, token=token)
    forge.git("fsck", "--full", "--strict", cwd=tmp_path / "c")
    commit(forge, tmp_path / "c", "3")
    forge.git("push", "--quiet", "origin", "HEAD", cwd=tmp_path / "c", token=token)
    assert not origin.exists()


def test_the_id_of_a_deleted_project_is_given_to_no_other(root, project):
    gone = project("private")
    gone.delete()

    assert project("private").id > gone.id


def test_a_fork_can_be_compared_with_its_origin(forge, project, person):
    made = project("public", {"a.txt": "1\n"})
    _, token = person()
    copy = fork(forge.client(token), made)
    change = {"branch": "main", "commit_message": "Mine", "content": "2\n", "file_path": "a.txt"}
    copy.commits.create({**change, "actions": [{"action": "update", **change}]})
    made.files.create({"branch": "main", "file_path": "theirs", "content": "x", "commit_message": "Theirs"})

    ahead = copy.repository_compare("main", "main", from_project_id=made.id)

    assert [c["title"] for c in ahead["commits"]] == ["Mine"]
    assert [(d["new_path"], d["diff"]) for d in ahead["diffs"]] == [("a.txt", "@@ -1 +1 @@\n-1\n+2\n")]
    behind = made.repository_compare("main", "main", from_project_id=copy.id)
    assert [c["title"] for c in behind["commits"]] == ["Theirs"]


def test_projects_that_are_no_family_cannot_be_compared(project):
    one, other = project("public", {"a.txt": "1"}), project("public", {"a.txt": "2"})

    with pytest.raises(GitlabGetError, match="not a fork"):
        one.repository_compare("main", "main", from_project_id=other.id)


def test_every_kind_of_change_is_told_file_by_file(root, project):
    made = project("private", {"moved.txt": "some\nlines\nthat\nstay\n", "gone": "x", "kept é": "1\n"})
    actions = [
        {"action": "move", "previous_path": "moved.txt", "file_path": "sub/moved.txt"},
        {"action": "delete", "file_path": "gone"},
        {"action": "create", "file_path": "new", "content": "diff --git a/x b/x\n"},
        {"action": "create", "file_path": "large", "content": "line\n" * 100_000},
        {"action": "chmod", "file_path": "kept é", "execute_filemode": True},
    ]
    made.branches.create({"branch": "x", "ref": "main"})
    made.commits.create({"branch": "x", "commit_message": "All", "actions": actions})

    diffs = {d["new_path"]: d for d in made.repository_compare("main", "x")["diffs"]}

    assert set(diffs) == {"sub/moved.txt", "gone", "new", "large", "kept é"}
    assert diffs["sub/moved.txt"]["renamed_file"] and diffs["sub/moved.txt"]["old_path"] == "moved.txt"
    assert diffs["gone"]["deleted_file"] and diffs["gone"]["diff"].startswith("@@ -1 +0,0 @@\n-x")
    assert diffs["new"]["new_file"] and diffs["new"]["diff"] == "@@ -0,0 +1 @@\n+diff --git a/x b/x\n"
    assert diffs["large"]["too_large"] and diffs["large"]["diff"] == ""
    assert (diffs["kept é"]["a_mode"], diffs["kept é"]["b_mode"]) == ("100644", "100755")
