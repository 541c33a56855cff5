"""The papermill engine that reports each cell, bounds what it shows and stops where it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import zmq
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine

from .errors import NotebookError, RefusedError, TooMuchOutputError
from .explanations import DIED, explained
from .kernel import PYTHON_KERNEL
from .kernel_manager import SandboxKernelManager
from .output_limit import LEFT_OUT, cut, size_of
from .plain_text import bounded, without_ansi
from .recorder import Recorder, runs

OUTPUT_MESSAGES = {"stream", "display_data", "execute_result", "update_display_data", "error"}
# Consecutive prints are kept as one output up to this size: larger would copy the text over and over.
MERGED_STREAM_CHARACTERS = 65_536
# The largest message accepted from the kernel is this, or this many times the output limit; a larger one
# never enters memory. A kernel that prints without end sends many megabytes in one message.
LARGEST_MESSAGE_BYTES = 64_000_000
LARGEST_MESSAGE_LIMITS = 4
# How long the last outputs of a cell that has ended may take to arrive, on a machine that is busy.
OUTPUT_END_SECONDS = 60
# A kernel that dies cuts its connection a little before its process is gone.
KERNEL_EXIT_SECONDS = 0.3


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
    """Papermill's client with progress and an output budget."""

    def __init__(self, nb_man: Any, *, recorder: Recorder, **options: Any) -> None:
        # Widgets have no one to move them in a report; their state would only fill memory.
        super().__init__(nb_man, store_widget_state=False, iopub_timeout=OUTPUT_END_SECONDS, **options)
        self._recorder = recorder
        self._budget = recorder.budget

    def create_kernel_manager(self) -> Any:
        """Return the manager that starts this notebook's kernel."""
        self.km = SandboxKernelManager(
            kernel_name=self.kernel_name,
            largest_message=max(LARGEST_MESSAGE_BYTES, LARGEST_MESSAGE_LIMITS * self._budget.limit),
        )
        return self.km

    def start_new_kernel_client(self, **options: Any) -> Any:
        """Return the client of the started kernel; raise RefusedError when the kernel does not answer."""
        try:
            client = super().start_new_kernel_client(**options)
        except RuntimeError as error:
            raise RefusedError(
                f"The kernel {self.kernel_name!r} did not start: {error}. "
                "Check that the project's environment files do not replace ipykernel or a package it needs."
            ) from error
        self._disconnections = client.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        return client

    def _message_was_dropped(self) -> bool:
        """Whether the kernel sent a message larger than any accepted, upon which its connection is cut."""
        return bool(self._disconnections.getsockopt(zmq.EVENTS) & zmq.POLLIN)

    async def _async_check_alive(self) -> None:
        """Raise DeadKernelError when the kernel is gone, or has sent a message that was dropped."""
        await super()._async_check_alive()
        if self._message_was_dropped():
            await asyncio.sleep(KERNEL_EXIT_SECONDS)
            await super()._async_check_alive()
            self._budget.exhausted = True
            raise DeadKernelError("The kernel sent a message larger than any accepted.")

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
            self._execute_within_budget(cell, index)
        except CellExecutionError as error:
            if is_quiet_exit(error):
                cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
                return False
            raise self._failed(cell, index, notebook_error(error)) from error
        except (DeadKernelError, CellTimeoutError) as error:
            self.shutdown_kernel = "immediate"
            # Cells have no time limit here: a time-out means that the end of a cell's output never came.
            too_much = self._budget.exhausted or isinstance(error, CellTimeoutError)
            reason = (
                TooMuchOutputError(self._budget.message()) if too_much else NotebookError("KernelDied", DIED)
            )
            raise self._failed(cell, index, reason) from error
        except BaseException as error:
            self.shutdown_kernel = "immediate"
            self._failed(cell, index, error)
            raise
        finally:
            self.nb_man.cell_complete(cell, index)
        self._recorder.changed()
        return True

    def _execute_within_budget(self, cell: Any, index: int) -> None:
        """Execute one cell; raise TooMuchOutputError when an output of it was cut or dropped."""
        self.execute_cell(cell, index)
        if self._budget.exhausted or self._message_was_dropped():
            raise TooMuchOutputError(self._budget.message())

    def _failed(self, cell: Any, index: int, reason: BaseException) -> BaseException:
        """Mark the cell, so that papermill leaves the later ones pending, and save what there is."""
        self.nb_man.cell_exception(cell, index)
        if isinstance(reason, TooMuchOutputError):
            cell.outputs.append(new_output("stream", name="stdout", text=LEFT_OUT))  # type: ignore[no-untyped-call]
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
            self._give_up_cell()
            content = cut(msg["content"], taken)
            if content is None:
                return None
            msg = {**msg, "content": content}
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
    return NotebookError(
        error.ename,
        explained(error.ename, bounded(without_ansi(error.evalue))),
        without_ansi(error.traceback),
    )
