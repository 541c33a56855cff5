"""The means of a workspace: which launcher runs its jobs and which builder makes its environments."""

from __future__ import annotations

from pathlib import Path

from hub.containers import ContainerLauncher
from hub.environments.builder import Builder
from hub.environments.repo2docker import Repo2DockerBuilder
from hub.environments.sources import Sources
from hub.environments.uv import UvBuilder
from hub.jobs import Launcher
from hub.launchers import PlainLauncher, SandboxLauncher
from hub.warm.asking import WarmContainers, WarmStarts, warm_folder
from workspace_api.settings import ContainerSettings, Settings


def launcher_of(settings: Settings) -> Launcher:
    """Return what runs sessions, runs and git for people."""
    containers = settings.containers
    if containers.engine:
        warm = WarmContainers(warm_folder(settings.home), records_of(settings))
        return ContainerLauncher(
            containers.base_image, host=containers.host, network=containers.network, warm=warm
        )
    if not settings.sandboxed:
        return PlainLauncher()
    return SandboxLauncher(warm=WarmStarts(warm_folder(settings.home)))


def builder_of(settings: Settings) -> Builder:
    """Return what builds environments; the keys of one builder are never those of another."""
    containers = settings.containers
    index_url = settings.environments.index_url
    seconds = settings.environments.build_minutes * 60
    if not containers.engine:
        return UvBuilder(settings.home / "environments", index_url=index_url, seconds=seconds)
    return Repo2DockerBuilder(
        records_of(settings),
        containers.base_image,
        host=containers.host,
        sources=_sources(containers, index_url),
        seconds=seconds,
    )


def records_of(settings: Settings) -> Path:
    """Return where it is kept what is known of images."""
    return settings.home / "images"


def _sources(containers: ContainerSettings, index_url: str) -> Sources:
    return Sources(
        index_url=index_url,
        extra_index_urls=tuple(containers.extra_index_urls.split()),
        ca_bundle=Path(containers.ca_bundle) if containers.ca_bundle else None,
        http_proxy=containers.http_proxy,
        https_proxy=containers.https_proxy,
        no_proxy=containers.no_proxy,
        network=containers.build_network,
        cache=containers.cache,
    )
