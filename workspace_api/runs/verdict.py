"""What the end of a job means for its run."""

from __future__ import annotations

from collections.abc import Mapping

from hub.jobs import Outcome
from hub.notebook_runner.program import OK, REFUSED, TOO_MUCH_OUTPUT
from workspace_api.runs.limits import exceeded, too_much_output
from workspace_api.runs.models import RunState
from workspace_api.runs.notebook_events import Progress

LIMITS = ("memory", "time", "disk", "processes")


def verdict(
    outcome: Outcome, progress: Progress, limits: Mapping[str, float], last_words: str = ""
) -> tuple[RunState, str | None]:
    """Return the state a run ends in, and in words why where it did not succeed.

    `last_words` is the last line of the job's log, for an end that nothing else explains.
    """
    if outcome.reason == "cancelled":
        return RunState.CANCELLED, None
    if outcome.reason in LIMITS:
        return RunState.FAILED, exceeded(outcome.reason, limits)
    if outcome.exit_code == OK and progress.ending == "finished":
        return RunState.SUCCEEDED, None
    if outcome.exit_code == TOO_MUCH_OUTPUT:
        return RunState.FAILED, too_much_output(limits)
    if progress.ending in ("failed", "refused") and progress.message:
        return RunState.FAILED, progress.message
    how = "refused the notebook" if outcome.exit_code == REFUSED else f"ended with {outcome.exit_code}"
    said = f": {last_words.rstrip('.')}" if last_words else ""
    return RunState.FAILED, f"The program that runs the notebook {how}{said}."
