"""Making room: what goes, what stays, and that nobody ever meets half an environment."""

from __future__ import annotations

import datetime as dt
import itertools
import threading

import pytest
from sqlalchemy import select, update

from auth.identity import Identity, Level
from tests.api.environments.conftest import build
from tests.conftest import wait_for
from workspace_api.database import now
from workspace_api.environments.models import Environment
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import ConflictError, ForbiddenError, NotSignedInError
from workspace_api.people.models import User
from workspace_api.projects.models import Curation, Project, Snapshot
from workspace_api.runs.models import Run, RunState
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.settings import EnvironmentSettings

ADA = Identity(user="ada", level=Level.DEVELOPER, admin=True)
BEN = Identity(user="ben", level=Level.AUTHOR)
EVE = Identity(user="eve", level=Level.END_USER)
LONG_AGO = dt.timedelta(days=11)
GIB_OF_FIVE_BYTES = 5 / 1024**3
COUNT = itertools.count()


@pytest.fixture
def ready(environments):
    """Makes environments that are ready, each of another package."""

    def make() -> str:
        key = environments.want({"requirements.txt": f"package-{next(COUNT)}\n".encode()})
        assert build(environments) == key
        return key

    return make


@pytest.fixture
def last_used(workspace):
    """Sets when an environment was last used."""

    def change(key: str, ago: dt.timedelta) -> None:
        with workspace.database.write() as session:
            session.execute(
                update(Environment).where(Environment.key == key).values(last_used_at=now() - ago)
            )

    return change


@pytest.fixture
def project(workspace):
    """A project with one commit that needs an environment, curated where that is wanted."""

    def make(key: str, *, curated: bool = False) -> int:
        with workspace.database.write() as session:
            number = next(COUNT)
            made = Project(
                forge_id=1000 + number, namespace="g", name=f"p{number}", visibility="public", seen_at=now()
            )
            snapshot = Snapshot(
                project=made, commit=f"{number:040x}", title="T", summary="", area="A", readme="",
                environment_key=key, resources={}, problems=[], created_at=now(),
            )  # fmt: skip
            session.add(snapshot)
            session.flush()
            if curated:
                session.add(
                    Curation(
                        project_id=made.id, snapshot_id=snapshot.id, version="v1.0", area="A", summary="",
                        curated_at=now(),
                    )
                )  # fmt: skip
            return made.id

    return make


@pytest.fixture
def session_on(workspace):
    """Makes a session on an environment, as far as the table knows."""

    def make(key: str, state: SessionState = SessionState.RUNNING) -> None:
        with workspace.database.write() as session:
            owner = session.scalars(select(User).where(User.name == "ben")).one()
            session.add(
                WorkSession(
                    id=f"{next(COUNT):x}", owner=owner, project="g/p", kind="lab", server="l-p", state=state,
                    opened_at=now(), environment_key=key,
                )
            )  # fmt: skip

    return make


@pytest.fixture
def run_on(workspace, project):
    """Makes a run on an environment, as far as the table knows."""

    def make(key: str, state: RunState) -> None:
        project_id = project(key)
        with workspace.database.write() as session:
            owner = session.scalars(select(User).where(User.name == "ben")).one()
            session.add(
                Run(
                    id=f"{next(COUNT):x}", owner_id=owner.id, project_id=project_id, commit="c" * 40,
                    notebook="a.ipynb", notebook_sha256="", title="t", worksheet_title="t", schema={},
                    parameters={}, environment_key=key, backend="offline", limits={}, cache_key="",
                    state=state, requested_at=now(),
                )
            )  # fmt: skip

    return make


def keys(leaving) -> list[str]:
    return [each.key for each in leaving]


def test_what_nobody_uses_for_long_goes_and_is_built_again_when_it_is_needed(
    environments, builder, ready, last_used
):
    old, young = ready(), ready()
    last_used(old, LONG_AGO)

    [leaving] = environments.surplus(ADA)
    assert (leaving.key, leaving.size_bytes) == (old, 5)
    assert "10 days" in leaving.reason
    assert keys(environments.collect()) == [old]

    assert environments.view(old).state == "removed"
    assert not builder.is_built(old)
    assert builder.is_built(young)
    assert environments.collect() == []
    assert environments.need(old).state == "wanted"
    assert build(environments) == old
    assert environments.need(old).state == "ready"


