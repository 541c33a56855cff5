"""Processes that are killed (SIGKILL) at each moment at which they could leave something half made."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from workspace_api.settings import Settings
from workspace_api.workspace import open_workspace

Work = Callable[..., Any]
PROCESSES = multiprocessing.get_context("spawn")


def killed_at_each_moment(settings: Settings, work: Work, *arguments: Any) -> Iterator[None]:
    """Do `work(workspace, *arguments)` again and again, each time in a process of its own.

    The first is killed just before its first commit to the database, the second just after that, the third
    just before the second commit, and so on. Yields after each that was killed, and at last after one that
    came to its end. What is done the first time alone, such as reading a project, is to be done before.
    """
    here, there = PROCESSES.Pipe()
    parent = PROCESSES.Process(target=_have_killed, args=(there, settings, work, arguments))
    parent.start()
    try:
        ended = -signal.SIGKILL
        while ended == -signal.SIGKILL:
            here.send("go on")
            ended = here.recv()
            assert ended in (0, -signal.SIGKILL), "the work itself failed; its traceback is above"
            yield
    finally:
        here.close()
        parent.join()


def _have_killed(there: Connection, settings: Settings, work: Work, arguments: tuple[Any, ...]) -> None:
    """Fork a process for each moment, from this one that has all modules; until nobody asks any more."""
    for moment in itertools.count():
        try:
            there.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            _work(settings, moment, work, arguments)
        there.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _work(settings: Settings, moment: int, work: Work, arguments: tuple[Any, ...]) -> None:
    moments = itertools.count()

    def may_be_the_last(*_: object) -> None:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        workspace = open_workspace(settings)
        event.listen(workspace.database.engine, "commit", may_be_the_last)
        event.listen(Session, "after_commit", may_be_the_last)
        work(workspace, *arguments)
    except BaseException:  # noqa: BLE001 - a fork must never go on as the test
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
