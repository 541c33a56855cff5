"""Environments: which are wanted, who builds each, and how the build ended."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from hub.environments.builder import Builder
from hub.environments.requirements import BuildFailed, without_credentials
from hub.processes import Cancelled
from workspace_api.database import Database, now
from workspace_api.environments.log import read_log, tail
from workspace_api.environments.models import STATES, Environment
from workspace_api.environments.removals import Removals, Uses
from workspace_api.environments.views import EnvironmentView, Leaving, Listed
from workspace_api.errors import ConflictError, NotFoundError
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.settings import EnvironmentSettings

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # how soon a build that somebody stopped notices
STOPPED = "Somebody stopped the build. Build it again when it is wanted."
UNREADABLE = "\N{REPLACEMENT CHARACTER}"  # what stands for bytes that are no UTF-8
IN_USE = "A session or run uses this environment. Wait until it has ended, or stop it."


class EnvironmentService:
    """The queue of builds, in the database, and the builder that does them.

    A row goes wanted -> building -> ready or failed. Whoever builds holds a lease; when it runs out the row
    is claimed again. A failed environment stays failed until somebody asks for it again. One that is ready
    may be removed; it is wanted again when something needs it.
    """

    def __init__(
        self,
        database: Database,
        builder: Builder,
        logs: Path,
        settings: EnvironmentSettings | None = None,
        uses: Uses | None = None,
    ) -> None:
        self._database = database
        self._builder = builder
        self._logs = logs
        self._removals = Removals(database, builder, settings or EnvironmentSettings(), uses or Uses())

    @property
    def builder(self) -> Builder:
        """What builds the environments, and knows where each is."""
        return self._builder

    def log_path(self, key: str) -> Path:
        """Return where the log of the build of `key` is written."""
        return self._logs / f"{key}.log"

    def want(self, files: Mapping[str, bytes]) -> str:
        """Return the key of what these environment files build, queued for building if it is new or gone."""
        key = self._builder.key(files)
        with self._database.write() as session:
            row = session.get(Environment, key)
            if row is None:
                label = self._builder.label[:200]
                row = Environment(key=key, files=_as_text(files), builder=label, state="wanted")
                row.wanted_at = now()
                session.add(row)
            elif row.state == "removed" or (row.state == "ready" and self._gone(key)):
                _want_again(row)
        return key

    def renewed(self, key: str) -> str:
        """Return the key that the builder in force has for the files of `key`, which it may be itself.

        Another builder, or another version of it, made `key`. A new one is taken down as one that is not
        kept: it is built when something needs it. Raises NotFoundError for a key that nothing ever wanted.
        """
        with self._database.write() as session:
            row = session.get(Environment, key)
            if row is None:
                raise _unknown(key)
            if any(UNREADABLE in text for text in row.files.values()):  # not the bytes that made the key
                return key
            new = self._builder.key({name: text.encode() for name, text in row.files.items()})
            if session.get(Environment, new) is None:
                label = self._builder.label[:200]
                session.add(
                    Environment(key=new, files=row.files, builder=label, state="removed", wanted_at=now())
                )
        return new

    def need(self, key: str) -> EnvironmentView:
        """Return an environment that is about to be used, and remember the use.

        One that was removed, or is gone from disk, is wanted again. One that is ready stays until the caller
        is known to use it (`Uses`), or for an hour. Raises NotFoundError for a key that nothing ever wanted.
        """
        known = self.view(key)
        if known.state == "ready" and not self._gone(key) and self._note_use(key):
            return known
        if known.state in ("ready", "removed"):
            with self._database.write() as session:
                row = session.get_one(Environment, key, with_for_update=True)
                if row.state in ("ready", "removed"):
                    _want_again(row)
            known = self.view(key)
        return known

    def view(self, key: str) -> EnvironmentView:
        """Return an environment as the table has it; NotFoundError for a key that nothing ever wanted."""
        with self._database.read() as session:
            row = session.get(Environment, key)
            if row is None:
                raise _unknown(key)
            return self._view(row, _position(session, row))

    def files(self, key: str) -> dict[str, str]:
        """Return the environment files by their paths, without passwords that stand in addresses."""
        with self._database.read() as session:
            row = session.get(Environment, key)
            if row is None:
                raise _unknown(key)
            return {path: without_credentials(text) for path, text in sorted(row.files.items())}

    def packages(self, key: str) -> dict[str, str]:
        """Return the packages of an environment with their versions; none while it is not there."""
        there = self.view(key).state == "ready" and not self._gone(key)
        return self._builder.installed_packages(key) if there else {}

    def list(
        self, identity: Identity, *, state: str | None = None, q: str = "", page: int = 1, per_page: int = 30
    ) -> Page[Listed]:
        """Return the environments, those used last first, for an administrator.

        `q` is the beginning of a key, or text of the environment files, such as the name of a package.
        """
        require(identity, Action.READ_ENVIRONMENTS, PLATFORM, "list environments")
        query = select(Environment)
        if state:
            query = query.where(Environment.state == state)
        if q:
            text = cast(Environment.files, Text)
            query = query.where(
                or_(
                    Environment.key.startswith(q, autoescape=True),
                    text.icontains(q, autoescape=True),
                )
            )
        used = func.coalesce(Environment.last_used_at, Environment.finished_at, Environment.wanted_at)
        ordered = query.order_by(used.desc(), Environment.key)
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            rows = session.scalars(ordered.offset((page - 1) * per_page).limit(per_page))
            return Page([_listed(row) for row in rows], total, page, per_page)

    def is_ready(self, key: str) -> bool:
        """Whether an environment can be used now: by this workspace's builder, and not removed."""
        with self._database.read() as session:
            row = session.get(Environment, key)
        return row is not None and row.state == "ready" and not self._gone(key)

    def rebuild(self, identity: Identity, key: str) -> EnvironmentView:
        """Queue an environment again, for an author or administrator; one in the queue stays there.

        One that is ready is removed first. Raises ConflictError while a session or run uses it.
        """
        require(identity, Action.REBUILD_ENVIRONMENT, PLATFORM, "rebuild an environment")
        if self.view(key).state == "ready" and not self._removals.remove(key, pinned_too=True):
            if self.view(key).state == "ready":
                raise ConflictError(IN_USE)
            return self.view(key)
        with self._database.write() as session:
            row = session.get_one(Environment, key, with_for_update=True)
            if row.state in ("failed", "removed"):
                _want_again(row)
        return self.view(key)

    def cancel(self, identity: Identity, key: str) -> EnvironmentView:
        """Stop the build of an environment, also one that waits; what waits for it is told so.

        Raises ConflictError for one that is not being built.
        """
        require(identity, Action.CANCEL_BUILD, PLATFORM, "stop a build")
        values = {"state": "failed", "error": STOPPED, "finished_at": now()}
        with self._database.write() as session:
            stopped = session.execute(
                update(Environment)
                .where(Environment.key == key, Environment.state.in_(("wanted", "building")))
                .values(**values, lease_owner=None, lease_expires_at=None)
                .returning(Environment.key)
            ).all()
        view = self.view(key)
        if not stopped:
            raise ConflictError(f"This environment is not being built: it is {view.state}.")
        logger.info("the build of %s was stopped by %s", key, identity.user)
        return view

    def free(self, identity: Identity, key: str) -> EnvironmentView:
        """Remove an environment to make room, for an administrator; it is built again when it is needed.

        Raises ConflictError for one that is in use, kept for a curated project, or not ready.
        """
        require(identity, Action.REMOVE_ENVIRONMENT, PLATFORM, "remove an environment")
        view = self.view(key)
        if view.state != "ready":
            raise ConflictError(f"There is nothing to remove: this environment is {view.state}.")
        if self._removals.is_pinned(key):
            raise ConflictError(
                "This environment is kept: every warm start comes from it, or a curated project needs it, "
                "which would have to be taken off the landing page first."
            )
        if not self._removals.remove(key):
            raise ConflictError(IN_USE)
        logger.info("environment %s removed by %s", key, identity.user)
        return self.view(key)

    def surplus(self, identity: Identity) -> Sequence[Leaving]:
        """Return which environments the next collection would remove, and why, for an administrator."""
        require(identity, Action.READ_ENVIRONMENTS, PLATFORM, "see which environments would go")
        return self._removals.surplus()

    def free_surplus(self, identity: Identity) -> Sequence[Leaving]:
        """Remove them now, for an administrator; return what was removed."""
        require(identity, Action.REMOVE_ENVIRONMENT, PLATFORM, "remove environments")
        return self._removals.collect()

    def collect(self) -> Sequence[Leaving]:
        """Remove what nobody has used for long, and what takes up too much room; return what was removed."""
        return self._removals.collect()

    def in_use(self, key: str) -> bool:
        """Whether a session or run that has not ended uses an environment."""
        return self._removals.is_busy(key)

    def log(self, key: str, offset: int = 0) -> tuple[str, int]:
        """Return the build's log from byte `offset`, at most a megabyte of it, and the byte to go on from."""
        return read_log(self.log_path(key), offset)

    def count_by_state(self) -> dict[str, int]:
        """Return how many environments are in each state."""
        with self._database.read() as session:
            rows = session.execute(select(Environment.state, func.count()).group_by(Environment.state))
            counts: dict[str, int] = dict(rows.all())
        return {**dict.fromkeys(STATES, 0), **counts}

    def claim(self, owner: str, lease_seconds: float) -> str | None:
        """Take the environment that has waited longest, for `owner` to build, or None when none waits."""
        with self._database.write() as session:
            row = session.scalar(
                select(Environment)
                .where(_claimable())
                .order_by(Environment.wanted_at, Environment.key)
                .limit(1)
            )
            if row is None:
                return None
            row.state = "building"
            row.builder = self._builder.label[:200]  # it may have been wanted of another one, before a switch
            row.lease_owner = owner
            row.lease_expires_at = _lease_end(lease_seconds)
            row.started_at = now()
            row.finished_at = row.error = None
            return row.key

    def heartbeat(self, key: str, owner: str, lease_seconds: float) -> bool:
        """Keep the lease; false when somebody else has the build by now."""
        return self._update(key, owner, lease_expires_at=_lease_end(lease_seconds))

    def build(self, key: str, owner: str, lease_seconds: float, stop: threading.Event) -> None:
        """Build what `owner` has claimed, to its end: ready, failed in words, or wanted again after `stop`.

        The builder's own lock makes a second build of one key impossible, whatever the leases say.
        """
        with self._database.read() as session:
            row = session.get(Environment, key)
        if row is None:
            raise _unknown(key)
        lost = threading.Event()
        over = threading.Event()
        beating = threading.Thread(
            target=self._keep_lease, args=(key, owner, lease_seconds, over, lost), daemon=True
        )
        beating.start()
        try:
            self._builder.build(key, row.files, self.log_path(key), lambda: stop.is_set() or lost.is_set())
        except Cancelled:
            self._update(key, owner, state="wanted", lease_owner=None, lease_expires_at=None)
        except BuildFailed as failure:
            self._finish(key, owner, "failed", error=failure.message)
        except OSError as error:
            self._finish(key, owner, "failed", error=f"The environment could not be written: {error}.")
        else:
            self._finish(key, owner, "ready", size_bytes=self._builder.size(key))
        finally:
            over.set()
            beating.join()

    def _gone(self, key: str) -> bool:
        """Whether a built environment is no longer there; one whose engine does not answer is not gone."""
        try:
            return not self._builder.is_built(key)
        except OSError as error:
            logger.warning("environment %s cannot be looked at: %s", key, error)
            return False

    def _keep_lease(
        self, key: str, owner: str, lease_seconds: float, over: threading.Event, lost: threading.Event
    ) -> None:
        """Keep the lease until `over`, and notice soon when somebody stopped the build or has it by now."""
        beat_at = time.monotonic() + lease_seconds / 3
        while not over.wait(min(LOOK_SECONDS, lease_seconds / 3)):
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + lease_seconds / 3
                held = self.heartbeat(key, owner, lease_seconds)
            else:
                held = self._held(key, owner)
            if not held:
                lost.set()
                return

    def _held(self, key: str, owner: str) -> bool:
        with self._database.read() as session:
            return session.scalar(select(Environment.key).where(*_held_by(key, owner))) is not None

    def _finish(self, key: str, owner: str, state: str, **values: object) -> None:
        self._update(
            key, owner, state=state, finished_at=now(), lease_owner=None, lease_expires_at=None, **values
        )

    def _update(self, key: str, owner: str, **values: object) -> bool:
        """Change the row if `owner` still builds it."""
        with self._database.write() as session:
            changed = session.execute(
                update(Environment).where(*_held_by(key, owner)).values(**values).returning(Environment.key)
            ).all()
        return bool(changed)

    def _note_use(self, key: str) -> bool:
        """Remember that an environment is used now; false when it is no longer ready."""
        with self._database.write() as session:
            used = session.execute(
                update(Environment)
                .where(Environment.key == key, Environment.state == "ready")
                .values(last_used_at=now())
                .returning(Environment.key)
            ).all()
        return bool(used)

    def _view(self, row: Environment, position: int | None) -> EnvironmentView:
        log_tail = tail(self.log_path(row.key))
        return EnvironmentView(
            key=row.key,
            state=row.state,
            builder=row.builder,
            error=row.error,
            size_bytes=row.size_bytes,
            position=position,
            wanted_at=row.wanted_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            last_used_at=row.last_used_at,
            log_tail=log_tail,
            last_line=next((line for line in reversed(log_tail.splitlines()) if line.strip()), ""),
        )


