"""Merge requests, through python-gitlab and git."""

from __future__ import annotations

import concurrent.futures

import pytest
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabError,
    GitlabGetError,
    GitlabMRClosedError,
    GitlabUpdateError,
)

from tests.forge.conftest import ROOT_TOKEN
from tests.forge.test_forks import fork
from tests.forge.test_git import commit


def put(made, branch: str, path: str, content: str, action: str = "update", **more) -> str:
    """Commit one file; returns the commit."""
    actions = [{"action": action, "file_path": path, "content": content}]
    fields = {"branch": branch, "commit_message": f"Put {path}", "actions": actions, **more}
    return made.commits.create(fields).id


def propose(source, target=None, branch: str = "idea", **more):
    """Open a merge request; returns it as the target project has it."""
    fields = {"source_branch": branch, "target_branch": "main", "title": "An idea", **more}
    if target is not None:
        fields["target_project_id"] = target.id
    made = source.mergerequests.create(fields)
    return (target or source).mergerequests.get(made.iid)


@pytest.fixture
def idea(project):
    """A project with the branch `idea`, one commit ahead of main."""
    made = project("public", {"a.txt": "1\n", "b.txt": "1\n"})
    put(made, "idea", "a.txt", "2\n", start_branch="main")
    return made


def test_a_proposal_from_a_fork_is_read_discussed_and_merged(forge, project, person):
    made = project("public", {"a.txt": "1\n"})
    user, token = person()
    copy = fork(forge.client(token), made)
    head = put(copy, "idea", "a.txt", "2\n", start_branch="main")
    seen = forge.client(token).projects.get(made.id)

    mr = propose(copy, seen, description="Because")
    note = mr.notes.create({"body": "What do you think?"})

    assert (mr.iid, mr.state, mr.sha, mr.author["id"]) == (1, "opened", head, user.id)
    assert (mr.detailed_merge_status, mr.has_conflicts, mr.changes_count) == ("mergeable", False, "1")
    assert (mr.source_project_id, mr.target_project_id) == (copy.id, made.id)
    assert mr.diff_refs["head_sha"] == head
    assert [c.id for c in mr.commits()] == [head]
    assert [c["diff"] for c in mr.changes()["changes"]] == ["@@ -1 +1 @@\n-1\n+2\n"]
    assert [n.body for n in made.mergerequests.get(1).notes.list(get_all=True)] == [note.body]

    merged = made.mergerequests.get(1)
    merged.merge(sha=head)
    assert (merged.state, merged.merged_by["username"]) == ("merged", "root")
    tip = made.commits.get("main")
    assert (tip.id, tip.parent_ids[1]) == (merged.merge_commit_sha, head)
    assert tip.message.startswith("Merge branch 'idea' into 'main'\n\nAn idea")
    assert made.files.raw("a.txt", ref="main") == b"2\n"


def test_a_push_to_the_source_branch_updates_the_proposal(forge, idea, tmp_path):
    mr = propose(idea)
    forge.git("clone", "--quiet", "--branch=idea", idea.http_url_to_repo, "c", cwd=tmp_path, token=ROOT_TOKEN)
    commit(forge, tmp_path / "c", "more", "c.txt")
    forge.git("push", "--quiet", "origin", "idea", cwd=tmp_path / "c", token=ROOT_TOKEN)

    again = idea.mergerequests.get(mr.iid)
    assert again.sha == idea.branches.get("idea").commit["id"] != mr.sha
    assert [v.head_commit_sha for v in again.diffs.list(get_all=True)] == [again.sha, mr.sha]
    forge.git("fetch", "--quiet", "origin", "refs/merge-requests/1/head", cwd=tmp_path / "c")


def test_a_conflict_is_seen_and_cannot_be_merged(idea):
    mr = propose(idea)
    put(idea, "main", "a.txt", "3\n")

    again = idea.mergerequests.get(mr.iid)
    assert (again.detailed_merge_status, again.has_conflicts) == ("conflict", True)
    assert again.merge_status == "cannot_be_merged"
    with pytest.raises(GitlabMRClosedError, match="cannot be merged") as refusal:
        again.merge()
    assert refusal.value.response_code == 422
    put(idea, "main", "a.txt", "1\n")
    assert idea.mergerequests.get(mr.iid).detailed_merge_status == "mergeable"


def test_lines_without_a_common_beginning_are_a_conflict(forge, idea, tmp_path):
    forge.git("init", "--quiet", "--initial-branch=other", cwd=tmp_path)
    commit(forge, tmp_path, "x")
    forge.git("push", "--quiet", idea.http_url_to_repo, "other", cwd=tmp_path, token=ROOT_TOKEN)

    assert propose(idea, branch="other").detailed_merge_status == "conflict"


