"""Supervises one job whose program is a fork of ours instead of an interpreter that loads everything anew."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from hub.relay import serve
from hub.supervisor import Process, Supervisor, open_listeners
from hub.warm import seccomp
from hub.warm.entering import Namespaces, give_up_rights
from hub.warm.forking import Forked, settle
from hub.warm.program import become, retitle


class WarmSupervisor(Supervisor):
    """One job whose plan may have a part `warm`; whatever goes wrong with it, the job starts as any other."""

    def _start(self) -> tuple[Process, int]:
        if self.plan["warm"] is None:
            return super()._start()
        read_output, write_output = os.pipe()
        listeners = open_listeners(self.plan["listeners"])
        try:
            first = self._fork_into(self._hold(write_output), write_output, listeners)
        except OSError as error:
            print(f"no warm start: {error}", file=sys.stderr, flush=True)
            os.close(read_output)
            return self._start_cold()
        finally:
            for descriptor in (write_output, *listeners):
                os.close(descriptor)
        os.set_blocking(read_output, False)
        return first, read_output

    def _start_cold(self) -> tuple[Process, int]:
        if self.sandbox is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.sandbox[1], signal.SIGKILL)
            os.close(self.sandbox[1])
            self.sandbox = None
        return super()._start()

    def _hold(self, output: int) -> int:
        """Make the sandbox, and return its first process once it is complete."""
        read_ready, write_ready = os.pipe()
        try:
            self._begin(self.plan["warm"]["holder"], write_ready, output)
        finally:
            os.close(write_ready)
        with os.fdopen(read_ready, "rb") as ready:
            if not ready.readline() or self.sandbox is None:
                raise OSError("the sandbox could not be made")
        return self.sandbox[0]

    def _fork_into(self, sandbox: int, output: int, listeners: Sequence[int]) -> Forked:
        """Fork the job into the process namespace of `sandbox`; OSError when it cannot enter it."""
        namespaces = Namespaces.of(sandbox)
        read_pid, write_pid = os.pipe()
        tasks = self._tasks()
        if (entering := os.fork()) == 0:
            try:
                os.close(read_pid)
                self._enter(namespaces, tasks, output, listeners, write_pid)
            except BaseException as error:  # noqa: BLE001 - nothing of ours goes on from here
                print(f"the sandbox cannot be entered: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(1)
        os.close(write_pid)
        namespaces.close()
        with os.fdopen(read_pid, "rb") as said:
            number = said.read()
        os.waitpid(entering, 0)
        if not number:
            raise OSError("the sandbox could not be entered")
        return Forked(int(number))  # ours now, as we are the reaper of what our children leave behind

    def _enter(
        self, namespaces: Namespaces, tasks: int | None, output: int, listeners: Sequence[int], report: int
    ) -> NoReturn:
        """In a fork: enter the sandbox, give up every right, start the relay and the job; say its number.

        Relay and job are under the filter of system calls, as they are in a cold start.
        """
        warm = self.plan["warm"]
        silence = os.open(os.devnull, os.O_RDONLY)
        library, sys.path[:] = list(sys.path), []  # from here on nothing may be loaded: see hub.warm.entering
        self._in_child(tasks)
        namespaces.enter()
        give_up_rights(warm["uid"], warm["gid"], warm["groups"])
        os.dup2(silence, 0)
        if filtered := self.plan.get("filter"):
            seccomp.take_on([bytes.fromhex(filtered)])
        self._relay(warm["rules"], output)
        if (job := os.fork()) != 0:
            os.write(report, str(job).encode())
            os._exit(0)
        sys.path[:] = library
        settle(output)
        become(warm["argv"], warm["env"], warm["cwd"])

    def _relay(self, rules: Sequence[tuple[str, str]], output: int) -> None:
        """Leave the relay behind in the sandbox, listening."""
        if not rules:
            return
        read_ready, write_ready = os.pipe()
        if os.fork() == 0:
            keep = [int(place[1:]) for place, _ in rules if place.startswith("@")]
            settle(output, keep=(*keep, write_ready))
            retitle(("relay",))
            asyncio.run(serve(rules, write_ready))
            os._exit(0)
        os.close(write_ready)
        if not os.read(read_ready, 1):
            raise OSError("the relay could not listen")
        os.close(read_ready)

    def _first_process(self, process: Process) -> int | None:
        return process.pid if isinstance(process, Forked) else super()._first_process(process)
