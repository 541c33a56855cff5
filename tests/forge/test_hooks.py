"""Webhooks: who may set them, what they tell, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import socket

import pytest
from gitlab.exceptions import GitlabCreateError, GitlabGetError, GitlabListError

from deploy.forge.courier import UnreachableError, destination
from tests.conftest import free_port, wait_for
from tests.forge.conftest import ROOT_TOKEN, start_forge
from tests.forge.test_git import commit
from tests.forge.test_merge_requests import propose, put

ZERO = "0" * 40


def told(receiver, kind: str, count: int = 1) -> list[dict]:
    """Wait for `count` events of a kind; returns those that came."""
    wait_for(lambda: len(receiver.bodies(kind)) >= count, seconds=30, what=f"{count} {kind} events")
    return receiver.bodies(kind)


def test_a_push_is_told_in_gitlabs_words(forge, project, person, receiver, tmp_path):
    made = project("private", {"a.txt": "1", "b.txt": "1"})
    user, token = person()
    made.members.create({"user_id": user.id, "access_level": 30})
    before = made.branches.get("main").commit["id"]
    made.hooks.create({"url": receiver.url, "token": "s3cret"})

    forge.git("clone", "--quiet", made.http_url_to_repo, "c", cwd=tmp_path, token=token)
    (tmp_path / "c" / "b.txt").unlink()
    (tmp_path / "c" / "new é.txt").write_text("x")
    commit(forge, tmp_path / "c", "2")
    forge.git("push", "--quiet", "origin", "main", cwd=tmp_path / "c", token=token)

    [body] = told(receiver, "push")
    [(headers, _)] = receiver.events
    tip = made.branches.get("main").commit["id"]
    assert headers["X-Gitlab-Event"] == "Push Hook"
    assert headers["X-Gitlab-Token"] == "s3cret"
    assert headers["X-Gitlab-Event-UUID"] == headers["Webhook-Id"] == headers["Idempotency-Key"]
    assert (body["before"], body["after"], body["checkout_sha"]) == (before, tip, tip)
    assert (body["ref"], body["user_username"]) == ("refs/heads/main", user.username)
    assert body["project"]["path_with_namespace"] == made.path_with_namespace
    assert body["project"]["git_http_url"] == made.http_url_to_repo
    [told_commit] = body["commits"]
    assert (told_commit["id"], told_commit["title"]) == (tip, "Write 2")
    assert [told_commit[kind] for kind in ("added", "modified", "removed")] == [
        ["new é.txt"],
        ["a.txt"],
        ["b.txt"],
    ]
    assert body["total_commits_count"] == 1


def test_commits_branches_and_tags_of_the_api_are_told_like_pushes(project, receiver):
    made = project("private", {"a.txt": "1"})
    made.hooks.create({"url": receiver.url, "tag_push_events": True})
    tip = put(made, "idea", "a.txt", "2", start_branch="main")
    made.branches.delete("idea")
    made.tags.create({"tag_name": "v1", "ref": "main", "message": "One"})

    made_branch, removed = told(receiver, "push", 2)
    assert (made_branch["before"], made_branch["after"]) == (ZERO, tip)
    assert [c["id"] for c in made_branch["commits"]] == [tip]
    assert (removed["after"], removed["checkout_sha"], removed["commits"]) == (ZERO, None, [])
    [tag] = told(receiver, "tag_push")
    assert (tag["ref"], tag["checkout_sha"]) == ("refs/tags/v1", made.commits.get("main").id)


def test_the_life_of_a_merge_request_is_told(project, receiver):
    made = project("private", {"a.txt": "1"})
    first = put(made, "idea", "a.txt", "2", start_branch="main")
    made.hooks.create({"url": receiver.url, "push_events": False, "merge_requests_events": True})
    mr = propose(made)
    put(made, "idea", "a.txt", "3")
    mr.state_event = "close"
    mr.save()
    mr.state_event = "reopen"
    mr.save()
    mr.merge()

    attributes = [body["object_attributes"] for body in told(receiver, "merge_request", 5)]
    assert [a["action"] for a in attributes] == ["open", "update", "close", "reopen", "merge"]
    assert (attributes[0]["detailed_merge_status"], attributes[1]["oldrev"]) == ("mergeable", first)
    assert (attributes[-1]["state"], attributes[-1]["last_commit"]["id"]) == ("merged", mr.sha)
    assert {headers["X-Gitlab-Event"] for headers, _ in receiver.events} == {"Merge Request Hook"}


def test_the_administrator_hears_of_every_project(root, project, receiver):
    hook = root.hooks.create({"url": receiver.url, "push_events": True})
    try:
        made = project("private", {"a.txt": "1"})
        body = next(body for body in told(receiver, "push") if body["project_id"] == made.id)
        assert body["before"] == ZERO
        assert receiver.events[0][0]["X-Gitlab-Event"] == "System Hook"
    finally:
        hook.delete()


def test_a_hook_that_fails_hears_of_it_again_under_the_same_number(project, receiver):
    made = project("private", {"a.txt": "1"})
    made.hooks.create({"url": receiver.url})
    receiver.refusals = 1
    put(made, "main", "a.txt", "2")

    first, second = told(receiver, "push", 2)
    assert first == second
    assert len({headers["Webhook-Id"] for headers, _ in receiver.events}) == 1


def test_a_hook_that_never_answers_keeps_no_other_waiting(project, receiver):
    made = project("private", {"a.txt": "1"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for _ in range(3):
            made.hooks.create({"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        made.hooks.create({"url": receiver.url})
        put(made, "main", "a.txt", "2")
        put(made, "main", "a.txt", "3")

        assert len(told(receiver, "push", 2)) == 2


def test_each_of_two_pushes_at_once_is_told_as_its_own_persons(forge, project, person, receiver, tmp_path):
    made = project("private", {"a.txt": "1"})
    made.hooks.create({"url": receiver.url})
    people = {}
    for number in range(4):
        user, token = person()
        made.members.create({"user_id": user.id, "access_level": 30})
        people[f"refs/heads/b{number}"] = (user.username, token)
        url, name = made.http_url_to_repo, f"b{number}"
        forge.git("clone", "--quiet", url, name, cwd=tmp_path, token=ROOT_TOKEN)
        commit(forge, tmp_path / name, f"by {number}")

    def push(ref: str) -> None:
        folder = tmp_path / ref.rsplit("/", 1)[-1]
        forge.git("push", "--quiet", "origin", f"HEAD:{ref}", cwd=folder, token=people[ref][1])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(push, people))

    heard = {body["ref"]: body["user_username"] for body in told(receiver, "push", 4)}
    assert heard == {ref: name for ref, (name, _) in people.items()}


def test_a_kill_loses_no_event(receiver, tmp_path):
    """Neither what was waiting to be told, nor what git had done and the forge had not yet noted."""
    port, home = free_port(), tmp_path / "home"
    forge = start_forge(home, port)
    made = forge.client().projects.create({"name": "p"})
    put(made, "main", "a.txt", "1", action="create")
    tip = put(made, "idea", "a.txt", "2", start_branch="main")
    mr = propose(made)
    made.hooks.create({"url": receiver.url, "merge_requests_events": True})
    receiver.refusals = 1
    put(made, "main", "b.txt", "1", action="create")
    told(receiver, "push")
    forge.process.send_signal(signal.SIGKILL)
    forge.process.wait()
    repository = home / "repositories" / f"{made.id}.git"
    forge.git("--git-dir", str(repository), "update-ref", "refs/heads/late", tip, cwd=tmp_path)
    forge.git("--git-dir", str(repository), "update-ref", "refs/heads/main", tip, cwd=tmp_path)

    again = start_forge(home, port)
    try:
        refs = [body["ref"] for body in told(receiver, "push", 4)]
        assert sorted(refs[1:]) == ["refs/heads/late", "refs/heads/main", "refs/heads/main"]
        assert told(receiver, "merge_request")[0]["object_attributes"]["action"] == "merge"
        assert again.client().projects.get(made.id).mergerequests.get(mr.iid).state == "merged"
    finally:
        again.process.terminate()
        again.process.wait(20)


def test_a_hook_is_the_maintainers_and_its_token_nobodys(forge, project, member):
    made = project("private", {"a.txt": "1"})
    (_, developer), (_, maintainer) = member(made, 30), member(made, 40)
    mine = maintainer.projects.get(made.id)
    hook = mine.hooks.create({"url": "https://ci.example.org/x", "token": "s3cret"})

    assert "token" not in hook.attributes
    assert "s3cret" not in str(mine.hooks.get(hook.id).attributes)
    theirs = developer.projects.get(made.id)
    with pytest.raises(GitlabListError):
        theirs.hooks.list(get_all=True)
    with pytest.raises(GitlabCreateError):
        theirs.hooks.create({"url": "https://ci.example.org/y"})
    with pytest.raises(GitlabListError):
        maintainer.hooks.list(get_all=True)
    hook.push_events = False
    hook.save()
    assert mine.hooks.get(hook.id).push_events is False
    hook.delete()
    with pytest.raises(GitlabGetError):
        mine.hooks.get(hook.id)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "http://", "javascript:alert(1)", "http://a b/", "//x/y"],
)
def test_a_hook_needs_an_address_of_the_web(project, url):
    made = project("private")

    with pytest.raises(GitlabCreateError, match="Invalid url given"):
        made.hooks.create({"url": url})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "10.0.0.1", "0.0.0.0"]
)
def test_only_an_administrator_names_the_local_network(project, member, host):
    made = project("private")
    _, maintainer = member(made, 40)

    with pytest.raises(GitlabCreateError, match="local network"):
        maintainer.projects.get(made.id).hooks.create({"url": f"http://{host}:80/x"})
    assert made.hooks.create({"url": f"http://{host}:80/x"}).url == f"http://{host}:80/x"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"])
def test_a_name_that_leads_to_the_local_network_is_not_followed(host):
    with pytest.raises(UnreachableError):
        asyncio.run(destination(f"http://{host}:80/x", trusted=False))
    assert asyncio.run(destination(f"http://{host}:80/x", trusted=True))[0].path == "/x"


def test_a_new_address_does_not_get_the_old_ones_token(project, receiver):
    made = project("private", {"a.txt": "1"})
    hook = made.hooks.create({"url": "https://ci.example.org/x", "token": "s3cret"})
    hook.url = receiver.url
    hook.save()
    put(made, "main", "a.txt", "2")

    told(receiver, "push")
    assert "X-Gitlab-Token" not in receiver.events[0][0]