def test_a_merge_of_something_else_than_was_read_is_refused(idea):
    mr = propose(idea)
    put(idea, "idea", "a.txt", "4\n")

    with pytest.raises(GitlabMRClosedError, match="SHA does not match") as refusal:
        mr.merge(sha=mr.sha)
    assert refusal.value.response_code == 409
    assert idea.files.raw("a.txt", ref="main") == b"1\n"


def test_the_source_branch_goes_with_the_merge_when_asked(idea):
    propose(idea).merge(should_remove_source_branch=True, merge_commit_message="Thanks")

    assert [b.name for b in idea.branches.list(get_all=True)] == ["main"]
    assert idea.commits.get("main").message.strip() == "Thanks"


def test_many_commits_become_one_when_squashed(idea):
    put(idea, "idea", "b.txt", "2\n")
    mr = propose(idea)
    mr.merge(squash=True)

    tip = idea.commits.get("main")
    squashed = idea.commits.get(mr.squash_commit_sha)
    assert tip.parent_ids[1] == squashed.id
    assert (squashed.title, squashed.parent_ids) == ("An idea", [mr.diff_refs["base_sha"]])
    assert [idea.files.raw(name, ref="main") for name in ("a.txt", "b.txt")] == [b"2\n", b"2\n"]


def test_a_second_open_proposal_of_the_same_branches_is_refused(idea):
    first = propose(idea)
    with pytest.raises(GitlabCreateError, match="Another open merge request") as refusal:
        propose(idea)
    assert refusal.value.response_code == 409

    first.state_event = "close"
    first.save()
    second = propose(idea)
    assert (idea.mergerequests.get(first.iid).state, second.iid) == ("closed", 2)
    first.state_event = "reopen"
    with pytest.raises(GitlabUpdateError, match="Another open merge request"):
        first.save()


def test_a_closed_proposal_can_be_opened_again_but_not_merged(idea):
    mr = propose(idea)
    mr.state_event = "close"
    mr.save()
    assert (mr.state, mr.detailed_merge_status, mr.closed_by["username"]) == ("closed", "not_open", "root")
    with pytest.raises(GitlabMRClosedError) as refusal:
        mr.merge()
    assert refusal.value.response_code == 405

    newest = put(idea, "idea", "b.txt", "5\n")
    mr.state_event = "reopen"
    mr.save()
    assert (mr.state, mr.sha, mr.closed_at) == ("opened", newest, None)


def test_a_draft_is_not_merged(idea):
    mr = propose(idea, title="Draft: An idea")

    assert (mr.draft, mr.detailed_merge_status) == (True, "draft_status")
    with pytest.raises(GitlabMRClosedError):
        mr.merge()


def test_a_proposal_that_was_merged_by_a_push_is_merged(forge, idea, tmp_path):
    mr = propose(idea)
    forge.git("clone", "--quiet", idea.http_url_to_repo, "c", cwd=tmp_path, token=ROOT_TOKEN)
    forge.git("merge", "--quiet", "--no-ff", "origin/idea", cwd=tmp_path / "c")
    forge.git("push", "--quiet", "origin", "main", cwd=tmp_path / "c", token=ROOT_TOKEN)

    assert idea.mergerequests.get(mr.iid).state == "merged"


@pytest.mark.parametrize(
    ("level", "proposes", "merges"), [(None, False, False), (20, False, False), (30, True, True)]
)
def test_who_may_propose_and_merge_within_a_project(forge, idea, person, level, proposes, merges):
    user, token = person()
    if level:
        idea.members.create({"user_id": user.id, "access_level": level})
    mine = forge.client(token).projects.get(idea.id)
    put(idea, "other", "b.txt", "9\n", start_branch="main")

    assert allowed(lambda: propose(mine, branch="other")) == proposes
    mr = propose(idea)
    assert allowed(lambda: mine.mergerequests.get(mr.iid).merge()) == merges


def test_an_author_from_outside_may_change_and_close_but_not_merge(forge, project, person):
    made = project("public", {"a.txt": "1\n"})
    _, token = person()
    copy = fork(forge.client(token), made)
    put(copy, "idea", "a.txt", "2\n", start_branch="main")
    mr = propose(copy, forge.client(token).projects.get(made.id))

    with pytest.raises(GitlabAuthenticationError):
        mr.merge()
    mr.title, mr.state_event = "A better idea", "close"
    mr.save()
    assert (mr.title, mr.state) == ("A better idea", "closed")
    _, stranger = person()
    theirs = forge.client(stranger).projects.get(made.id).mergerequests.get(mr.iid)
    theirs.title = "Mine now"
    with pytest.raises(GitlabUpdateError):
        theirs.save()


def test_a_private_projects_proposals_are_its_members_alone(forge, project, member, person):
    made = project("private", {"a.txt": "1\n"})
    put(made, "idea", "a.txt", "2\n", start_branch="main")
    mr = propose(made)
    (_, guest), (_, token) = member(made, 10), person()

    for client in (guest, forge.client(token), forge.client(None)):
        lazy = client.projects.get(made.id, lazy=True)
        with pytest.raises(GitlabError):
            lazy.mergerequests.get(mr.iid)
        with pytest.raises(GitlabError):
            lazy.mergerequests.get(mr.iid, lazy=True).notes.create({"body": "x"})


