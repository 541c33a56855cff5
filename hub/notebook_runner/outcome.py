"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass

from .plain_text import bounded_traceback


@dataclass(frozen=True)
class Outcome:
    """The exit code, and for a run that did not reach its end the event that says so.

    ``event`` is '' (reached its end), ``failed`` or ``stopped``; ``error`` names the kind of failure,
    ``message`` says it in words, ``traceback`` is plain text or ''.
    """

    exit_code: int
    event: str = ""
    error: str = ""
    message: str = ""
    traceback: str = ""

    def details(self) -> dict[str, str]:
        """Return the fields that a ``failed`` event carries beside its place; {} for others."""
        if self.event != "failed":
            return {}
        return {"error": self.error, "message": self.message, "traceback": bounded_traceback(self.traceback)}
