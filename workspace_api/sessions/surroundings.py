"""What a session sees, may use and is told: the jobs of its checkout and of its server."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hub import lab_panel, workbench
from hub.door import socket_of
from hub.environments.builder import Builder, helper_python, in_environment
from hub.jobs import Account, Forward, Job, Limits
from hub.launchers import to_outside
from hub.machine import gpu_devices
from hub.sandbox import Host
from hub.workbench.program import START
from hub.workbench.stripping import FILTER
from nfs.layout import StorageLayout
from nfs.mounts import HOME, GroupShare, HomeShare, Mount, mount_plan
from workspace_api import egress
from workspace_api.alphagenome.settings import ROOTS_FILE, public_folder
from workspace_api.people.views import Person
from workspace_api.sessions.sizes import WITHOUT_END, Size
from workspace_api.settings import GIB, Network, Settings

INSIDE = PurePosixPath("/srv/session")
WORKBENCH = PurePosixPath("/opt/labfork/workbench")
LAB_PANEL = PurePosixPath("/opt/labfork/lab_panel")
ROOTS = INSIDE / "roots.pem"
GITCONFIG = INSIDE / "gitconfig"
REQUEST = INSIDE / "request.json"
ANSWERS = INSIDE / "answer"
OPERATION_SECONDS = 1600.0


@dataclass(frozen=True)
class Place:
    """The folder in which one session, or one operation, has its files."""

    folder: Path

    @property
    def control(self) -> Path:
        """The launcher's."""
        return self.folder / "control"

    @property
    def gitconfig(self) -> Path:
        """What git is told about the person."""
        return self.folder / "gitconfig"

    @property
    def request(self) -> Path:
        """What the workbench is asked for."""
        return self.folder / "request.json"

    @property
    def answers(self) -> Path:
        """Where it answers; the person's own."""
        return self.folder / "answer"

    @property
    def answer(self) -> Path:
        """The answer."""
        return self.answers / "answer.json"


