"""The papermill engine that reports each cell, bounds what it shows and stops where it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import zmq
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine

from .errors import NotebookError, RefusedError, TooMuchOutputError
from .kernel import PYTHON_KERNEL
from .output_limit import cut, size_of
from .plain_text import bounded, without_ansi
from .recorder import Recorder, runs

OUTPUT_MESSAGES = {"stream", "display_data", "execute_result", "update_display_data", "error"}
# Consecutive prints are kept as one output up to this size: larger would copy the text over and over.
MERGED_STREAM_CHARACTERS = 65_536
# The largest message accepted from the kernel, as a multiple of the output limit; larger ones never enter
# memory.
LARGEST_MESSAGE = 4


class LabforkEngine(Engine):  # type: ignore[misc]
    """Runs a notebook's cells in order and raises at the first that fails."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, recorder: Recorder, project: Path, **options: Any
    ) -> None:
        """Run the notebook of ``nb_man`` on ``kernel_name`` with ``project`` importable.

        Raises NotebookError, TooMuchOutputError, RefusedError (the kernel does not start) or StoppedError.
        """
        client = WatchedClient(nb_man, recorder=recorder, kernel_name=kernel_name, timeout=None)
        if kernel_name == PYTHON_KERNEL:
            client.extra_arguments = [f"--IPKernelApp.exec_lines={import_from(project)}"]
        client.execute()


def import_from(folder: Path) -> str:
    """Return a line of Python that puts ``folder`` on the import path, after the notebook's own folder."""
    insert = f"path.insert(path.index('') + 1 if '' in path else 0, {str(folder)!r})"
    return f"(lambda path: {insert})(__import__('sys').path)"


class WatchedClient(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client with progress, an output budget and no TCP ports."""

    def __init__(self, nb_man: Any, *, recorder: Recorder, **options: Any) -> None:
        # Widgets have no one to move them in a report; their state would only fill memory.
        super().__init__(nb_man, store_widget_state=False, **options)
        self._recorder = recorder
        self._budget = recorder.budget

    def create_kernel_manager(self) -> Any:
        """Return a kernel manager that talks over Unix sockets and refuses messages beyond all measure."""
        manager = super().create_kernel_manager()
        manager.transport = "ipc"
        manager.context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE * max(self._budget.limit, 1_000_000))
        return manager

    def start_new_kernel_client(self, **options: Any) -> Any:
        """Return the client of the started kernel; raise RefusedError when the kernel does not answer."""
        try:
            return super().start_new_kernel_client(**options)
        except RuntimeError as error:
            raise RefusedError(
                f"The kernel {self.kernel_name!r} did not start: {error}. "
                "Check that the project's environment files do not replace ipykernel or a package it needs."
            ) from error

    def papermill_execute_cells(self) -> None:
        """Run each cell that does anything; stop at a failure or at ``sys.exit()``."""
        for index, cell in enumerate(self.nb.cells):
            if runs(cell) and not self._run_cell(cell, index):
                return

    def _run_cell(self, cell: Any, index: int) -> bool:
        """Run one cell; return whether the next may run. One that does not end is marked failed and saved."""
        self._recorder.cell_started(index)
        self.nb_man.cell_start(cell, index)
        try:
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            if is_quiet_exit(error):
                cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
                return False
            raise self._failed(cell, index, notebook_error(error)) from error
        except DeadKernelError as error:
            self.shutdown_kernel = "immediate"
            reason = TooMuchOutputError(self._budget.message()) if self._budget.exhausted else kernel_died()
            raise self._failed(cell, index, reason) from error
        except BaseException as error:
            self.shutdown_kernel = "immediate"
            self._failed(cell, index, error)
            raise
        finally:
            self.nb_man.cell_complete(cell, index)
        self._recorder.changed()
        return True

    def _failed(self, cell: Any, index: int, reason: BaseException) -> BaseException:
        """Mark the cell, so that papermill leaves the later ones pending, and save what there is."""
        self.nb_man.cell_exception(cell, index)
        self._recorder.save()
        return reason

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Count an output against the budget; what does not fit is cut and the cell is given up."""
        if msg["msg_type"] == "clear_output":
            self._budget.release(cell_index)
        if msg["msg_type"] not in OUTPUT_MESSAGES:
            return super().process_message(msg, cell, cell_index)
        if self._budget.exhausted:
            return None
        size = size_of(msg["content"])
        taken = self._budget.take(cell_index, size)
        if taken < size:
            msg = {**msg, "content": {**msg["content"], **cut(msg["content"], taken)}}
            self._give_up_cell()
        result = super().process_message(msg, cell, cell_index)
        self._recorder.changed()
        return result

    def _give_up_cell(self) -> None:
        """End the wait for the running cell; it raises DeadKernelError where it was started."""
        if isinstance(self.task_poll_for_reply, asyncio.Future):
            self.task_poll_for_reply.cancel()

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """Append an output; text that continues the last output of the same stream is joined to it."""
        content = msg["content"]
        if msg["msg_type"] == "stream" and outs and not self.clear_before_next_output:
            last = outs[-1]
            same = last.output_type == "stream" and last.name == content["name"]
            if same and len(last.text) < MERGED_STREAM_CHARACTERS:
                last.text += content["text"]
                return last
        return super().output(outs, msg, display_id, cell_index)


def is_quiet_exit(error: Any) -> bool:
    """Whether a cell called ``sys.exit()`` without a failure code."""
    return error.ename == "SystemExit" and error.evalue in ("", "0", "None")


def notebook_error(error: Any) -> NotebookError:
    """Return what a cell raised, in plain text of bounded length."""
    return NotebookError(error.ename, bounded(without_ansi(error.evalue)), without_ansi(error.traceback))


def kernel_died() -> NotebookError:
    """Return the error for a kernel that ended while a cell ran."""
    return NotebookError(
        "KernelDied",
        "The notebook's process ended in the middle of this step, most often because it needed more memory "
        "than it may use. Try a smaller input, or ask for more memory in the project's workspace.yaml.",
    )