def test_past_the_room_for_all_the_least_recently_used_go_but_none_that_was_used_just_now(
    workspace, home, builder, environments, ready, last_used
):
    small = EnvironmentSettings(keep_gib=2 * GIB_OF_FIVE_BYTES, keep_days=0)
    tight = EnvironmentService(workspace.database, builder, home / "environments", small)
    all_of_them = [ready() for _ in range(4)]
    assert tight.surplus(ADA) == []
    for hours, key in enumerate(all_of_them, start=2):
        last_used(key, dt.timedelta(hours=hours))

    assert keys(tight.collect()) == [all_of_them[3], all_of_them[2]]
    assert [environments.view(key).state for key in all_of_them] == ["ready", "ready", "removed", "removed"]


def test_nothing_that_is_in_use_goes(environments, ready, last_used, session_on, run_on, project):
    in_use = [ready() for _ in range(7)]
    for key in in_use:
        last_used(key, LONG_AGO)
    for key, state in zip(in_use, ("preparing", "starting", "running"), strict=False):
        session_on(key, SessionState(state))
    for key, state in zip(in_use[3:], ("queued", "preparing", "running"), strict=False):
        run_on(key, RunState(state))
    project(in_use[6], curated=True)
    ended = [ready(), ready()]
    for key in ended:
        last_used(key, LONG_AGO)
    session_on(ended[0], SessionState.STOPPED)
    run_on(ended[1], RunState.SUCCEEDED)

    assert sorted(keys(environments.collect())) == sorted(ended)


def test_what_is_being_built_or_waits_for_it_stays(environments, builder, ready, last_used):
    key = ready()
    environments.rebuild(ADA, key)
    last_used(key, LONG_AGO)
    assert environments.collect() == []

    builder.hold.set()
    environments.claim("w1", 30)
    working = threading.Thread(target=environments.build, args=(key, "w1", 30, threading.Event()))
    working.start()
    wait_for(lambda: builder.builds == 2, what="the build")
    assert environments.collect() == []
    assert builder.remove(key) is False
    builder.hold.clear()
    working.join(20)

    assert environments.view(key).state == "ready"


def test_who_comes_while_the_environment_leaves_has_it_built_again(environments, builder, ready, last_used):
    """The row says removed, the files are still there: now somebody needs it, and a worker builds it."""
    key = ready()
    last_used(key, LONG_AGO)
    remove = builder.remove

    def late(key, still):
        assert environments.need(key).state == "wanted"
        assert build(environments) == key  # finds it whole
        return remove(key, still)

    builder.remove = late
    assert environments.collect() == []

    assert environments.need(key).state == "ready"
    assert builder.is_built(key)


def test_who_is_a_moment_too_late_waits_for_its_build(environments, builder, ready, last_used):
    key = ready()
    last_used(key, LONG_AGO)
    remove = builder.remove

    def meanwhile(key, still):
        def asked_and_wanted() -> bool:
            answer = still()
            assert environments.need(key).state == "wanted"
            return answer

        return remove(key, asked_and_wanted)

    builder.remove = meanwhile
    environments.collect()

    assert not builder.is_built(key)
    assert build(environments) == key
    assert (environments.need(key).state, builder.builds) == ("ready", 2)


def test_a_removal_that_was_cut_off_is_finished(environments, builder, ready, workspace):
    key, half = ready(), builder.folder("0" * 24)
    with workspace.database.write() as session:
        session.execute(update(Environment).where(Environment.key == key).values(state="removed"))
    half.mkdir()
    (half / "pyvenv.cfg").touch()
    (builder.folder(".x.gone") / "bin").mkdir(parents=True)

    assert keys(environments.collect()) == [key]
    assert [path.name for path in builder.folder("").iterdir() if path.is_dir()] == []


