"""Pushes: noted when the forge tells of them, read by the worker a moment later."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from workspace_api.database import Database, now
from workspace_api.errors import NotFoundError, WorkspaceError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.hooks import ensure_hook
from workspace_api.projects.models import Project
from workspace_api.projects.service import ProjectService
from workspace_api.pushes.models import Push
from workspace_api.settings import Settings

logger = logging.getLogger(__name__)
WAITING = 100  # branches and tags of one project; what moves beyond is read when somebody asks for it
LONGEST_REF = 255
READING = dt.timedelta(minutes=5)  # after which another worker may try
WAITS = tuple(dt.timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 600))


class PushService:
    """The pushes that wait to be read.

    An event says no more than that a ref moved: what it leads to is asked of the forge when it is read. So
    events that come twice, late, or out of order do no harm.
    """

    def __init__(
        self, database: Database, forge: ForgeClient, projects: ProjectService, settings: Settings
    ) -> None:
        self._database = database
        self._forge = forge
        self._projects = projects
        self._settings = settings

    def listen(self) -> bool:
        """Have the forge tell of pushes; whether that is new. UnavailableError when it does not answer."""
        return ensure_hook(self._forge, self._settings)

    def note(self, forge_id: int, ref: str) -> bool:
        """Note that a branch or tag moved; false where the workspace does not know the project."""
        if len(ref) > LONGEST_REF or not ref.startswith(("refs/heads/", "refs/tags/")):
            return False
        with self._database.read() as session:
            project_id = session.scalar(select(Project.id).where(Project.forge_id == forge_id))
        if project_id is None:
            return False
        try:
            return self._put(project_id, ref)
        except IntegrityError:  # told of twice at the same moment
            return self._put(project_id, ref)

    def read_next(self) -> bool:
        """Read what the push that has waited longest brought; false when none waits.

        A forge that does not answer is asked again later, a few times.
        """
        with self._database.write() as session:
            waiting = select(Push).where(Push.due_at <= now()).options(joinedload(Push.project))
            row = session.scalar(waiting.order_by(Push.due_at, Push.id).limit(1))
            if row is None:
                return False
            row.due_at = now() + READING
        path = row.project.path
        try:
            key = self._projects.read_pushed(path, row.ref)
            logger.info("%s: %s was pushed, environment %s", path, row.ref, key)
        except NotFoundError:
            logger.info("%s: %s is gone by now", path, row.ref)
        except WorkspaceError as error:
            self._try_again(row, error.detail)
            return True
        self._done(row)
        return True

    def _put(self, project_id: int, ref: str) -> bool:
        with self._database.write() as session:
            moved = session.execute(
                update(Push)
                .where(Push.project_id == project_id, Push.ref == ref)
                .values(count=Push.count + 1, tries=0, due_at=now())
                .returning(Push.id)
            ).all()
            if moved:
                return True
            of_project = select(func.count()).where(Push.project_id == project_id)
            if (session.scalar(of_project) or 0) >= WAITING:
                return False
            session.add(Push(project_id=project_id, ref=ref, due_at=now()))
            return True

    def _try_again(self, row: Push, reason: str) -> None:
        if row.tries >= len(WAITS):
            logger.warning("%s: %s was not read: %s", row.project.path, row.ref, reason)
            self._done(row)
            return
        with self._database.write() as session:
            session.execute(
                update(Push)
                .where(Push.id == row.id, Push.count == row.count)
                .values(tries=row.tries + 1, due_at=now() + WAITS[row.tries])
            )

    def _done(self, row: Push) -> None:
        """Forget a push, unless the ref moved again meanwhile."""
        with self._database.write() as session:
            session.execute(delete(Push).where(Push.id == row.id, Push.count == row.count))
