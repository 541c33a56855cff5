"""Brings a project template onto the forge: a first version, or a next one where the template changed."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from auth.identity import Identity
from hub.processes import CommandError
from workspace_api.errors import ConflictError
from workspace_api.forge.client import ForgeClient
from workspace_api.projects.service import ProjectService

AUTHOR = ("-c", "user.name=Labfork", "-c", "user.email=labfork@labfork.invalid")
VERSION = re.compile(r"v(\d+)\.(\d+)")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".git", "*.pyc")


def seed_template(
    forge: ForgeClient, projects: ProjectService, identity: Identity, *, template: Path, path: str, area: str
) -> str | None:
    """Make the project at `path` hold `template`, and curate it; return the version made, None if none was.

    The template becomes a commit on top of whatever is there and the next tag; a version that is there is
    never rewritten, and commits that people made stay below it. Safe to repeat, and to be cut off.
    """
    namespace, _, name = path.rpartition("/")
    forge.ensure_group(namespace, namespace.capitalize())
    made = forge.ensure_project(namespace, name, "public", "")
    with tempfile.TemporaryDirectory(prefix="labfork-seed-") as folder:
        checkout = Path(folder) / "checkout"
        newest = _newest(forge, path)
        if newest is not None and _same(forge, path, newest, template, checkout):
            _curate(forge, projects, identity, path=path, version=newest, area=area)
            return None
        version = _next(newest)
        _commit(forge, path, template, checkout, branch=made.default_branch, version=version)
    _curate(forge, projects, identity, path=path, version=version, area=area)
    return version


def _newest(forge: ForgeClient, path: str) -> str | None:
    numbers = [match.groups() for v in forge.versions(path) if (match := VERSION.fullmatch(v.tag))]
    newest = max(((int(major), int(minor)) for major, minor in numbers), default=None)
    return None if newest is None else f"v{newest[0]}.{newest[1]}"


def _next(newest: str | None) -> str:
    match = VERSION.fullmatch(newest) if newest else None
    return "v1.0" if match is None else f"v{match[1]}.{int(match[2]) + 1}"


def _same(forge: ForgeClient, path: str, version: str, template: Path, checkout: Path) -> bool:
    commit = forge.resolve(path, version)
    if commit is None:
        raise ConflictError(f"{path}: the version {version} vanished while it was being read.")
    forge.checkout(path, commit, checkout)
    _replace(checkout, template)
    forge.git(checkout, "add", "--all")
    return not forge.git(checkout, "status", "--porcelain").strip()


def _commit(
    forge: ForgeClient, path: str, template: Path, checkout: Path, *, branch: str, version: str
) -> None:
    """Push the template as one commit and its tag, both or neither."""
    shutil.rmtree(checkout, ignore_errors=True)
    checkout.mkdir(parents=True)
    forge.git(checkout, "init", "--quiet", f"--initial-branch={branch}")
    if forge.resolve(path, branch) is not None:
        forge.git(checkout, "fetch", "--quiet", forge.address(path), f"refs/heads/{branch}")
        forge.git(checkout, "reset", "--quiet", "--hard", "FETCH_HEAD")
    _replace(checkout, template)
    forge.git(checkout, "add", "--all")
    forge.git(checkout, *AUTHOR, "commit", "--quiet", "--allow-empty", "-m", f"Version {version[1:]}")
    forge.git(checkout, *AUTHOR, "tag", "-a", version, "-m", f"Version {version[1:]}")
    try:
        forge.git(
            checkout, "push", "--quiet", "--atomic", forge.address(path), f"HEAD:refs/heads/{branch}", version
        )
    except CommandError as error:
        raise ConflictError(f"{path}: version {version} could not be pushed: {error}. Try again.") from error


def _replace(checkout: Path, template: Path) -> None:
    """Make the files of a checkout those of the template."""
    for entry in checkout.iterdir():
        if entry.name == ".git":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(template, checkout, dirs_exist_ok=True, ignore=LEFT_OUT)


def _curate(
    forge: ForgeClient, projects: ProjectService, identity: Identity, *, path: str, version: str, area: str
) -> None:
    projects.refresh(path)
    known = projects.get(identity, path)
    if (known.curated_version, known.curated_commit) != (version, forge.resolve(path, version)):
        projects.curate(identity, path, version=version, area=area)
