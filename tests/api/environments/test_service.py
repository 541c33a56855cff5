"""The queue of builds: who builds what, once, and how it ends."""

from __future__ import annotations

import datetime as dt
import shutil
import threading

import pytest
from sqlalchemy import update

from auth.identity import Identity
from hub.environments.uv import COMPLETE
from tests.api.environments.conftest import QuickBuilder, build
from workspace_api.database import now
from workspace_api.environments.models import Environment
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import ForbiddenError, NotFoundError, NotSignedInError

NUMPY = {"requirements.txt": b"numpy==2.1.0\n"}
PANDAS = {"requirements.txt": b"pandas>=2\n"}
AN_ADDRESS = {"requirements.txt": b"numpy\nhttps://evil.example/x.whl\n"}


def test_what_is_wanted_is_built_once(environments, builder):
    key = environments.want(NUMPY)
    assert environments.want(NUMPY) == key
    assert environments.view(key).state == "wanted"

    assert build(environments) == key

    view = environments.view(key)
    assert (view.state, view.size_bytes, view.error) == ("ready", 5, None)
    assert view.last_line == "Ready"
    assert view.settled
    assert environments.claim("w1", 30) is None
    assert builder.builds == 1


def test_a_failed_build_names_the_line_and_waits_until_somebody_asks(environments):
    key = environments.want(AN_ADDRESS)
    build(environments)

    view = environments.view(key)
    assert view.state == "failed"
    assert "requirements.txt, line 2" in view.error
    assert view.error in view.log_tail
    assert environments.want(AN_ADDRESS) == key
    assert environments.view(key).state == "failed"
    assert environments.claim("w1", 30) is None

    environments.rebuild(Identity(user="ada", admin=True), key)
    assert environments.view(key).state == "wanted"


def test_the_queue_is_first_come_first_served(environments, workspace):
    first, second = environments.want(NUMPY), environments.want(PANDAS)
    with workspace.database.write() as session:
        session.execute(
            update(Environment)
            .where(Environment.key == second)
            .values(wanted_at=now() - dt.timedelta(minutes=5))
        )

    assert (environments.view(second).position, environments.view(first).position) == (1, 2)
    assert environments.claim("w1", 30) == second
    assert environments.view(second).position is None
    assert environments.view(first).position == 1


def test_two_workers_never_claim_the_same(environments):
    environments.want(NUMPY)

    assert [environments.claim("w1", 30), environments.claim("w2", 30)].count(None) == 1


def test_a_build_whose_worker_was_lost_is_claimed_again_and_the_lost_one_changes_nothing(
    environments, workspace
):
    key = environments.want(NUMPY)
    environments.claim("lost", 30)
    with workspace.database.write() as session:
        session.execute(update(Environment).values(lease_expires_at=now() - dt.timedelta(seconds=1)))

    assert environments.claim("w2", 30) == key
    assert environments.heartbeat(key, "lost", 30) is False
    assert environments.heartbeat(key, "w2", 30) is True
    environments.build(key, "lost", 30, threading.Event())
    assert environments.view(key).state == "building"


def test_a_builder_that_lost_its_lease_stops(environments, builder, workspace):
    key = environments.want(NUMPY)
    environments.claim("w1", 0.3)
    builder.hold.set()
    working = threading.Thread(target=environments.build, args=(key, "w1", 0.3, threading.Event()))
    working.start()
    with workspace.database.write() as session:
        session.execute(update(Environment).values(lease_owner="w2"))

    working.join(20)

    assert not working.is_alive()
    assert environments.view(key).state == "building"


def test_a_worker_that_is_asked_to_stop_leaves_the_build_to_the_next(environments, builder):
    key = environments.want(NUMPY)
    environments.claim("w1", 30)
    builder.hold.set()
    stop = threading.Event()
    working = threading.Thread(target=environments.build, args=(key, "w1", 30, stop))
    working.start()

    stop.set()
    working.join(20)

    assert not working.is_alive()
    assert environments.view(key).state == "wanted"


def test_an_environment_that_is_gone_from_disk_is_wanted_again(environments, builder):
    key = environments.want(NUMPY)
    build(environments)
    shutil.rmtree(builder.folder(key))

    assert environments.need(key).state == "wanted"
    assert build(environments) == key
    (builder.folder(key) / COMPLETE).unlink()
    environments.want(NUMPY)
    assert environments.claim("w1", 30) == key


def test_a_full_disk_fails_the_build_in_words(environments, builder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder, "_install", full)
    key = environments.want(NUMPY)
    build(environments)

    assert "No space left on device" in environments.view(key).error


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"numpy\x00", "naïve>=1\n".encode()])
def test_files_that_are_no_requirements_fail_their_build_alone(environments, data):
    key = environments.want({"requirements.txt": data})
    build(environments)

    assert "requirements.txt, line 1" in environments.view(key).error


@pytest.mark.parametrize(
    ("who", "refusal"),
    [(Identity(), NotSignedInError), (Identity(user="eve"), ForbiddenError)],
)
def test_only_authors_and_administrators_rebuild(environments, who, refusal):
    key = environments.want(AN_ADDRESS)
    build(environments)

    with pytest.raises(refusal):
        environments.rebuild(who, key)


def test_an_unknown_key_is_not_found(environments):
    with pytest.raises(NotFoundError, match="no environment abc"):
        environments.view("abc")


def test_use_is_remembered(environments):
    key = environments.want(NUMPY)
    assert environments.need(key).last_used_at is None
    build(environments)
    environments.need(key)

    assert environments.view(key).last_used_at is not None


def test_states_are_counted(environments):
    environments.want(NUMPY)
    environments.want(PANDAS)
    environments.claim("w1", 30)

    assert environments.count_by_state() == {
        "wanted": 1,
        "building": 1,
        "ready": 0,
        "failed": 0,
        "removed": 0,
    }


def test_what_waited_for_another_builder_is_built_by_the_present_one_and_says_so(
    workspace, home, environments, builder
):
    class Switched(QuickBuilder):
        label = "the builder after the switch"

        def key(self, files):
            return f"{super().key(files)[:20]}-switched"

    waiting = environments.want({"requirements.txt": b"# queued before the switch"})
    after = Switched(home / "elsewhere")
    switched = EnvironmentService(workspace.database, after, home / "elsewhere")
    assert switched.need(waiting).state == "wanted"
    assert build(switched) == waiting

    assert switched.is_ready(waiting)
    assert (switched.need(waiting).state, switched.need(waiting).builder) == ("ready", after.label)
    assert switched.want({"requirements.txt": b"# queued before the switch"}) != waiting
    assert environments.need(waiting).state == "wanted", "switched back, it is built by the first one"
