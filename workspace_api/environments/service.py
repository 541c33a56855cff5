"""Environments: which are wanted, who builds each, and how the build ended."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from hub.environments.builder import Builder
from hub.environments.requirements import BuildFailed
from hub.processes import Cancelled
from workspace_api.database import Database, now
from workspace_api.environments.log import read_log, tail
from workspace_api.environments.models import STATES, Environment
from workspace_api.environments.views import EnvironmentView
from workspace_api.errors import ConflictError, NotFoundError
from workspace_api.guard import require

logger = logging.getLogger(__name__)


class EnvironmentService:
    """The queue of builds, in the database, and the builder that does them.

    A row goes wanted -> building -> ready or failed. Whoever builds holds a lease; when it runs out the row
    is claimed again. A failed environment stays failed until somebody asks for it again.
    """

    def __init__(self, database: Database, builder: Builder, logs: Path) -> None:
        self._database = database
        self._builder = builder
        self._logs = logs

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
                session.add(Environment(key=key, files=_as_text(files), state="wanted", wanted_at=now()))
            elif row.state == "ready" and self._gone(key):
                _want_again(row)
        return key

    def view(self, key: str) -> EnvironmentView:
        """Return an environment; one that is ready but no longer on disk is wanted again.

        Raises NotFoundError for a key that nothing ever wanted.
        """
        with self._database.read() as session:
            row = session.get(Environment, key)
            if row is None:
                raise _unknown(key)
            position = _position(session, row)
        if row.state == "ready" and self._gone(key):
            with self._database.write() as session:
                row = session.get_one(Environment, key)
                _want_again(row)
                session.flush()
                position = _position(session, row)
        return self._view(row, position)

    def is_ready(self, key: str) -> bool:
        """Whether an environment can be used now: by this workspace's builder, and not removed."""
        with self._database.read() as session:
            row = session.get(Environment, key)
        return row is not None and row.state == "ready" and not self._gone(key)

    def rebuild(self, identity: Identity, key: str) -> EnvironmentView:
        """Queue a failed environment again, for an author or administrator; one in the queue stays there.

        Raises ConflictError for one that is ready: the same files build the same environment.
        """
        require(identity, Action.REBUILD_ENVIRONMENT, PLATFORM, "rebuild an environment")
        if self.view(key).state == "ready":
            raise ConflictError(
                "This environment is ready. Change the project's environment files to get another."
            )
        with self._database.write() as session:
            row = session.get_one(Environment, key)
            if row.state == "failed":
                _want_again(row)
        return self.view(key)

    def touch(self, key: str) -> None:
        """Remember that an environment is used now."""
        with self._database.write() as session:
            session.execute(update(Environment).where(Environment.key == key).values(last_used_at=now()))

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
        while not over.wait(lease_seconds / 3):
            if not self.heartbeat(key, owner, lease_seconds):
                lost.set()
                return

    def _finish(self, key: str, owner: str, state: str, **values: object) -> None:
        self._update(
            key, owner, state=state, finished_at=now(), lease_owner=None, lease_expires_at=None, **values
        )

    def _update(self, key: str, owner: str, **values: object) -> bool:
        """Change the row if `owner` still builds it."""
        with self._database.write() as session:
            changed = session.execute(
                update(Environment)
                .where(
                    Environment.key == key,
                    Environment.state == "building",
                    Environment.lease_owner == owner,
                )
                .values(**values)
                .returning(Environment.key)
            ).all()
        return bool(changed)

    def _view(self, row: Environment, position: int | None) -> EnvironmentView:
        log_tail = tail(self.log_path(row.key))
        return EnvironmentView(
            key=row.key,
            state=row.state,
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
