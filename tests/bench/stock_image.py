"""A program that builds one image as repo2docker does by itself: its own template, packages by pip.

Started as `python -m tests.bench.stock_image SPECIFICATION`, with the JSON that our own builds have. Conda,
which its own build pack for Python uses, is left out on both sides; all else is repo2docker's own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from repo2docker.buildpacks.base import BaseImage

from hub.environments.image_program import ImageBuild

VENV = "/srv/venv"
PIP = f"{VENV}/bin/pip install --no-cache-dir"


class PipBuildPack(BaseImage):
    """requirements.txt by pip."""

    def detect(self) -> bool:
        """Take every repository."""
        return True

    def get_base_packages(self) -> set[str]:
        """Return the Debian packages of the image."""
        return {*super().get_base_packages(), "ca-certificates", "git", "python3-venv"}

    def get_path(self) -> list[str]:
        """Return where programs are looked for first."""
        return [f"{VENV}/bin"]

    def get_build_scripts(self) -> list[tuple[str, str]]:
        """Return what installs the packages that ours has in every image."""
        base = Path(self.base_packages).read_text(encoding="utf-8").split()
        return [
            ("root", f"install -d -o ${{NB_USER}} -g ${{NB_USER}} {VENV}"),
            ("${NB_USER}", f"python3 -m venv {VENV} && {PIP} {' '.join(base)}"),
        ]

    def get_preassemble_script_files(self) -> dict[str, str]:
        """Return the file that packages are read from."""
        return {"requirements.txt": "requirements.txt"}

    def get_preassemble_scripts(self) -> list[tuple[str, str]]:
        """Return what installs them."""
        return [*super().get_preassemble_scripts(), ("${NB_USER}", f"{PIP} -r requirements.txt")]


def main() -> None:
    """Build what the specification asks for."""
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    build = ImageBuild(specification)
    build.buildpacks = [type("Stock", (PipBuildPack,), {"base_packages": specification["base_packages"]})]
    build.initialize()
    build.build()


if __name__ == "__main__":
    main()
