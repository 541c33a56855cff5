"""The REST API, through python-gitlab."""

from __future__ import annotations

import datetime as dt

import gitlab
import httpx
import pytest
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabError, GitlabGetError


def test_a_project_goes_from_nothing_to_a_tagged_version(root, project):
    made = project("public", {"README.md": "# Thing\n", "data/a.csv": "1\n"})

    made.tags.create({"tag_name": "v1.0", "ref": "main", "message": "The first version"})
    tag = made.tags.get("v1.0")
    tree = {entry["path"] for entry in made.repository_tree(ref="v1.0", recursive=True, get_all=True)}

    assert tag.message == "The first version"
    assert tag.commit["id"] == made.branches.get("main").commit["id"]
    assert tree == {"README.md", "data", "data/a.csv"}
    assert made.files.get("data/a.csv", ref="v1.0").decode() == b"1\n"
    assert made.files.raw("README.md", ref="v1.0") == b"# Thing\n"


def test_files_are_changed_moved_and_removed_by_commits(project):
    made = project("private", {"a.txt": "1", "b.txt": "2"})
    actions = [
        {"action": "update", "file_path": "a.txt", "content": "MQo=", "encoding": "base64"},
        {"action": "move", "file_path": "sub/c.txt", "previous_path": "b.txt"},
        {"action": "create", "file_path": 'odd "name" é.txt', "content": "x"},
    ]
    commit = made.commits.create(
        {"branch": "main", "commit_message": "Several\n\nthings", "actions": actions}
    )

    assert commit.title == "Several"
    assert made.files.raw("a.txt", ref="main") == b"1\n"
    assert made.files.raw("sub/c.txt", ref="main") == b"2"
    assert made.files.raw('odd "name" é.txt', ref="main") == b"x"
    with pytest.raises(GitlabGetError):
        made.files.get("b.txt", ref="main")
    assert [c.title for c in made.commits.list(get_all=True)] == ["Several", "First"]
    assert [c.title for c in made.commits.list(query_parameters={"path": "sub/c.txt"}, get_all=True)] == [
        "Several"
    ]


def test_branches_are_made_and_removed_but_not_the_default_one(project):
    made = project("private", {"a.txt": "1"})
    made.branches.create({"branch": "try/this", "ref": "main"})

    assert {b.name for b in made.branches.list(get_all=True)} == {"main", "try/this"}
    made.branches.delete("try/this")
    with pytest.raises(GitlabError):
        made.branches.delete("main")


def test_lists_come_in_pages_with_links(root, person):
    for _ in range(3):
        person("paged")

    first = root.users.list(per_page=2, page=1, search="paged", get_all=False)
    assert len(first) == 2
    assert {u.username for u in root.users.list(per_page=1, search="paged", iterator=True)} >= {
        u.username for u in first
    }


@pytest.mark.parametrize(
    ("visibility", "level", "sees", "reads", "writes"),
    [
        ("public", None, True, True, False),
        ("internal", None, True, True, False),
        ("private", None, False, False, False),
        ("private", 10, True, False, False),
        ("private", 20, True, True, False),
        ("private", 30, True, True, True),
        ("public", 30, True, True, True),
    ],
)
def test_what_a_person_may_do_follows_visibility_and_level(
    forge, project, person, visibility, level, sees, reads, writes
):
    made = project(visibility, {"a.txt": "1"})
    user, token = person()
    if level:
        made.members.create({"user_id": user.id, "access_level": level})
    mine = forge.client(token)

    assert succeeds(lambda: mine.projects.get(made.id)) == sees
    lazy = mine.projects.get(made.id, lazy=True)
    assert succeeds(lambda: lazy.files.raw("a.txt", ref="main")) == reads
    change = {"branch": "main", "commit_message": "x", "content": "2", "file_path": "n.txt"}
    assert succeeds(lambda: lazy.files.create(change)) == writes


def test_without_a_token_only_public_projects_are_there(forge, project):
    public, internal = project("public", {"a.txt": "1"}), project("internal", {"a.txt": "1"})
    nobody = forge.client(None)

    assert nobody.projects.get(public.path_with_namespace).id == public.id
    with pytest.raises(GitlabGetError):
        nobody.projects.get(internal.id)


