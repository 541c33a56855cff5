"""Which files of a repository decide its environment, and the key that follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

# https://repo2docker.readthedocs.io/en/latest/configuration/
ENVIRONMENT_FILES = (
    "requirements.txt",
    "pyproject.toml",
    "environment.yml",
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    "Project.toml",
    "REQUIRE",
    "install.R",
    "DESCRIPTION",
    "apt.txt",
    "runtime.txt",
    "postBuild",
    "start",
    "default.nix",
    "Dockerfile",
)
FOLDERS = ("binder", ".binder")
KEY_LENGTH = 24


def environment_files(paths: Iterable[str]) -> list[str]:
    """Return those of a repository's `paths` that decide its environment.

    As in repo2docker, a `binder` or `.binder` folder is looked at instead of the root; both at once raise
    ValueError. Files that requirement files include are read by the builder beside them: every `.txt` in the
    folder counts.
    """
    known = set(paths)
    folders = [name for name in FOLDERS if any(path.startswith(f"{name}/") for path in known)]
    if len(folders) > 1:
        raise ValueError("The repository has both binder and .binder. Keep one of them.")
    prefix = f"{folders[0]}/" if folders else ""
    names = {f"{prefix}{name}" for name in ENVIRONMENT_FILES}
    included = {
        path
        for path in known
        if path.startswith(f"{prefix}requirements")
        and path.endswith(".txt")
        and "/" not in path[len(prefix) :]
    }
    return sorted((names & known) | included)


def environment_key(files: Mapping[str, bytes], builder: str) -> str:
    """Return the key of what `builder` makes of `files`: equal files and builder, equal key.

    `builder` names the builder with every version that matters. Nothing else of a repository enters.
    """
    digest = hashlib.sha256(builder.encode())
    for path in sorted(files):
        digest.update(f"\0{path}\0{len(files[path])}\0".encode())
        digest.update(files[path])
    return digest.hexdigest()[:KEY_LENGTH]
