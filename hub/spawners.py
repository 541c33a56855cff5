"""Spawners: how JupyterHub starts a session, by a plan that the workspace makes and no browser can change."""

from __future__ import annotations

import asyncio
import contextlib
import http
import os
import secrets
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from jupyterhub.spawner import Spawner, SpawnException
from pydantic import TypeAdapter
from traitlets import Bool, Callable, Float, Unicode

from hub.containers import AnyJob
from hub.jobs import Job, Launched, Launcher, Listener, Outcome
from hub.plain_http import NO_TLS

JOB: TypeAdapter[AnyJob] = TypeAdapter(AnyJob)
PORT = 8888  # in the session's own network, where nobody else listens
LONGEST_SOCKET_PATH = 100  # of 107 bytes; the proxy adds a port to it
RESTART_SECONDS = 60.0
LOOK_AT_STEP = 0.03
LOOK_AT_STEP_AT_MOST = 0.5
LOOK_AT_SERVER = 0.03
LOOK_AT_SERVER_AT_MOST = 0.5
LOOK_LESS = 1.3  # so one that says nothing is found within a third of the time that it took to start
LISTEN = 0.01
LOG_TAIL = 2_000
UNANSWERED = "unanswered"  # why a session did not start: a part of the workspace was away for too long
WHOSE = "whose"  # file in a control folder that names the person and the server
WORDS = {
    "memory": "It used more memory than a session may use.",
    "processes": "It started more processes than a session may have.",
    "time": "It ran for as long as a session of its size may.",
    "disk": "It wrote more than a session may write.",
    "lost": "It was ended from outside, or this machine stopped what runs sessions. The files are there.",
}


