"""Looks into a built image, in a container of it: which Python it has, and which packages."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hub.containers import ContainerLauncher, ImageJob
from hub.environments.requirements import BuildFailed
from hub.jobs import Account, Limits
from hub.processes import Cancelled

NEEDED = ("jupyterlab", "jupyterhub", "ipykernel", "papermill", "nbconvert", "jupyterlab-git", "nbdime")
NOBODY = Account(65_534, 65_534)
LIMITS = Limits(
    cpus=1, memory_bytes=1 << 30, wall_seconds=120, processes=100, disk_bytes=1 << 20, log_bytes=4 << 20
)
MARK = "labfork-image "
PROBE = f"""
import hashlib, importlib.metadata, json, shutil, sys, sysconfig
program = hashlib.sha256()
mapped = [line.split() for line in open("/proc/self/maps")]
for path in sorted({{part[5] for part in mapped if part[1] == "r-xp" and part[5:] and "/" in part[5]}}):
    program.update(open(path, "rb").read())
named = [(found.metadata["Name"], found.version) for found in importlib.metadata.distributions()]
packages = sorted(pair for pair in named if pair[0])
print()
folder = sysconfig.get_path("purelib")
has_git = shutil.which("git") is not None
print({MARK!r} + json.dumps([sys.executable, program.hexdigest(), folder, packages, has_git]))
"""


@dataclass(frozen=True)
class Found:
    """The path of an image's Python, the folder of its packages, and these with their versions.

    `program` is the SHA-256 of what the interpreter consists of: its own file, and the libraries
    that it starts with.
    """

    python: str
    program: str
    packages_folder: str
    packages: dict[str, str]


def look_into(image: str, host: str, folder: Path, cancelled: Callable[[], bool]) -> Found:
    """Return which Python an image has, and what is installed in it.

    What the look needs is left in `folder`. Raises BuildFailed for an image that no session and no run could
    use, with what to add, and Cancelled.
    """
    folder = Path(tempfile.mkdtemp(prefix="look-", dir=folder))
    job = ImageJob(
        argv=("python3", "-c", PROBE),
        cwd=PurePosixPath("/tmp"),  # noqa: S108 - the container's own
        env={"HOME": "/tmp"},  # noqa: S108
        mounts=(),
        account=NOBODY,
        limits=LIMITS,
        image=image,
    )
    launched = ContainerLauncher(image, host=host).start(job, folder)
    while (outcome := launched.outcome()) is None:
        if cancelled():
            launched.cancel()
            raise Cancelled(image)
        time.sleep(0.05)
    text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    answer = _read(text)
    if answer is None:
        last = " ".join(text.split())[-500:] or f"it ended with {outcome.reason} {outcome.exit_code}"
        raise BuildFailed(
            "The image was built, but its python3 could not be started in a container. An image needs "
            f'/bin/sh and python3, and a file `start` has to end with exec "$@". It said: {last}'
        )
    found, has_git = answer
    if not has_git:
        raise BuildFailed(
            "The image was built, but it has no git, which fetches projects and saves versions. Install "
            "it in the Dockerfile, or name it in apt.txt."
        )
    present = {name.lower().replace("_", "-") for name in found.packages}
    if missing := [name for name in NEEDED if name not in present]:
        raise BuildFailed(
            f"The image was built, but its Python lacks {', '.join(missing)}, which sessions and runs need. "
            "Install that in the Dockerfile, or name it in environment.yml."
        )
    return found


def _read(text: str) -> tuple[Found, bool] | None:
    """Return what the probe wrote on its line; None where there is none, or one that it did not write."""
    lines = [line for line in text.splitlines() if line.startswith(MARK)]
    if not lines:
        return None
    try:
        python, program, folder, named, has_git = json.loads(lines[-1].removeprefix(MARK))
        packages = {str(name): str(version) for name, version in named}
        return Found(str(python), str(program), str(folder), packages), bool(has_git)
    except (ValueError, TypeError, RecursionError):
        return None
