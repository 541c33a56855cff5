"""The program that builds one image; repo2docker changes directory and logging, so it has its own process.

Started as `python -I -m hub.environments.image_program SPECIFICATION`, the path of a JSON file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from repo2docker import buildpacks, contentproviders  # type: ignore[import-untyped]
from repo2docker.app import Repo2Docker  # type: ignore[import-untyped]
from traitlets.config import Config

from hub.environments.buildpack import USER_ID, USER_NAME, UvBuildPack
from hub.environments.clients import Client
from hub.environments.engine import BuildKitEngine

PROJECT = "/srv/project"  # the files an environment was built from; a person's checkout is in their home
UNREACHABLE = 3  # our status when what a build pack looks up before the build could not be reached
STOCK = (
    buildpacks.DockerBuildPack,
    buildpacks.JuliaProjectTomlBuildPack,
    buildpacks.JuliaRequireBuildPack,
    buildpacks.NixBuildPack,
    buildpacks.RBuildPack,
    buildpacks.CondaBuildPack,
    buildpacks.PipfileBuildPack,
)


def with_downloaders(pack: Any) -> Any:
    """Return a build pack of repo2docker that also installs the programs it downloads with."""

    def get_base_packages(self: Any) -> set[str]:
        return {*pack.get_base_packages(self), "bzip2", "ca-certificates", "git", "wget"}

    return type(pack.__name__, (pack,), {"get_base_packages": get_base_packages})


class ImageBuild(Repo2Docker):  # type: ignore[misc]
    """repo2docker with our engine."""

    def __init__(self, specification: dict[str, Any]) -> None:
        self.specification = specification
        pack = type("UvBuildPack", (UvBuildPack,), {"cache": specification["cache"]})
        super().__init__(
            config=Config(),
            repo=specification["repository"],
            output_image_spec=specification["image"],
            base_image=specification["base_image"],
            buildpacks=[*map(with_downloaders, STOCK), pack],
            content_providers=[contentproviders.Local],
            user_id=USER_ID,
            user_name=USER_NAME,
            target_repo_dir=PROJECT,
            run=False,
        )

    def get_engine(self) -> BuildKitEngine:
        """Return our engine; repo2docker's own needs buildx."""
        engine = BuildKitEngine(parent=self)
        engine.client = Client(Path(self.specification["client"]), self.specification["buildx"])
        engine.secrets = {name: Path(file) for name, file in self.specification["secrets"].items()}
        engine.tools = Path(self.specification["tools"])
        engine.network = self.specification["network"]
        return engine


def main() -> None:
    """Build what the specification asks for; a failure ends with another status than 0 and a last line."""
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    build = ImageBuild(specification)
    build.initialize()
    try:
        build.build()
    except subprocess.CalledProcessError as error:
        sys.exit(f"The build ended with status {error.returncode}.")
    except requests.RequestException as error:
        print(f"Could not be reached: {error}", file=sys.stderr)
        sys.exit(UNREACHABLE)
    except (ValueError, RuntimeError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
