"""Builds environments as container images with repo2docker, in the engine of this machine."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.resources
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from hub.containers import HOST, engine
from hub.environments.build_failures import explain
from hub.environments.clients import CLIENTS, NoClientError, find_client
from hub.environments.collection import Stored, surplus
from hub.environments.image_files import check_files
from hub.environments.image_probe import look_into
from hub.environments.image_records import record_path
from hub.environments.keys import environment_key
from hub.environments.locks import lock_key
from hub.environments.requirements import BuildFailed
from hub.environments.sources import Sources
from hub.environments.startup import STARTUP
from hub.processes import Cancelled, CommandError, stream
from nfs.mounts import Mount

VERSION = "repo2docker-3"  # of what we make of equal files; a new one builds every environment anew
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IDLE_SECONDS = 3600.0


class Repo2DockerBuilder:
    """Images in the engine at `host`, one for each key; `root` holds what is known of each.

    `base_image` is a Debian or Ubuntu image: name it by a digest, or by a tag that never changes, since its
    name enters the key. Images are named `repository`:key. `seconds` is the longest build.
    """

    def __init__(
        self,
        root: Path,
        base_image: str,
        *,
        host: str = HOST,
        sources: Sources | None = None,
        clients: Sequence[Path] = CLIENTS,
        repository: str = "labfork/environment",
        seconds: float = 3600,
    ) -> None:
        self._root = root
        self._base_image = base_image
        self._host = host
        self._sources = sources or Sources()
        self._clients = clients
        self._repository = repository
        self._seconds = seconds
        ours = importlib.resources.files("hub.environments")
        self._base = {
            name: (ours / name).read_text(encoding="utf-8")
            for name in ("base.txt", "base.lock", "overrides.txt")
        }

    @property
    def name(self) -> str:
        """The builder with every version that decides what it makes."""
        version = importlib.metadata.version("jupyter-repo2docker")
        packages = "".join(self._base.values())
        return f"{VERSION} {version} {platform.machine()} {self._base_image} {packages}"

    @property
    def label(self) -> str:
        """The builder in a few words, for people."""
        version = importlib.metadata.version("jupyter-repo2docker")
        return f"repo2docker {version} on {self._base_image} ({platform.machine()})"

    def key(self, files: Mapping[str, bytes]) -> str:
        """Return the key of the environment that `files` need."""
        return environment_key(files, self.name)

    def image(self, key: str) -> str:
        """Return the name of the image of the environment `key`."""
        return f"{self._repository}:{key}"

    def python(self, key: str) -> PurePosixPath:
        """Return the interpreter of the built environment `key`, in its image."""
        return PurePosixPath(self._record(key)["python"])

    def mounts(self, key: str) -> tuple[Mount, ...]:
        """Return what Python reads at its start; all else of an environment is in its image."""
        packages = PurePosixPath(self._record(key)["packages_folder"])
        return tuple(Mount(file, packages / name, "ro") for name, file in STARTUP.items())

    def is_built(self, key: str) -> bool:
        """Whether the image is there, and was looked into; raises OSError when the engine does not answer."""
        return self._record_path(key).exists() and self._image_exists(key)

    def build(
        self, key: str, files: Mapping[str, str], log: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Build the environment `key` of `files` (path to text) unless it is there; the log grows meanwhile.

        One build of a key at a time, across processes. A build that was cut off leaves nothing that counts
        as built. Raises BuildFailed with the line at fault, Cancelled when `cancelled` says so, and OSError
        when the engine does not answer.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with lock_key(self._root, key, cancelled) as lock:
            if self.is_built(key):
                return
            log.write_text("Reading the environment files\n", encoding="utf-8")
            work = self._root / f".{key}"
            shutil.rmtree(work, ignore_errors=True)
            try:
                self._make(key, files, log, work, lock, cancelled)
            except BuildFailed as failure:
                _append(log, failure.message)
                raise
            except Cancelled:
                _append(log, "Cancelled")
                raise
            finally:
                shutil.rmtree(work, ignore_errors=True)
            _append(log, "Ready")

    def installed_packages(self, key: str) -> dict[str, str]:
        """Return the packages of a built environment's Python with their versions."""
        packages: dict[str, str] = self._record(key)["packages"]
        return dict(sorted(packages.items(), key=lambda pair: pair[0].lower()))

    def size(self, key: str) -> int:
        """Return the bytes of the environment's image; layers shared with other images are counted too."""
        return int(self._record(key)["bytes"])

    def touch(self, key: str) -> None:
        """Remember that the environment is used now."""
        os.utime(self._record_path(key))

    def stored(self) -> list[Stored]:
        """Return the environments that are there, with the bytes that no other image shares."""
        with engine(self._host) as client:
            images = {tag: found for found in client.df()["Images"] for tag in found["RepoTags"] or ()}
        there = []
        for record in sorted(self._root.glob("*.json")):
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                if (found := images.get(self.image(record.stem))) is not None:
                    own = found["Size"] - max(found["SharedSize"], 0)
                    there.append(Stored(record.stem, own, record.stat().st_mtime))
        return there

    def remove(self, key: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Remove an environment, if `still` says so once no build of it goes on and none can begin.

        False, and it stays, while it is being built or a container uses it.
        """
        import docker  # type: ignore[import-untyped]

        try:
            with lock_key(self._root, key, lambda: True), engine(self._host) as client:
                if not still():
                    return False
                try:
                    client.images.remove(self.image(key))
                except docker.errors.ImageNotFound:
                    pass
                except docker.errors.APIError as error:
                    if error.status_code != 409:
                        raise
                    return False
                self._record_path(key).unlink(missing_ok=True)
        except Cancelled:
            return False
        return True

    def tidy(self) -> None:
        """Remove the working folders of builds that were cut off."""
        for work in self._root.glob(".*"):
            if work.is_dir():
                with contextlib.suppress(Cancelled), lock_key(self._root, work.name[1:], lambda: True):
                    shutil.rmtree(work, ignore_errors=True)

    def collect(
        self,
        limit_bytes: int,
        *,
        in_use: Collection[str] = (),
        cache_bytes: int | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> list[str]:
        """Remove the environments that were used least recently until at most `limit_bytes` stay.

        Never one of `in_use`, one that a container uses, or one used in the last `idle_seconds`. The engine's
        build cache, uv's in it, is cut to `cache_bytes`. Returns the keys of what was removed.
        """
        before = time.time() - idle_seconds
        chosen = surplus(self.stored(), limit_bytes, in_use=in_use, before=before)
        removed = [key for key in chosen if self.remove(key)]
        if cache_bytes is not None:
            with engine(self._host) as client:
                client.api.prune_builds(keep_storage=cache_bytes, all=True)
        return removed

    def _make(
        self,
        key: str,
        files: Mapping[str, str],
        log: Path,
        work: Path,
        lock: int,
        cancelled: Callable[[], bool],
    ) -> None:
        lines = check_files(files)
        specification = self._prepare(key, files, work)
        _append(log, f"Building an image with repo2docker on {self._base_image}")
        program: list[str | Path] = [sys.executable, "-I", "-m", "hub.environments.image_program"]
        variables = {
            "PATH": SEARCHED,
            "HOME": str(work),
            "DOCKER_HOST": self._host,
            "DOCKER_BUILDKIT": "1",
            **self._sources.variables(),
        }
        try:
            stream(
                [*program, specification],
                log,
                timeout=self._seconds,
                cancelled=cancelled,
                keep=lock,
                env=variables,
            )
        except CommandError as error:
            raise explain(error, files, lines, self._base_image, self._seconds) from None
        _append(log, "Looking into the image")
        found = look_into(self.image(key), self._host, work, cancelled)
        with engine(self._host) as client:
            size = client.images.get(self.image(key)).attrs["Size"]
        record = {**vars(found), "bytes": size}
        temporary = work / "record.json"
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(self._record_path(key))

    def _prepare(self, key: str, files: Mapping[str, str], work: Path) -> Path:
        """Write the files, the tools and the secrets of a build; return where it is specified."""
        try:
            client = find_client(self._clients)
        except NoClientError as error:
            raise BuildFailed(str(error)) from None
        repository, tools = work / "repository", work / "tools"
        for path, text in files.items():
            file = repository / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        repository.mkdir(parents=True, exist_ok=True)
        tools.mkdir()
        for name, text in self._base.items():
            (tools / name).write_text(text, encoding="utf-8")
        shutil.copy(Path(sys.executable).with_name("uv"), tools / "uv")
        secrets = self._sources.write_secrets(work / "secrets")
        specification = work / "specification.json"
        specification.write_text(
            json.dumps(
                {
                    "repository": str(repository),
                    "image": self.image(key),
                    "base_image": self._base_image,
                    "client": str(client.program),
                    "buildx": client.buildx,
                    "secrets": {name: str(file) for name, file in secrets.items()},
                    "tools": str(tools),
                    "network": self._sources.network,
                    "cache": self._sources.cache,
                }
            ),
            encoding="utf-8",
        )
        return specification

    def _image_exists(self, key: str) -> bool:
        import docker

        with engine(self._host) as client:
            try:
                client.images.get(self.image(key))
            except docker.errors.ImageNotFound:
                return False
        return True

    def _record_path(self, key: str) -> Path:
        return record_path(self._root, key)

    def _record(self, key: str) -> Any:
        return json.loads(self._record_path(key).read_text(encoding="utf-8"))


def _append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