@dataclass(frozen=True)
class Surroundings:
    """What all sessions of a workspace have in common."""

    settings: Settings
    layout: StorageLayout
    builder: Builder
    host: Host

    def server_job(
        self,
        place: Place,
        person: Person,
        shares: Sequence[GroupShare],
        gids: Sequence[int],
        *,
        size: Size,
        kind: str,
        project: str,
        folder: str,
        environment_key: str,
        token: str,
    ) -> Job:
        """Return the job of a session's server; its working folder is the checkout `folder` of `project`."""
        worksheets = kind == "worksheet"  # Voilà lists the root alone, so that is the checkout
        panel = (
            {} if worksheets else {"JUPYTER_PATH": str(LAB_PANEL / "share")}
        )  # Voilà shares too little for it
        return self._job(
            place,
            person,
            shares,
            gids,
            argv=(str(self.builder.python(environment_key)), "-m", "jupyterhub.singleuser"),
            cwd=HOME / folder,
            env={
                "JUPYTERHUB_DEFAULT_URL": "/voila/tree" if worksheets else f"/lab/tree/{folder}",
                "JUPYTERHUB_ROOT_DIR": str(HOME / folder if worksheets else HOME),
                **panel,
                "JUPYTER_CONFIG_PATH": str(LAB_PANEL / "config"),
                "LABFORK_PROJECT": project,
                "LABFORK_SESSION": place.folder.name,
                "LABFORK_FOLDER": folder,
            },
            environment_key=environment_key,
            token=token,
            limits=size.job_limits(),
            devices=gpu_devices() if size.gpu else (),
        )

    def operation_job(
        self,
        place: Place,
        person: Person,
        request: Mapping[str, Any],
        *,
        environment_key: str,
        token: str,
    ) -> Job:
        """Return the job of one operation on a checkout, such as saving a version."""
        place.request.write_text(json.dumps(request), encoding="utf-8")
        place.request.chmod(0o644)
        job = self._job(
            place,
            person,
            (),
            (),
            argv=(
                *(str(helper_python(self.builder, environment_key, self.host)), "-I", "-S", "-c", START),
                *(str(WORKBENCH), str(REQUEST), str(ANSWERS / "answer.json")),
            ),
            cwd=HOME,
            env={},
            environment_key=environment_key,
            token=token,
            limits=Limits(
                cpus=1,
                memory_bytes=2 * GIB,
                wall_seconds=OPERATION_SECONDS,
                processes=128,
                disk_bytes=WITHOUT_END,
            ),
        )
        return replace(
            job,
            mounts=(*job.mounts, Mount(place.request, REQUEST, "ro"), Mount(place.answers, ANSWERS, "rw")),
        )

    def repository(self, path: str) -> str:
        """Return where git inside a sandbox finds a project."""
        forge = self.settings.forge
        public = (forge.public_url or forge.url).rstrip("/")
        if public.startswith(self.settings.public_url):
            public = self._local + public.removeprefix(self.settings.public_url)
        return f"{public}/{path}.git"

    @property
    def _local(self) -> str:
        """The workspace's address as sandboxes reach it."""
        return f"http://127.0.0.1:{self.settings.port}"

    def _job(
        self,
        place: Place,
        person: Person,
        shares: Sequence[GroupShare],
        gids: Sequence[int],
        *,
        argv: tuple[str, ...],
        cwd: PurePosixPath,
        env: Mapping[str, str],
        environment_key: str,
        token: str,
        limits: Limits,
        devices: tuple[Path, ...] = (),
    ) -> Job:
        self._write_gitconfig(place, person, environment_key)
        home = self.layout.home(person.name)
        job = Job(
            argv=argv,
            cwd=cwd,
            env={**self._environment(environment_key, token), **env},
            mounts=self._mounts(place, home, shares),
            account=Account(person.uid, person.uid, tuple(gids)),
            limits=limits,
            network=egress.launcher_network(self.settings.sessions.network),
            forwards=self._forwards(),
            devices=devices,
        )
        return in_environment(job, self.builder, environment_key)

    @property
    def _network(self) -> tuple[Settings, Network]:
        return self.settings, self.settings.sessions.network

    def _forwards(self) -> tuple[Forward, ...]:
        """Return the ways from a network of its own: the public port, the gateway, and package indexes."""
        if not self.settings.has_own_network(self.settings.sessions.network):
            return ()
        door = Forward(self.settings.port, socket_of(self.settings.home))
        return (door, *egress.gateway_forward(*self._network), *egress.mirror_forward(*self._network))

    def _mounts(self, place: Place, home: Path, shares: Sequence[GroupShare]) -> tuple[Mount, ...]:
        roots = public_folder(self.settings.home) / ROOTS_FILE
        return (
            *mount_plan(HomeShare(home), shares, self.layout.public),
            Mount(place.gitconfig, GITCONFIG, "ro"),
            Mount(Path(workbench.__file__).parent, WORKBENCH, "ro"),
            Mount(Path(lab_panel.__file__).parent, LAB_PANEL, "ro"),
            *((Mount(roots, ROOTS, "ro"),) if roots.is_file() else ()),
        )

    def _environment(self, environment_key: str, token: str) -> dict[str, str]:
        programs = self.builder.python(environment_key).parent
        return {
            "HOME": str(HOME),
            "USER": "jovyan",
            "SHELL": "/bin/bash",
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "GIT_CONFIG_SYSTEM": str(GITCONFIG),
            "LABFORK_API_URL": f"{self._local}/api/v1",
            "LABFORK_TOKEN": token,
            "ALPHAGENOME_ADDRESS": f"localhost:{self.settings.alphagenome.port}",
            "ALPHAGENOME_API_KEY": token,
            "ALPHA_GENOME_API_KEY": token,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(ROOTS),
            **egress.mirror_variables(*self._network),
        }

    def _write_gitconfig(self, place: Place, person: Person, environment_key: str) -> None:
        """Write what git is told: who commits, whom to ask for a password, how to leave outputs out."""
        outside = {} if self.settings.sandboxed else {str(WORKBENCH): str(Path(workbench.__file__).parent)}
        python = helper_python(self.builder, environment_key, self.host)

        def command(program: str) -> str:
            path = to_outside(str(WORKBENCH / program), outside)
            return shlex.join([str(python), "-I", "-S", path])

        forge = self.repository("").removesuffix("/.git")
        lines = [
            "[user]",
            f"name = {_quoted(person.display_name)}",
            f"email = {_quoted(f'{person.name}@labfork.invalid')}",
            "[init]",
            "defaultBranch = main",
            f"[credential {_quoted(forge)}]",
            f"helper = {_quoted('!' + command('credential.py'))}",
            f"[url {_quoted(forge + '/')}]",
            f"insteadOf = {_quoted(self.settings.forge.public_url.rstrip('/') + '/')}",
            f"[filter {_quoted(FILTER)}]",
            f"clean = {_quoted(command('stripping.py'))}",
        ]
        place.folder.mkdir(parents=True, exist_ok=True)
        place.gitconfig.write_text("\n".join(lines) + "\n", encoding="utf-8")
        place.gitconfig.chmod(0o644)


def _quoted(text: str) -> str:
    r"""Return `text` as a value of git's configuration: in quotes, with `\` and `"` escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