def test_nothing_is_proposed_to_a_project_of_another_family(project):
    one, other = project("public", {"a.txt": "1\n"}), project("public", {"a.txt": "1\n"})

    with pytest.raises(GitlabCreateError, match="not a fork"):
        propose(one, other, branch="main")


def test_a_branch_that_is_not_there_cannot_be_proposed(idea):
    with pytest.raises(GitlabCreateError, match="source_branch"):
        propose(idea, branch="nowhere")
    with pytest.raises(GitlabCreateError):
        propose(idea, branch="--upload-pack=x")


def test_proposals_are_listed_by_state_and_branch(idea):
    put(idea, "other", "b.txt", "9\n", start_branch="main")
    first, second = propose(idea), propose(idea, branch="other")
    first.merge()

    def iids(**query):
        return [mr.iid for mr in idea.mergerequests.list(get_all=True, **query)]

    assert iids() == [2, 1]
    assert (iids(state="opened"), iids(state="merged")) == ([2], [1])
    assert iids(source_branch="other") == iids(iids=[second.iid]) == [2]


def test_a_proposal_whose_fork_is_gone_is_closed_and_still_tells_what_it_was(forge, root, project, person):
    made = project("public", {"a.txt": "1\n"})
    _, token = person()
    copy = fork(forge.client(token), made)
    head = put(copy, "idea", "a.txt", "2\n", start_branch="main")
    mr = propose(copy, forge.client(token).projects.get(made.id))
    copy.delete()

    again = made.mergerequests.get(mr.iid)
    assert (again.state, again.source_project_id, again.sha) == ("closed", None, head)
    assert [c.id for c in again.commits()] == [head]


def test_what_a_removed_user_wrote_stays_as_the_ghosts(forge, root, idea, member):
    user, mine = member(idea, 30)
    mr = propose(mine.projects.get(idea.id))
    mr.notes.create({"body": "Mine"})
    root.users.delete(user.id)

    again = idea.mergerequests.get(mr.iid)
    assert again.author["name"] == "Ghost User"
    assert [note.body for note in again.notes.list(get_all=True)] == ["Mine"]


def test_of_many_merges_at_once_each_is_whole_and_none_is_lost(forge, idea):
    branches = [f"idea-{number}" for number in range(4)]
    for branch in branches:
        put(idea, branch, f"{branch}.txt", "x", action="create", start_branch="main")
    numbers = [propose(idea, branch=branch).iid for branch in branches] * 2

    def merge(iid: int) -> bool:
        client = forge.client().projects.get(idea.id)
        return allowed(lambda: client.mergerequests.get(iid).merge())

    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(merge, numbers))

    assert results.count(True) == len(branches)
    files = {entry["path"] for entry in idea.repository_tree(ref="main", get_all=True)}
    assert files == {"a.txt", "b.txt", *(f"{branch}.txt" for branch in branches)}


def test_of_a_push_and_a_merge_at_once_nothing_accepted_is_lost(forge, idea, tmp_path):
    mr = propose(idea)
    forge.git("clone", "--quiet", idea.http_url_to_repo, "c", cwd=tmp_path, token=ROOT_TOKEN)
    commit(forge, tmp_path / "c", "x", "pushed.txt")

    def push() -> bool:
        return (
            forge.git("push", "origin", "main", cwd=tmp_path / "c", token=ROOT_TOKEN, check=False).returncode
            == 0
        )

    with concurrent.futures.ThreadPoolExecutor() as pool:
        pushed, merged = pool.submit(push), pool.submit(lambda: allowed(mr.merge))
        results = pushed.result(), merged.result()

    assert results[1]
    files = {entry["path"] for entry in idea.repository_tree(ref="main", get_all=True)}
    assert ("pushed.txt" in files) == results[0]
    assert idea.files.raw("a.txt", ref="main") == b"2\n"


def test_nobody_pushes_to_what_the_forge_keeps_for_itself(forge, idea, tmp_path):
    propose(idea)
    forge.git("clone", "--quiet", idea.http_url_to_repo, "c", cwd=tmp_path, token=ROOT_TOKEN)
    refused = forge.git(
        "push", "--force", "origin", "main:refs/merge-requests/1/head",
        cwd=tmp_path / "c", token=ROOT_TOKEN, check=False,
    )  # fmt: skip

    assert refused.returncode != 0


def test_a_proposal_of_an_unknown_number_is_not_there(idea):
    with pytest.raises(GitlabGetError):
        idea.mergerequests.get(7)


def allowed(call) -> bool:
    """Whether `call` is carried out rather than refused."""
    try:
        call()
    except GitlabError:
        return False
    return True