class ProjectSpawner(Spawner):  # type: ignore[misc]
    """Starts `jupyterhub-singleuser` as a job of a launcher; the proxy reaches it through a unix socket.

    Everything about the session (environment, mounts, limits, secrets) comes from the workspace, asked with
    the hub's own token by the person's name and the server's; what a browser sent is ignored.
    """

    workspace_url = Unicode(config=True, help="Address of the workspace's web process.")
    workspace_token = Unicode(config=True, help="What the hub proves itself with.")
    sessions_folder = Unicode(config=True, help="Where sessions have their control folders.")
    make_launcher = Callable(config=True, help="Returns the launcher that runs sessions.")
    ready_seconds = Float(180, config=True, help="How long a server may take to answer after its start.")

    _folder: Path | None = None

    def has_own_network(self, job: Job) -> bool:
        """Whether the session's 127.0.0.1 is its own: in a container always."""
        return True

    async def start(self) -> str:
        """Start the session and return where the proxy finds it, once it answers.

        Raises SpawnException, in words for the person, when the session cannot be prepared or ends at once.
        """
        try:
            job = await self._prepared_job()
        except SpawnException as error:
            if error.reason == UNANSWERED:
                with contextlib.suppress(SpawnException):  # then the workspace finds out by itself
                    await self._ask("ended", patience=0, reason="lost", words=error.message)
            raise
        folder = Path(self.sessions_folder) / secrets.token_hex(4)
        await asyncio.to_thread(self._end_left_over)
        folder.mkdir(parents=True)
        (folder / WHOSE).write_text(self._log_name, encoding="utf-8")
        self._folder = folder
        job, address = self._reached(job, folder)
        launched = await asyncio.to_thread(self._launcher().start, job, folder)
        await self._await_server(launched, folder, address)
        await self._ask("started", control=folder.name)
        return address

    async def poll(self) -> int | None:
        """Return None while the session runs, else how its server ended.

        One that an earlier hub had started, but was killed before it noted where, is ended: it has an address
        that nobody knows.
        """
        launched = self._launched()
        if launched is None:
            await asyncio.to_thread(self._end_left_over)
            return 0
        outcome = await asyncio.to_thread(launched.outcome)
        if outcome is None:
            return None
        await self._end(outcome)
        return 1 if outcome.exit_code is None else outcome.exit_code

    async def stop(self, now: bool = False) -> None:
        """End the session with everything it started."""
        launched = self._launched()
        if launched is not None:
            await asyncio.to_thread(launched.cancel)
            await self._end(Outcome("cancelled", None, 0))

    def get_state(self) -> dict[str, Any]:
        """Return what a later hub needs to find the session again."""
        state: dict[str, Any] = super().get_state()
        return {**state, "folder": str(self._folder)} if self._folder is not None else state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find a session that an earlier hub started."""
        super().load_state(state)
        self._folder = Path(state["folder"]) if "folder" in state else None

    def clear_state(self) -> None:
        """Forget a session that has ended."""
        super().clear_state()
        self._folder = None

    def _end_left_over(self) -> None:
        """End what an earlier hub started for this server, if it was killed before it had noted that."""
        for whose in Path(self.sessions_folder).glob(f"*/{WHOSE}"):
            with contextlib.suppress(FileNotFoundError):  # its session ends while we look
                if whose.read_text(encoding="utf-8") == self._log_name:
                    if (launched := self._launcher().adopt(whose.parent)) is not None:
                        launched.cancel()
                    shutil.rmtree(whose.parent, ignore_errors=True)

    def _launcher(self) -> Launcher:
        launcher: Launcher = self.make_launcher()
        return launcher

    def _launched(self) -> Launched | None:
        return self._launcher().adopt(self._folder) if self._folder is not None else None

    async def _prepared_job(self) -> Job:
        """Ask the workspace until the session is prepared; it takes one step at a time.

        A step that is done is followed by the next at once; one that takes long is asked after less often.
        """
        step, pause = "", LOOK_AT_STEP
        while True:
            answer = await self._ask("prepare")
            if answer["state"] == "ready":
                return JOB.validate_python(answer["job"])
            if answer["step"] != step:
                step, pause = answer["step"], LOOK_AT_STEP
            else:
                await asyncio.sleep(pause)
                pause = min(1.5 * pause, LOOK_AT_STEP_AT_MOST)

    def _reached(self, job: Job, folder: Path) -> tuple[Job, str]:
        """Return the job with the hub's part of its environment, and where its server is reached."""
        ours = {name: value for name, value in self.get_env().items() if name.startswith("JUPYTERHUB_")}
        path = folder / "s"
        if self.has_own_network(job):
            if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
                raise SpawnException(
                    f"The state folder's path is too long for sessions ({path}). Shorten LABFORK_HOME.",
                    reason="path",
                )
            # JupyterHub adds the port 80 to every address, and the proxy then looks for this name.
            (folder / "s:80").symlink_to("s")
            port, address = PORT, f"http+unix://{quote(str(path), safe='')}"
            job = replace(job, listeners=(Listener(path, PORT),))
        else:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            address = f"http://127.0.0.1:{port}"
        ours["JUPYTERHUB_SERVICE_URL"] = f"http://127.0.0.1:{port}{self.server.base_url}"
        return replace(job, env={**job.env, **ours}), address

    async def _await_server(self, launched: Launched, folder: Path, address: str) -> None:
        """Return when the server answers; raise SpawnException with its last words when it does not."""
        unix = address.startswith("http+unix:")
        transport = httpx.AsyncHTTPTransport(uds=str(folder / "s"), verify=NO_TLS) if unix else None
        base = "http://session" if unix else address
        deadline = asyncio.get_running_loop().time() + self.ready_seconds
        pause = LOOK_AT_SERVER
        async with httpx.AsyncClient(transport=transport, timeout=5, verify=NO_TLS) as client:
            while asyncio.get_running_loop().time() < deadline:
                outcome = await asyncio.to_thread(launched.outcome)
                if outcome is not None:
                    said = await self._end(outcome)
                    raise SpawnException(f"The session ended while it started. {said}", reason="ended")
                try:
                    await client.get(f"{base}{self.server.base_url}api")
                except httpx.TransportError:
                    await self._listen(pause)
                    pause = min(LOOK_LESS * pause, LOOK_AT_SERVER_AT_MOST)
                else:
                    return
        await asyncio.to_thread(launched.cancel)
        silent = f"It did not answer within {self.ready_seconds:.0f} s of its start. {_tail(folder / 'log')}"
        said = await self._end(Outcome("cancelled", None, 0), silent.strip())
        raise SpawnException(f"The session did not start. {said}", reason="silent")

    async def _listen(self, seconds: float) -> None:
        """Wait, at most until the server tells the hub that it is used, as it does once it answers."""
        before = self.orm_spawner.last_activity
        until = asyncio.get_running_loop().time() + seconds
        while self.orm_spawner.last_activity == before and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(LISTEN)

    async def _end(self, outcome: Outcome, words: str = "") -> str:
        """Tell the workspace how the session ended, once, and clear up; return it in words.

        Without `words` they follow from the outcome.
        """
        folder, self._folder = self._folder, None
        if folder is None:
            return ""
        words = words or WORDS.get(outcome.reason, "")
        if outcome.reason == "exited" and outcome.exit_code:
            words = f"Its last words: {_tail(folder / 'log')}"
        try:
            await self._ask("ended", patience=0, reason=outcome.reason, words=words)
        except SpawnException:  # the workspace is stopping too, and sees by itself that the server is gone
            self.log.warning("The workspace was not told of the end of %s", self._log_name)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return words

    async def _ask(self, what: str, *, patience: float = RESTART_SECONDS, **more: Any) -> dict[str, Any]:
        """Ask the workspace about this server; its refusals become the person's message.

        A workspace that is being started again, or a part of it that does not answer, is waited for,
        `patience` seconds.
        """
        headers = {"Authorization": f"Bearer {self.workspace_token}"}
        body = {"user": self.user.name, "server": self.name, **more}
        until = asyncio.get_running_loop().time() + patience
        async with httpx.AsyncClient(
            base_url=self.workspace_url, headers=headers, timeout=60, verify=NO_TLS
        ) as client:
            while True:
                try:
                    answer = await client.post(f"/api/v1/internal/sessions/{what}", json=body)
                    if answer.status_code != http.HTTPStatus.SERVICE_UNAVAILABLE:
                        break
                    words = answer.json()["detail"]
                except httpx.TransportError:
                    words = "The workspace does not answer now."
                if asyncio.get_running_loop().time() >= until:
                    raise SpawnException(f"{words} Try again.", reason=UNANSWERED)
                await asyncio.sleep(LOOK_AT_STEP_AT_MOST)
        if answer.is_error:
            raise SpawnException(answer.json()["detail"], reason="refused")
        found: dict[str, Any] = answer.json()
        return found


class SandboxSpawner(ProjectSpawner):
    """Sessions in bubblewrap's sandbox, or plain processes where there is none."""

    sandboxed = Bool(True, config=True, help="Whether bubblewrap is there.")

    def has_own_network(self, job: Job) -> bool:
        """Whether the session's 127.0.0.1 is its own: in a sandbox without a network."""
        return self.sandboxed and job.network == "none"


class DockerProjectSpawner(ProjectSpawner):
    """Sessions in containers of a Docker Engine, each from the image of its project's environment."""

    async def poll(self) -> int | None:
        """Return None while the session runs, or while its engine cannot say, else how its server ended."""
        try:
            return await super().poll()
        except OSError as error:
            self.log.warning("It is not known how %s is: %s", self._log_name, error)
            return None


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-LOG_TAIL:].decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
