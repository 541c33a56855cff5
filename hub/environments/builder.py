"""What every builder of environments can do, and how a job is given what one of them has built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path, PurePath
from typing import Protocol, runtime_checkable

from hub.containers import ImageJob
from hub.environments.collection import Stored
from hub.jobs import Job
from hub.sandbox import Host
from nfs.mounts import Mount


class Builder(Protocol):
    """Makes environments from environment files, one for each key, and knows what is in them."""

    @property
    def name(self) -> str:
        """The builder with every version that decides what it makes."""

    @property
    def label(self) -> str:
        """The builder in a few words, for people."""

    def key(self, files: Mapping[str, bytes]) -> str:
        """Return the key of the environment that `files` need."""

    def build(
        self, key: str, files: Mapping[str, str], log: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Build the environment `key` of `files` (path to text) unless it is there; the log grows meanwhile.

        One build of a key at a time, across processes. Raises BuildFailed in words, and Cancelled when
        `cancelled` says so.
        """

    def is_built(self, key: str) -> bool:
        """Whether the environment is there, whole."""

    def python(self, key: str) -> PurePath:
        """Return the interpreter of the environment `key`, where a job finds it."""

    def mounts(self, key: str) -> tuple[Mount, ...]:
        """Return what a job must see to use the environment."""

    def installed_packages(self, key: str) -> dict[str, str]:
        """Return the packages of a built environment with their versions."""

    def size(self, key: str) -> int:
        """Return the bytes of a built environment."""

    def stored(self) -> list[Stored]:
        """Return the environments that are there, whole."""

    def remove(self, key: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Remove an environment, if `still` says so once no build of it goes on and none can begin.

        False, and it stays whole, while it is being built, or used by a job that would lose it. One that is
        gone already counts as removed.
        """

    def tidy(self) -> None:
        """Remove what builds and removals that were cut off left behind."""


@runtime_checkable
class ImageBuilder(Builder, Protocol):
    """A builder whose environments are container images: a job runs in one, and mounts nothing of it."""

    def image(self, key: str) -> str:
        """Return the name of the image of the environment `key`."""


def in_environment(job: Job, builder: Builder, key: str) -> Job:
    """Return `job` with what it needs to use the environment `key` of `builder`: its mounts, or its image."""
    job = replace(job, mounts=(*job.mounts, *builder.mounts(key)))
    if not isinstance(builder, ImageBuilder):
        return job
    given = {field.name: getattr(job, field.name) for field in fields(Job)}
    return ImageJob(**given, image=builder.image(key))


def helper_python(builder: Builder, key: str, host: Host) -> PurePath:
    """Return what small programs of ours run with beside the environment `key`, where a job finds it.

    A sandbox has this machine's own Python, which no project can change; a container has its image's alone.
    """
    return builder.python(key) if isinstance(builder, ImageBuilder) else host.python
