"""Watches over one container: starts it, keeps its limits, records how it ended.

As `hub.supervisor` does for a sandbox, with the same files in the job's folder: a process of its own for each
job, so that the job outlives whoever asked for it, and a lock on `lock` while it lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]
import docker.utils.socket  # type: ignore[import-untyped]
import requests

from hub.bell import Bell
from hub.container_end import ANSWER_SECONDS, end_of
from hub.containers import connect
from hub.control_groups import ROOT, ControlGroup
from hub.disk_use import DiskWatch
from hub.job_log import JobLog
from hub.metadata import NetworkError, shut_out
from hub.records import reserve_record, write_record
from hub.relay import serve
from hub.supervisor import CHUNK, LOOK, LOOK_CLOSELY, REPORT, take_on
from hub.usage import UsageMeter
from hub.warm.container_asking import ForkedJob, fork_into

GRACE = {"cancelled": 4.0, "time": 4.0}  # seconds in which a job may still save what it has
REFUSED_FORKS = 200
LAST_OUTPUT_SECONDS = 5.0
REMOVAL_TRIES = 600  # a second apart
NOT_STARTED = 127  # a shell's exit code for a command that could not be started
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None, use_errno=True)
ENGINE_ERRORS = (docker.errors.DockerException, requests.RequestException, OSError)


class ContainerSupervisor:
    """One container from start to end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self.limits = self.plan["limits"]
        self.log = JobLog(folder / "log", self.limits["log_bytes"])
        self.group: ControlGroup | None = None
        self.peak = 0
        self.meter = UsageMeter()
        self.first: int | None = None  # a descriptor of just the container's first process
        self.forked: ForkedJob | None = None  # the job, where it was forked into the container
        self.bell = Bell(folder)
        self.ended = threading.Event()
        self.status: int | None = None  # stays None when the engine no longer tells

    def run(self) -> None:
        """Start the container, watch it, and record how it ended."""
        reserve_record(self.folder / "exit.json")
        disk = DiskWatch(self.plan["writable"], self._processes, LOOK)
        container, relay = None, None
        try:
            client = connect(self.plan["host"])
            container = client.containers.create(**self.plan["options"])
            output, relay = self._start(client, container)
        except ENGINE_ERRORS as error:
            words = _words(error, self.plan["host"])
            self.log.write(f"It could not be started: {words}\n".encode())
            ended: tuple[str, int | None] = ("exited", NOT_STARTED)
        else:
            disk.start(self.limits["disk_bytes"], self.bell.ring)
            ended = self._watch(container, disk)
            self._kill(container)  # what is left in it may hold its output open
            output.join(LAST_OUTPUT_SECONDS)
            disk.stop()
        removed = container is None or self._remove(container, tries=1)
        if not removed and self.group is not None:  # a start may have been cut off
            self.group.kill()
        if relay is not None:
            os.kill(relay, signal.SIGKILL)
            os.waitpid(relay, 0)
        record = {"reason": ended[0], "exit_code": ended[1], "peak_memory_bytes": self.peak}
        write_record(self.folder / "exit.json", record, lasting=True)
        if container is not None and not removed:  # its engine may come back
            self._remove(container, tries=REMOVAL_TRIES)

    def _start(self, client: Any, container: Any) -> tuple[threading.Thread, int | None]:
        """Start the container, make all ready for its job, and let that begin."""
        attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        container.start()
        pid = client.api.inspect_container(container.id)["State"]["Pid"]
        with contextlib.suppress(OSError):  # it has ended already
            self.first = os.pidfd_open(pid)
        self.group = control_group_of(pid)
        if self.plan["open"]:
            shut_out(pid)
        relay = self._relay(pid)
        if self.plan["warm"] is not None:
            try:
                return self._begin_warm(container, pid, attached), relay
            except OSError as error:
                print(f"no warm start: {error}", file=sys.stderr, flush=True)
        output = _in_thread(self._keep_output, attached)
        _in_thread(self._await_end, client, container.id)
        attached._sock.sendall(b"\n")
        return output, relay

    def _begin_warm(self, container: Any, pid: int, attached: Any) -> threading.Thread:
        """Have the job forked into the container, whose own process goes on waiting; raises OSError.

        That one is told which it is, and passes on to it what it is sent when the container is stopped.
        """
        read_output, write_output = os.pipe()
        try:
            self.forked = fork_into(pid, self.plan["warm"], _variables(container), write_output)
        except OSError:
            os.close(read_output)
            raise
        finally:
            os.close(write_output)
        with contextlib.suppress(OSError):  # the engine has gone away, and that ends the job
            attached._sock.sendall(f"{self.forked.number}\n".encode())
        _in_thread(self._await_fork, self.forked)
        _in_thread(self._await_engine, container)
        _in_thread(self._keep_output, attached)  # the engine keeps a container whose own output nobody reads
        return _in_thread(self._keep_pipe, read_output)

    def _relay(self, pid: int) -> int | None:
        """Carry the job's connections, in a process that shares the container's network and nothing else."""
        rules = [(str(port), path) for port, path in self.plan["forwards"]]
        for path, port in self.plan["listeners"]:
            rules.append((f"@{_listen(path)}", str(port)))
        if not rules:
            return None
        read_end, write_end = os.pipe()
        if (child := os.fork()) == 0:
            try:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                os.close(read_end)
                enter_network(pid)
                asyncio.run(serve(rules, write_end))
            finally:
                os._exit(1)
        os.close(write_end)
        ready = os.read(read_end, 1)
        os.close(read_end)
        if not ready:
            os.waitpid(child, 0)
            raise NetworkError("its connections could not be carried; see supervisor.log")
        return child

    def _keep_output(self, attached: Any) -> None:
        with contextlib.suppress(OSError):  # the engine closes it with the container
            for _, chunk in docker.utils.socket.frames_iter(attached, tty=False):
                self.log.write(chunk)

    def _keep_pipe(self, output: int) -> None:
        while chunk := os.read(output, CHUNK):
            self.log.write(chunk)

    def _await_fork(self, forked: ForkedJob) -> None:
        with contextlib.suppress(OSError):  # then the status stays unknown
            self.status = forked.wait()
        self._note_end()

    def _await_engine(self, container: Any) -> None:
        """Count a forked job as lost when the engine goes away, which may end it, as any other then is."""
        try:
            container.wait(timeout=None)
        except ENGINE_ERRORS:
            if not self.ended.is_set():
                self.status = None
                self._note_end()

    def _await_end(self, client: Any, identifier: str) -> None:
        with contextlib.suppress(*ENGINE_ERRORS):  # then the status stays unknown
            self.status = client.api.wait(identifier, timeout=None)["StatusCode"]
        self._note_end()

    def _note_end(self) -> None:
        self.ended.set()
        self.bell.ring()

    def _watch(self, container: Any, disk: DiskWatch) -> tuple[str, int | None]:
        began = time.monotonic()
        deadline, report_at = began + self.limits["wall_seconds"], began
        while not self.ended.is_set():
            if time.monotonic() >= report_at:
                report_at = time.monotonic() + REPORT
                self._report()
            if (reason := self._exceeded(deadline, disk)) is not None:
                self._end(GRACE.get(reason, 0.0))
                return reason, None
            now = time.monotonic()
            # the group ends with its container, and takes the peak with it: a short job's is looked for soon
            pause = min(LOOK, max(LOOK_CLOSELY, (now - began) / 10))
            self.bell.wait(min(pause, deadline - now))
        return self._end_by_itself(container, disk)

    def _end_by_itself(self, container: Any, disk: DiskWatch) -> tuple[str, int | None]:
        """Return why the job ended where we had no part in that, and its exit code."""
        if self.status is None:
            return "lost", None
        if self.group is not None and self.group.out_of_memory():
            return self._out_of_memory(), None
        try:
            end = end_of(self.plan["host"], container.id)
        except ENGINE_ERRORS:  # somebody removed it, or its engine stops
            return "lost", None
        if end.out_of_memory:
            return self._out_of_memory(), None
        if end.from_outside:
            return "lost", None
        if self.status and disk.look() > self.limits["disk_bytes"]:  # it filled it between two looks
            return "disk", None
        return "exited", self.status

    def _exceeded(self, deadline: float, disk: DiskWatch) -> str | None:
        if (self.folder / "cancel").exists():
            return "cancelled"
        if time.monotonic() > deadline:
            return "time"
        if disk.growth > self.limits["disk_bytes"]:
            return "disk"
        if self.group is None:
            return None
        self.peak = max(self.peak, self.group.peak_memory())
        if self.group.out_of_memory():
            return self._out_of_memory()
        return "processes" if self.group.refused_forks() > REFUSED_FORKS else None

    def _out_of_memory(self) -> str:
        self.peak = max(self.peak, self.limits["memory_bytes"])  # that is how it came about
        return "memory"

    def _end(self, grace: float) -> None:
        """Ask the job to stop, without the engine, which may hang; wait up to `grace` seconds for it."""
        if grace:
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                if self.forked is not None:
                    self.forked.ask_to_end()
                elif self.first is not None:
                    signal.pidfd_send_signal(self.first, signal.SIGTERM)  # the engine's init passes it on
                self.ended.wait(grace)

    def _kill(self, container: Any) -> None:
        """End everything in the container, without the engine where its control group can be seen."""
        if self.group is not None:
            self.group.kill()
        else:
            with contextlib.suppress(*ENGINE_ERRORS):  # it has ended already
                container.kill()

    def _remove(self, container: Any, *, tries: int) -> bool:
        """End the container with all that runs in it; whether the engine has none of it any more.

        An engine that does not answer is given time to come back.
        """
        for number in range(tries):
            time.sleep(min(number, 1))
            try:
                with contextlib.closing(connect(self.plan["host"], ANSWER_SECONDS)) as client:
                    client.api.remove_container(container.id, force=True, v=True)
            except docker.errors.NotFound:
                return True
            except ENGINE_ERRORS as error:
                print(f"{container.name} is not removed yet: {error}", file=sys.stderr)
            else:
                return True
        return False

    def _processes(self) -> list[int]:
        return self.group.processes() if self.group is not None else []

    def _report(self) -> None:
        with contextlib.suppress(OSError):  # a full disk hides the figures, and changes nothing else
            self.meter.note(self.folder, self.group, self._processes(), self.peak)


