"""The one way a subprocess is started: an argument list, a time limit, a folder, a bounded output."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

OUTPUT_BYTES = 1_000_000


class CommandError(Exception):
    """A command that could not be started, took too long, or ended with a status other than 0.

    `status` is None where it did not end by itself; `output` is what it wrote, errors last.
    """

    def __init__(self, message: str, *, status: int | None = None, output: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.output = output


@dataclass(frozen=True)
class Answer:
    """What a command wrote; either is cut at the limit of its call."""

    stdout: str
    stderr: str


def run(
    arguments: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    output_bytes: int = OUTPUT_BYTES,
) -> Answer:
    """Run a command to its end and return what it wrote.

    Output goes through files, so that a command that writes without end fills neither memory nor a pipe.
    Raises CommandError when it cannot be started, is not done after `timeout` seconds (its whole process
    group is killed), or ends with another status than 0.
    """
    name = Path(arguments[0]).name
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                arguments,
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=given,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"{name} could not be started: {error.strerror}") from error
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            written = _head(err, output_bytes)
            raise CommandError(f"{name} was not done after {timeout:.0f} s", output=written) from None
        answer = Answer(_head(out, output_bytes), _head(err, output_bytes))
    if status != 0:
        words = answer.stderr.strip() or answer.stdout.strip()
        last = words.splitlines()[-1] if words else "it wrote nothing"
        raise CommandError(f"{name} ended with status {status}: {last[:500]}", status=status, output=words)
    return answer


def _head(file: IO[bytes], limit: int) -> str:
    file.seek(0)
    return file.read(limit).decode("utf-8", errors="replace")


class Cancelled(Exception):  # noqa: N818 - the name of the event
    """A command that was ended because its caller no longer wants it."""


def stream(
    arguments: Sequence[str | Path],
    log: Path,
    *,
    timeout: float,
    cancelled: Callable[[], bool],
    keep: int | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command whose output is appended to `log` while it works.

    `keep` is a descriptor that the command inherits: a lock on it is held until the command ends, even where
    we do not live so long. Raises CommandError as `run` does, with the end of the output, and Cancelled.
    """
    name = Path(arguments[0]).name
    with log.open("ab") as file:
        begin = file.tell()
        try:
            process = subprocess.Popen(
                arguments,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if keep is None else (keep,),
            )
        except OSError as error:
            raise CommandError(f"{name} could not be started: {error.strerror}") from error
    deadline = time.monotonic() + timeout
    while (status := _wait(process)) is None:
        stop = cancelled()
        if stop or time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if stop:
                raise Cancelled(name)
            raise CommandError(f"{name} was not done after {timeout:.0f} s")
    if status != 0:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - OUTPUT_BYTES))
            words = file.read(OUTPUT_BYTES).decode("utf-8", errors="replace")
        raise CommandError(f"{name} ended with status {status}", status=status, output=words)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(0.1)
    except subprocess.TimeoutExpired:
        return None