def test_a_group_gives_its_members_their_level_in_its_projects(forge, root, project, person):
    made = project("private", {"a.txt": "1"})
    user, token = person()
    root.groups.get(made.namespace["id"]).members.create({"user_id": user.id, "access_level": 30})

    assert made.members_all.get(user.id).access_level == 30
    assert forge.client(token).projects.get(made.id).permissions["project_access"]["access_level"] == 30


def test_a_maintainer_cannot_raise_anybody_above_themselves(forge, project, person):
    made = project("private", {"a.txt": "1"})
    (boss, token), (friend, _) = person(), person()
    made.members.create({"user_id": boss.id, "access_level": 40})

    with pytest.raises(GitlabCreateError):
        forge.client(token).projects.get(made.id).members.create({"user_id": friend.id, "access_level": 50})


def test_a_token_stops_working_when_it_is_revoked_or_expires(forge, root, person):
    user, _ = person()
    revoked = user.impersonationtokens.create({"name": "a", "scopes": ["api"]})
    user.impersonationtokens.delete(revoked.id)
    yesterday = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)).isoformat()
    expired = user.impersonationtokens.create({"name": "b", "scopes": ["api"], "expires_at": yesterday})

    for secret in (revoked.token, expired.token, "glpat-forged"):
        with pytest.raises(GitlabAuthenticationError):
            forge.client(secret).projects.list(get_all=False)


def test_a_token_that_may_only_read_cannot_write(forge, project, person):
    made = project("private", {"a.txt": "1"})
    user, token = person(scopes=("read_api",))
    made.members.create({"user_id": user.id, "access_level": 40})
    mine = forge.client(token).projects.get(made.id)

    with pytest.raises(GitlabCreateError, match="insufficient_scope"):
        mine.branches.create({"branch": "x", "ref": "main"})


def test_an_administrator_may_act_as_somebody(forge, root, person):
    user, _ = person()

    assert root.users.get(user.id).username == user.username
    made = root.projects.create({"name": "theirs"}, sudo=user.username)
    assert made.namespace["full_path"] == user.username


def test_an_ordinary_person_administers_nothing(forge, person):
    _, token = person()
    mine = forge.client(token)

    with pytest.raises(GitlabCreateError):
        mine.users.create({"username": "evil", "name": "Evil", "email": "e@example.org"})


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", ".git/config", "a/../b", "/abs", "a//b", "sub/.GIT/hooks/x"]
)
def test_a_path_cannot_leave_the_repository(project, path):
    made = project("private", {"a.txt": "1"})
    action = {"action": "create", "file_path": path, "content": "x"}

    with pytest.raises(GitlabCreateError):
        made.commits.create({"branch": "main", "commit_message": "x", "actions": [action]})


@pytest.mark.parametrize("branch", ["--upload-pack=x", "a..b", "a b", "refs~1", "x.lock"])
def test_a_branch_needs_a_name_that_git_takes(project, branch):
    made = project("private", {"a.txt": "1"})

    with pytest.raises(GitlabCreateError):
        made.branches.create({"branch": branch, "ref": "main"})


def test_content_that_is_not_base64_is_refused(project):
    made = project("private", {"a.txt": "1"})
    action = {"action": "create", "file_path": "b", "content": "!!!", "encoding": "base64"}

    with pytest.raises(GitlabCreateError, match="content"):
        made.commits.create({"branch": "main", "commit_message": "x", "actions": [action]})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v4/nothing", 404),
        ("DELETE", "/api/v4/version", 405),
        ("GET", "/api/v4/user", 401),
        ("GET", "/elsewhere", 404),
    ],
)
def test_refusals_are_json_with_gitlabs_status(forge, method, path, status):
    answer = httpx.request(method, forge.url + path)

    assert answer.status_code == status
    assert answer.json()


def test_a_taken_path_is_named(root, project):
    made = project("private")

    with pytest.raises(GitlabCreateError, match="taken"):
        root.projects.create({"name": "thing", "namespace_id": made.namespace["id"]})


def succeeds(call) -> bool:
    """Whether `call` is carried out rather than refused."""
    try:
        call()
    except (GitlabError, gitlab.GitlabHttpError):
        return False
    return True
