"""The queue: sessions wait in the table for a place; JupyterHub is asked for a server when there is one."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workspace_api.database import now
from workspace_api.errors import LimitReachedError, UnavailableError
from workspace_api.people.models import User
from workspace_api.sessions.admission import Claim, Lack, Outlook, Room, admitted, outlooks
from workspace_api.sessions.hub_client import HubClient, HubRefusedError
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.sizes import Size
from workspace_api.sessions.table import UNENDED, SessionTable, change_row, sessions, view_of
from workspace_api.sessions.views import SessionView, Standing
from workspace_api.settings import GIB

LONGEST_NAME = 20
ASKING = "Asking for a place"
WAITING = WorkSession.state == SessionState.WAITING
OPEN = UNENDED & ~WAITING
logger = logging.getLogger(__name__)


class SessionQueue:
    """Who waits, and who starts next; every process of the workspace may ask it to go on.

    A session has its place from the moment in which its row leaves the state `waiting`. Whoever dies before
    JupyterHub was asked leaves a row that `SessionService.settle` sees, and asks for again.
    """

    def __init__(self, table: SessionTable, hub: HubClient, room: Room, *, waiting_per_person: int) -> None:
        self._table = table
        self._hub = hub
        self._room = room
        self._waiting_per_person = waiting_per_person

    def enter(
        self, user: str, path: str, kind: str, size: Size, environment_key: str | None = None
    ) -> SessionView:
        """Return the person's session on `path`: the one that is there, or a new one that waits.

        A new one has the environment `environment_key`, or with None the one that its project needs. Raises
        LimitReachedError when too many of theirs wait already.
        """
        mine = (User.name == user, UNENDED)
        with self._table.database.write() as session:
            row = session.scalar(sessions(*mine, WorkSession.project == path, WorkSession.kind == kind))
            if row is not None:
                return view_of(row)
            waits = select(func.count()).select_from(WorkSession).join(User).where(User.name == user, WAITING)
            if (number := session.scalar(waits) or 0) >= self._waiting_per_person:
                raise LimitReachedError(
                    f"{number} of your sessions wait for a place, as many as one person may have. Stop one "
                    "under My work, then open this."
                )
            row = WorkSession(
                id=secrets.token_hex(8),
                owner=session.scalars(select(User).where(User.name == user)).one(),
                project=path,
                kind=kind,
                server=server_name(path, kind),
                size=size.name,
                limits=size.limits,
                environment_key=environment_key,
                state=SessionState.WAITING,
                step=ASKING,
                opened_at=dt.datetime.now(dt.UTC),  # precise, for the order of the line
            )
            session.add(row)
            session.flush()
            return view_of(row)

    def admit(self) -> dict[str, UnavailableError]:
        """Start every waiting session for which there is room now; return why which could not be.

        One for which JupyterHub does not answer waits on; one that it refuses is at its end.
        """
        if not self._table.count(WAITING):
            return {}
        with self._table.database.write() as session:
            chosen = self._choose(session)
        failed: dict[str, UnavailableError] = {}
        for view in chosen:
            try:
                self._hub.start(view.owner, view.server)
            except HubRefusedError as error:
                self._table.finish(view.id, SessionState.FAILED, error.detail)
                failed[view.id] = error
            except UnavailableError as error:
                self._put_back(view)
                failed[view.id] = error
        return failed

    def ask_again(self, view: SessionView) -> None:
        """Ask JupyterHub once more for the server of a session that it does not know; who asks first does."""
        seen = WorkSession.asks == view.asks
        if self._table.change(view.id, seen, asks=view.asks + 1, asked_at=now()):
            logger.info("JupyterHub is asked again for the session %s", view.id)
            self._hub.start(view.owner, view.server)

    def standings(self) -> dict[str, Standing]:
        """Return what each waiting session waits for."""
        with self._table.database.read() as session:
            waiting = [view_of(row) for row in session.scalars(sessions(WAITING))]
            if not waiting:
                return {}
            open_ = [view_of(row) for row in session.scalars(sessions(OPEN))]
        claims = {view.id: _claim(view) for view in (*waiting, *open_)}
        held = [claims[view.id] for view in open_]
        found = outlooks([claims[view.id] for view in waiting], held, self._room)
        return {
            view.id: Standing(found[view.id].position, self._words(view, found[view.id], open_))
            for view in waiting
        }

    def _choose(self, session: Session) -> Sequence[SessionView]:
        """Give a place to those whose turn it is; the waiting rows are locked, so that nobody else does."""
        waiting = {row.id: view_of(row) for row in session.scalars(sessions(WAITING).with_for_update())}
        held = [_claim(view_of(row)) for row in session.scalars(sessions(OPEN))]
        chosen = admitted([_claim(view) for view in waiting.values()], held, self._room)
        for claim in chosen:
            change_row(session, claim.id, state=SessionState.PREPARING, step=ASKING, asks=1, asked_at=now())
        return [waiting[claim.id] for claim in chosen]

    def _put_back(self, view: SessionView) -> None:
        """Let a session wait again, unless JupyterHub was reached after all."""
        untouched = (WorkSession.state == SessionState.PREPARING) & (WorkSession.step == ASKING)
        self._table.change(view.id, untouched, state=SessionState.WAITING, step=ASKING, asks=0, asked_at=None)

    def _words(self, view: SessionView, outlook: Outlook, open_: Sequence[SessionView]) -> str:
        own = [each.project for each in open_ if each.owner == view.owner]
        if outlook.lack is Lack.OWN and len(own) < self._room.per_person:
            return f"Others of your sessions come first; one person may have {self._room.per_person} at once."
        if outlook.lack is Lack.OWN:
            return (
                f"You have {len(own)} sessions open, the most at once. This one starts by itself when one of "
                f"them ends: stop {_either(own)} under My work, or wait."
            )
        number = outlook.position
        start = "You are next" if number == 1 else f"You are number {number}"
        if outlook.lack is Lack.NOTHING:
            return "There is a place for you; it starts in a moment."
        if outlook.lack is Lack.GPU:
            return f"{start}: the graphics processor is in use; places get free when a session ends."
        if outlook.lack is Lack.MEMORY and number == 1:
            used = sum(each.size.memory_bytes for each in open_) / GIB
            return (
                f"{start}: it needs {view.size.memory_bytes / GIB:g} GiB of memory, and open sessions hold "
                f"{used:g} of {self._room.memory_bytes / GIB:g} GiB; places get free when a session ends."
            )
        return f"{start}; places get free when a session ends."


def server_name(path: str, kind: str) -> str:
    """Return JupyterHub's name for a server: at most 30 small letters, digits and single hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", path.rpartition("/")[2].lower()).strip("-")[:LONGEST_NAME].strip("-")
    mark = hashlib.sha256(f"{kind} {path}".encode()).hexdigest()[:4]
    return f"{kind[0]}-{slug or 'project'}-{mark}"


def _claim(view: SessionView) -> Claim:
    size = view.size
    return Claim(view.id, view.owner, view.opened_at, size.cpus, size.memory_bytes, size.gpu)


def _either(projects: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(projects)) or "one"