def test_what_cannot_be_removed_stays_ready(environments, builder, ready, last_used):
    key = ready()
    last_used(key, LONG_AGO)
    builder.remove = lambda _key, _still: False

    assert environments.collect() == []
    assert environments.need(key).state == "ready"


def test_a_ready_environment_is_built_again_unless_it_is_in_use(environments, builder, ready, session_on):
    key = ready()
    assert environments.rebuild(BEN, key).state == "wanted"
    assert not builder.is_built(key)
    assert build(environments) == key
    assert builder.builds == 2

    session_on(key)
    with pytest.raises(ConflictError, match="uses this environment"):
        environments.rebuild(BEN, key)
    assert builder.is_built(key)
    assert environments.view(key).state == "ready"


def test_administrators_free_one_unless_it_is_needed(environments, builder, ready, project, session_on):
    free, curated, busy = ready(), ready(), ready()
    project(curated, curated=True)
    session_on(busy)

    assert environments.free(ADA, free).state == "removed"
    assert not builder.is_built(free)
    with pytest.raises(ConflictError, match="nothing to remove"):
        environments.free(ADA, free)
    with pytest.raises(ConflictError, match="curated project"):
        environments.free(ADA, curated)
    with pytest.raises(ConflictError, match="session or run"):
        environments.free(ADA, busy)
    for who, refusal in ((BEN, ForbiddenError), (Identity(), NotSignedInError)):
        with pytest.raises(refusal):
            environments.free(who, curated)
        with pytest.raises(refusal):
            environments.surplus(who)


def test_the_environment_that_warm_starts_come_from_is_kept(workspace):
    key = workspace.environments.want({})
    with workspace.database.write() as session:
        session.execute(update(Environment).where(Environment.key == key).values(state="ready"))

    with pytest.raises(ConflictError, match="every warm start"):
        workspace.environments.free(ADA, key)
    assert workspace.environments.view(key).state == "ready"


def test_a_build_is_stopped_while_it_goes_on_and_another_can_begin_at_once(environments, builder):
    key = environments.want({"requirements.txt": b"numpy\n"})
    builder.hold.set()
    environments.claim("w1", 30)
    working = threading.Thread(target=environments.build, args=(key, "w1", 30, threading.Event()))
    working.start()
    wait_for(lambda: builder.builds, what="the build")

    assert environments.cancel(BEN, key).state == "failed"
    working.join(20)

    assert not working.is_alive()
    view = environments.view(key)
    assert (view.state, view.last_line) == ("failed", "Cancelled")
    assert "stopped the build" in view.error
    assert environments.want({"requirements.txt": b"numpy\n"}) == key
    assert environments.claim("w2", 30) is None
    builder.hold.clear()
    environments.rebuild(BEN, key)
    assert build(environments, "w2") == key
    assert environments.view(key).state == "ready"
    with pytest.raises(ConflictError, match="it is ready"):
        environments.cancel(BEN, key)


def test_who_may_stop_a_build(environments):
    key = environments.want({"requirements.txt": b"numpy\n"})
    with pytest.raises(ForbiddenError):
        environments.cancel(EVE, key)
    with pytest.raises(NotSignedInError):
        environments.cancel(Identity(), key)

    assert environments.view(key).state == "wanted"
    assert environments.cancel(BEN, key).state == "failed"
    assert environments.claim("w1", 30) is None


def test_the_list_is_searched_by_key_and_by_package(environments):
    numpy = environments.want({"requirements.txt": b"numpy==2.1.0\n"})
    pandas = environments.want({"requirements.txt": b"pandas\n", "requirements-more.txt": b"six\n"})

    assert environments.list(ADA).total == 2
    assert [each.key for each in environments.list(ADA, q="pandas").items] == [pandas]
    assert [each.key for each in environments.list(ADA, q=numpy[:8]).items] == [numpy]
    assert environments.list(ADA, q="%").total == 0
    assert environments.list(ADA, state="ready").total == 0
    assert environments.list(ADA, q="pandas").items[0].names == ("requirements-more.txt", "requirements.txt")
    with pytest.raises(ForbiddenError):
        environments.list(BEN)
