"""The ways a run can end before its last cell."""

from __future__ import annotations


class RequestError(Exception):
    """The request file is not what the runner understands; the caller is at fault, not the notebook."""


class RefusedError(Exception):
    """The notebook cannot be run at all; the message says why and what to do."""


class NotebookError(Exception):
    """A cell raised, or its kernel died.

    Attributes: ``name`` the exception's class name, ``message`` its text, ``traceback`` plain text, oldest
    call first.
    """

    def __init__(self, name: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message
        self.traceback = traceback


class TooMuchOutputError(Exception):
    """The notebook printed or displayed more than its limit."""


class StoppedError(KeyboardInterrupt):
    """SIGTERM or SIGINT arrived.

    A ``KeyboardInterrupt``, because asyncio lets only that and ``SystemExit`` through its event loop.
    """
