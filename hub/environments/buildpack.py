"""A build pack for Python on uv: what repo2docker's own does with conda, without conda."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from repo2docker.buildpacks.base import BaseImage  # type: ignore[import-untyped]

from hub.environments.engine import TOOLS

VENV = "/srv/venv"
MOUNTED_TOOLS = "/opt/labfork-build"
CACHE = "/var/cache/uv"
RUNTIME = re.compile(r"python-(\d+\.\d+)(?:\.\d+)?$")
USER_ID = 1000
USER_NAME = "jovyan"


def uv(cache: str | None) -> str:
    """Return how a RUN begins that calls uv, with the cache `cache` that builds share and no layer keeps.

    Without one nothing that a project's build has left behind can become part of what is installed.
    """
    kept = (
        f"--mount=type=cache,id={cache},target={CACHE},uid={USER_ID},gid={USER_ID},mode=0755 "
        if cache
        else ""
    )
    where = f"UV_CACHE_DIR={CACHE}" if cache else "UV_NO_CACHE=1"
    return (
        f"--mount=type=bind,source={TOOLS},target={MOUNTED_TOOLS} {kept}"
        f"{where} UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never "
        f"{MOUNTED_TOOLS}/uv --color=never"
    )


class UvBuildPack(BaseImage):  # type: ignore[misc]
    """requirements.txt or pyproject.toml by uv, beside apt.txt, runtime.txt, postBuild and start."""

    cache = "labfork-uv"

    def detect(self) -> bool:
        """Whatever no other build pack takes is Python's, a repository without environment files too."""
        return True

    @lru_cache  # noqa: B019 - a build pack lives for one build, and repo2docker asks often
    def get_base_packages(self) -> set[str]:
        """Return the Debian packages of every image."""
        return {*super().get_base_packages(), "ca-certificates", "git", "python3"}

    def get_path(self) -> list[str]:
        """Return where programs are looked for first."""
        return [f"{VENV}/bin"]

    def get_build_scripts(self) -> list[tuple[str, str]]:
        """Return what makes the environment before anything of a repository is known, shared by all.

        The fork server runs with these packages and the workspace's rights: see `hub.warm`.
        """
        # A login shell of Debian sets PATH anew; repo2docker's entrypoint and terminals are login shells.
        profile = f"echo 'export PATH={VENV}/bin:$PATH' > /etc/profile.d/zz-labfork.sh"
        folder = f"install -d -o ${{NB_USER}} -g ${{NB_USER}} {VENV}"
        install = f"{uv(None)} pip install --python {VENV}/bin/python"
        make = f"{uv(None)} venv --quiet --seed --python {self._interpreter()} {VENV}"
        return [
            ("root", f"{folder} && {profile}"),
            ("${NB_USER}", make),
            ("${NB_USER}", f"{install} --no-build --no-deps --require-hashes -r {MOUNTED_TOOLS}/base.lock"),
        ]

    def get_preassemble_script_files(self) -> dict[str, str]:
        """Return the files that packages are read from."""
        folder = Path(self.binder_dir or ".")
        found = [*folder.glob("requirements*.txt"), *folder.glob("pyproject.toml")]
        return {str(path): str(path) for path in sorted(found)}

    def get_preassemble_scripts(self) -> list[tuple[str, str]]:
        """Return what installs the repository's Debian packages and Python packages."""
        scripts = list(super().get_preassemble_scripts())
        for name in ("requirements.txt", "pyproject.toml"):
            if Path(self.binder_path(name)).exists():
                wanted = f'-r "{self.binder_path(name)}"'
                return [*scripts, ("${NB_USER}", self._install(wanted))]
        return scripts

    def _install(self, wanted: str) -> str:
        given = f"--requirement {MOUNTED_TOOLS}/base.txt --override {MOUNTED_TOOLS}/overrides.txt"
        return f"{uv(self.cache)} pip install --python {VENV}/bin/python {given} {wanted}"

    def _interpreter(self) -> str:
        file = Path(self.binder_path("runtime.txt"))
        asked = RUNTIME.match(file.read_text(encoding="utf-8").strip()) if file.exists() else None
        return asked[1] if asked else "/usr/bin/python3"
