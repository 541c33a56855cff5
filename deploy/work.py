"""The worker process: seeds the curated projects, then builds environments and executes runs."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from deploy.in_force import InForce
from deploy.seed import seed_workspace
from workspace_api.errors import WorkspaceError
from workspace_api.runs.worker import Worker
from workspace_api.workspace import Workspace, open_workspace

logger = logging.getLogger(__name__)
SEED_AGAIN_SECONDS = 1.0
PAGES_FIRST_SECONDS = 5.0  # at a start the processors are wanted for what people wait for
SEED_AGAIN_AT_MOST = 60.0
FOLLOW_GROUPS_SECONDS = 30.0
KEEP_SESSIONS_SECONDS = 5.0
LOOK_AT_BUILDS_SECONDS = 5.0
COLLECT_SECONDS = 600.0
READ_PUSHES_SECONDS = 0.5
LISTEN_AGAIN_SECONDS = 5.0


def work(force: InForce, stop: threading.Event) -> None:
    """Work until `stop` is set."""
    workspace = open_workspace(force.settings())
    if changed := workspace.projects.follow_builder():
        logger.info("%d commits have environments of another builder from now on", changed)
    tasks = (
        (seed_when_possible, "seed"),
        (follow_groups, "groups"),
        (keep_sessions, "sessions"),
        (read_pushes, "pushes"),
        (collect_environments, "collection"),
    )
    for task, name in tasks:
        threading.Thread(target=task, args=(workspace, stop), name=name, daemon=True).start()
    owner = f"worker-{os.getpid()}-{secrets.token_hex(4)}"
    Worker(workspace, workspace.launcher, owner).run(stop)
    workspace.close()


def follow_groups(workspace: Workspace, stop: threading.Event) -> None:
    """Bring the forge to what was changed in groups while it was away."""
    while not stop.wait(FOLLOW_GROUPS_SECONDS):
        try:
            if waiting := workspace.groups.followers.follow_waiting():
                logger.warning("the forge does not follow yet: %s", ", ".join(waiting))
        except WorkspaceError as error:
            logger.warning("groups wait for the forge: %s", error.detail)


def keep_sessions(workspace: Workspace, stop: threading.Event) -> None:
    """Let waiting sessions in, and end those that are gone, whichever process was killed meanwhile."""
    sessions = workspace.sessions
    while not stop.wait(KEEP_SESSIONS_SECONDS):
        for act in (sessions.upkeep.go_on, sessions.git_passwords.end_left, sessions.folders.remove_left):
            try:
                act()
            except (WorkspaceError, SQLAlchemyError) as error:
                logger.warning("sessions wait: %s", error)


def read_pushes(workspace: Workspace, stop: threading.Event) -> None:
    """Have the forge tell of pushes, and read each: its environment is built before it is asked for."""
    pause = LISTEN_AGAIN_SECONDS
    while not stop.wait(pause if pause > LISTEN_AGAIN_SECONDS else PAGES_FIRST_SECONDS):
        try:
            if workspace.pushes.listen():
                logger.info("the forge tells of pushes from now on")
            break
        except WorkspaceError as error:
            logger.warning("the forge cannot be asked to tell of pushes yet: %s", error.detail)
            pause = min(2 * pause, SEED_AGAIN_AT_MOST)
    while not stop.wait(READ_PUSHES_SECONDS):
        try:
            while not stop.is_set() and workspace.pushes.read_next():
                pass
        except Exception:  # one repository must not keep all others from being read
            logger.exception("a push could not be read")
            stop.wait(LISTEN_AGAIN_SECONDS)


def collect_environments(workspace: Workspace, stop: threading.Event) -> None:
    """Remove environments that nobody has used for long, and those that take up too much room."""
    while not stop.wait(COLLECT_SECONDS):
        try:
            workspace.environments.collect()
        except Exception:  # an engine or a disk that does not answer now may answer next time
            logger.exception("environments could not be collected")


def seed_when_possible(workspace: Workspace, stop: threading.Event) -> None:
    """Seed once the forge answers; it starts beside us, and may be a GitLab that is away for a while."""
    pause = SEED_AGAIN_SECONDS
    stop.wait(PAGES_FIRST_SECONDS)
    while not stop.is_set():
        begun = time.monotonic()
        try:
            for line in seed_workspace(workspace):
                logger.info("%s", line)
        except WorkspaceError as error:
            logger.warning("seeding waits: %s", error.detail)
            stop.wait(pause)
            pause = min(2 * pause, SEED_AGAIN_AT_MOST)
        else:
            logger.info("seeded in %.1f s", time.monotonic() - begun)
            break
    want_base(workspace, stop)


def want_base(workspace: Workspace, stop: threading.Event) -> None:
    """Have the environment that warm starts come from built, once no project's waits."""
    environments = workspace.environments
    while not stop.is_set():
        counts = environments.count_by_state()
        if not counts["wanted"] and not counts["building"]:
            environments.want({})
            return
        stop.wait(LOOK_AT_BUILDS_SECONDS)
