"""The whole run: read the request, execute the notebook, write the report."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from .errors import NotebookError, RefusedError, RequestError, StoppedError, TooMuchOutputError
from .events import EventLog
from .outcome import Outcome
from .request import Request, read_request
from .surroundings import available_kernels, prepare_surroundings

OK, BAD_REQUEST, RAISED, REFUSED, TOO_MUCH_OUTPUT, STOPPED = 0, 2, 3, 4, 5, 143


def main(arguments: list[str]) -> int:
    """Run the request file named in ``arguments`` and return the exit code."""
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if len(arguments) != 1:
        print("usage: python -I run.py REQUEST.json", file=sys.stderr)
        return BAD_REQUEST
    try:
        request = read_request(Path(arguments[0]))
        request.result.mkdir(parents=True, exist_ok=True)
        events = EventLog(request.result / "events.jsonl")
    except (RequestError, OSError) as error:
        print(error, file=sys.stderr)
        return BAD_REQUEST
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as scratch:
        prepare_surroundings(Path(scratch))
        return run(request, events)


def stop(number: int, frame: FrameType | None) -> None:
    """Leave the run at the first signal; later ones are ignored while it is tidied up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise StoppedError


def run(request: Request, events: EventLog) -> int:
    """Execute and report; every way to end is said in the event log."""
    try:
        return run_steps(request, events)
    except RefusedError as error:
        events.write("refused", message=str(error))
        return REFUSED
    except StoppedError:
        events.write("stopped")
        return STOPPED
    except OSError as error:
        return unwritable(events, error)


def run_steps(request: Request, events: EventLog) -> int:
    """Read, execute, save, report; raise RefusedError, StoppedError or OSError where that is not possible."""
    recorder = prepare(request, events)
    outcome = execute(request, recorder)
    if outcome.event:
        events.write(outcome.event, **recorder.position(), heading=recorder.heading(), **outcome.details())
    recorder.save()
    from .report import write_report

    write_report(request, recorder.notebook, outcome, recorder.heading())
    events.write("report")
    if outcome.exit_code == OK:
        events.write("finished")
    return outcome.exit_code


def unwritable(events: EventLog, error: OSError) -> int:
    """Say that the results could not be kept; on stderr too, since the event log may be on the full disk."""
    message = (
        f"The results could not be written: {error}. "
        "Make room where runs are kept, or ask an administrator to, and run again."
    )
    print(message, file=sys.stderr)
    with contextlib.suppress(OSError):
        events.write("failed", error="ResultsNotWritten", message=message, traceback="")
    return RAISED


def prepare(request: Request, events: EventLog) -> Any:
    """Return the recorder of the notebook, parameters injected; raise RefusedError if it cannot be run."""
    from .kernel import choose_kernel, language_of
    from .notebook_file import NotebookFile
    from .output_limit import OutputBudget
    from .recorder import Recorder
    from .source import find_notebook, read_notebook

    notebook = read_notebook(find_notebook(request.project, request.notebook))
    kernel = choose_kernel(notebook.metadata, available_kernels())
    language = language_of(notebook.metadata) or "python"
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": language}
    if request.parameters:
        notebook = with_parameters(notebook, request.parameters)
    file = NotebookFile(request.result / "notebook.ipynb")
    return Recorder(notebook, file, events, OutputBudget(request.output_bytes))


def with_parameters(notebook: Any, parameters: dict[str, Any]) -> Any:
    """Return the notebook with a cell that sets ``parameters`` after the one tagged ``parameters``.

    Raises RefusedError when papermill cannot write values in the notebook's language.
    """
    from papermill.exceptions import PapermillException
    from papermill.parameterize import parameterize_notebook

    spec = notebook.metadata.kernelspec
    try:
        return parameterize_notebook(notebook, parameters, kernel_name=spec.name, language=spec.language)
    except PapermillException as error:
        raise RefusedError(
            f"Parameters cannot be given to a notebook in {spec.language}: {error}. "
            "Use a language that papermill supports, such as Python or R, or take the parameters out."
        ) from error


def execute(request: Request, recorder: Any) -> Outcome:
    """Run the cells in the notebook's folder; return how it ended. Raise RefusedError without a kernel."""
    from papermill.engines import papermill_engines
    from papermill.utils import chdir

    from .engine import LabforkEngine
    from .source import find_notebook

    papermill_engines.register("labfork", LabforkEngine)
    folder = find_notebook(request.project, request.notebook).parent
    # Reading the report's libraries takes as long as starting a kernel, so both happen at once.
    threading.Thread(target=load_report_libraries, daemon=True).start()
    recorder.started()
    try:
        with chdir(str(folder)):
            papermill_engines.execute_notebook_with_engine(
                "labfork",
                recorder.notebook,
                recorder.notebook.metadata.kernelspec.name,
                progress_bar=False,
                recorder=recorder,
                project=request.project.resolve(),
            )
    except NotebookError as error:
        return Outcome(RAISED, "failed", error.name, error.message, error.traceback)
    except TooMuchOutputError as error:
        return Outcome(TOO_MUCH_OUTPUT, "failed", "TooMuchOutput", str(error))
    except StoppedError:
        return Outcome(STOPPED, "stopped")
    return Outcome(OK)


def load_report_libraries() -> None:
    """Import what the report needs, ahead of its use."""
    importlib.import_module(".report", __package__)