def _in_thread(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _variables(container: Any) -> dict[str, str]:
    """Return the variables that the engine gives the container's own process: the image's, and the job's."""
    config = container.attrs["Config"]
    given = dict(variable.split("=", 1) for variable in config["Env"] if "=" in variable)
    return {"HOSTNAME": config["Hostname"], "PWD": config["WorkingDir"], **given}


def control_group_of(pid: int) -> ControlGroup | None:
    """Return the control group that the engine made for the process `pid`, None where it cannot be seen."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    folders: dict[str, Path] = {}
    unified = (ROOT / "cgroup.controllers").exists()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for kind in ("memory", "pids", "cpu"):
            if unified and not controllers:
                folders[kind] = ROOT / path.lstrip("/")
            elif kind in controllers.split(","):
                folders[kind] = ROOT / kind / path.lstrip("/")
    seen = len(folders) == 3 and folders["pids"].is_dir()
    return ControlGroup(folders, unified=unified) if seen else None


def enter_network(pid: int) -> None:
    """Make the network of the process `pid` our own; raises OSError where that is not allowed."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if LIBC.setns(descriptor, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the container's network cannot be entered: {os.strerror(number)}")
    os.close(descriptor)


def _listen(path: str) -> int:
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    Path(path).chmod(0o600)
    listener.listen(64)
    return listener.detach()


def _words(error: Exception, host: str) -> str:
    if isinstance(error, docker.errors.APIError):
        return str(error.explanation or error)
    if isinstance(error, NetworkError):
        return str(error)
    return f"the container engine at {host} does not answer. Ask an administrator to start it."


def supervise(folder: Path) -> None:
    """See the job of `folder` to its end."""
    ContainerSupervisor(folder).run()


def main() -> None:
    """Supervise a job in a container."""
    take_on(supervise)