def _held_by(key: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (Environment.key == key, Environment.state == "building", Environment.lease_owner == owner)


def _listed(row: Environment) -> Listed:
    return Listed(
        key=row.key,
        state=row.state,
        names=tuple(sorted(row.files)),
        size_bytes=row.size_bytes if row.state == "ready" else None,
        finished_at=row.finished_at,
        last_used_at=row.last_used_at,
    )


def _want_again(row: Environment) -> None:
    row.state = "wanted"
    row.wanted_at = now()
    row.error = row.started_at = row.finished_at = None


def _claimable() -> ColumnElement[bool]:
    return or_(
        Environment.state == "wanted",
        and_(Environment.state == "building", Environment.lease_expires_at < now()),
    )


def _position(session: Session, row: Environment) -> int | None:
    if row.state != "wanted":
        return None
    ahead = session.scalar(
        select(func.count())
        .select_from(Environment)
        .where(
            Environment.state == "wanted",
            or_(
                Environment.wanted_at < row.wanted_at,
                and_(Environment.wanted_at == row.wanted_at, Environment.key < row.key),
            ),
        )
    )
    return (ahead or 0) + 1


def _lease_end(seconds: float) -> dt.datetime:
    return now() + dt.timedelta(seconds=seconds)


def _as_text(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return files as the table keeps them; what is not UTF-8 shows as such, and fails its build in words."""
    return {name: data.decode("utf-8", "replace") for name, data in files.items()}


def _unknown(key: str) -> NotFoundError:
    return NotFoundError(f"There is no environment {key[:64]}.")
