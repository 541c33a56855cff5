"""What a run sees, may use and is asked to do: its job for a launcher."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import hub.notebook_runner
from hub.environments.builder import Builder, in_environment
from hub.jobs import Account, Job
from hub.launchers import to_outside
from nfs.layout import StorageLayout
from nfs.mounts import HOME, GroupShare, HomeShare, Mount, mount_plan
from workspace_api import egress
from workspace_api.alphagenome.settings import ROOTS_FILE, public_folder
from workspace_api.files.kinds import chosen_files
from workspace_api.files.service import inside, with_paths
from workspace_api.people.views import Person
from workspace_api.runs.folders import AttemptFolder
from workspace_api.runs.limits import job_limits
from workspace_api.runs.models import Run
from workspace_api.settings import Settings

INSIDE = PurePosixPath("/srv/run")
PROJECT = INSIDE / "project"
RESULT = INSIDE / "result"
REQUEST = INSIDE / "request.json"
RUNNER = INSIDE / "runner"
ROOTS = INSIDE / "roots.pem"
SYNTHETIC = (
    "AlphaGenome's answers in this workspace come from its offline model. They are synthetic: made up to "
    "have the right shape, and they say nothing about biology."
)


@dataclass(frozen=True)
class Surroundings:
    """What all runs of a workspace have in common."""

    settings: Settings
    layout: StorageLayout
    builder: Builder

    def job(
        self,
        run: Run,
        person: Person,
        folder: AttemptFolder,
        token: str,
        shares: Sequence[GroupShare] = (),
        gids: Sequence[int] = (),
    ) -> Job:
        """Return the job of a run: `token` opens the gateway while it lasts, `folder` is prepared.

        `shares` and `gids` are the storage and the numbers of the person's groups.
        """
        reached = self.settings, self.settings.runs.network
        job = Job(
            argv=(
                str(self.builder.python(run.environment_key)),
                *("-I", str(RUNNER / "run.py"), str(REQUEST)),
            ),
            cwd=PROJECT,
            env=self._environment(run, token),
            mounts=self._mounts(run, person, folder, shares),
            account=Account(person.uid, person.uid, tuple(gids)),
            limits=job_limits(run.limits),
            network=egress.launcher_network(self.settings.runs.network),
            forwards=(*egress.gateway_forward(*reached), *egress.mirror_forward(*reached)),
            writable=(folder.project, folder.result, self._home(person, folder)),
        )
        return in_environment(job, self.builder, run.environment_key)

    def write_request(
        self, run: Run, person: Person, folder: AttemptFolder, shares: Sequence[GroupShare] = ()
    ) -> None:
        """Write what the notebook runner is asked for, with the paths that it will find."""
        inside = {str(PROJECT): str(folder.project), str(RESULT): str(folder.result)}
        outside = {} if self.settings.sandboxed else inside
        request = {
            "notebook": run.notebook,
            "project": to_outside(str(PROJECT), outside),
            "result": to_outside(str(RESULT), outside),
            "parameters": self._found(run, person, folder, shares),
            "title": run.title,
            "notices": [SYNTHETIC] if run.backend == "offline" else [],
            "limits": {"output_bytes": int(run.limits["output_bytes"])},
            "report": {"facts": facts(run), "parameter_titles": parameter_titles(run.schema)},
        }
        folder.request.write_text(json.dumps(request), encoding="utf-8")
        folder.request.chmod(0o644)

    def _found(
        self, run: Run, person: Person, folder: AttemptFolder, shares: Sequence[GroupShare]
    ) -> Mapping[str, Any]:
        """Return the parameters with each file's path as the notebook opens it."""
        plan = mount_plan(HomeShare(self._home(person, folder)), shares, self.layout.public)
        outside = {} if self.settings.sandboxed else {str(mount.target): str(mount.source) for mount in plan}
        paths = {path for _, path in chosen_files(run.schema, run.parameters)}
        return with_paths(
            run.schema, run.parameters, {path: to_outside(inside(path), outside) for path in paths}
        )

    def _home(self, person: Person, folder: AttemptFolder) -> Path:
        """Return the person's home; the workspace's own accounts get an empty one that is thrown away."""
        return folder.home if person.system else self.layout.home(person.name)

    def _mounts(
        self, run: Run, person: Person, folder: AttemptFolder, shares: Sequence[GroupShare]
    ) -> tuple[Mount, ...]:
        roots = public_folder(self.settings.home) / ROOTS_FILE
        runner = Path(hub.notebook_runner.__file__).parent
        return (
            *mount_plan(HomeShare(self._home(person, folder)), shares, self.layout.public),
            Mount(folder.project, PROJECT, "rw"),
            Mount(folder.result, RESULT, "rw"),
            Mount(folder.request, REQUEST, "ro"),
            Mount(runner, RUNNER, "ro"),
            *((Mount(roots, ROOTS, "ro"),) if roots.is_file() else ()),
        )

    def _environment(self, run: Run, token: str) -> Mapping[str, str]:
        programs = self.builder.python(run.environment_key).parent
        return {
            "HOME": str(HOME),
            "USER": "jovyan",
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "OMP_NUM_THREADS": str(max(1, round(run.limits["cpus"]))),
            "LABFORK_RUN_ID": run.id,
            "ALPHAGENOME_ADDRESS": f"localhost:{self.settings.alphagenome.port}",
            "ALPHAGENOME_API_KEY": token,
            "ALPHA_GENOME_API_KEY": token,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(ROOTS),
            **egress.mirror_variables(self.settings, self.settings.runs.network),
        }


def facts(run: Run) -> list[tuple[str, str]]:
    """Return what the end of a report tells about the run."""
    version = f"{run.version} ({run.commit[:12]})" if run.version else run.commit
    model = "offline model (synthetic)" if run.backend == "offline" else "AlphaGenome"
    return [
        ("Project", run.project.path),
        ("Version", version),
        ("Notebook", run.notebook),
        ("Environment", run.environment_key),
        ("AlphaGenome answered by", model),
        ("Requested", f"{run.requested_at:%Y-%m-%d %H:%M} UTC"),
        ("Run", run.id),
    ]


def parameter_titles(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the titles of those parameters that have one."""
    properties = schema.get("properties", {})
    return {name: str(field["title"]) for name, field in properties.items() if field.get("title")}
