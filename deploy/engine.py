"""The Docker Engine that a configuration chose: whether a workspace can work with it, and its network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import docker  # type: ignore[import-untyped]

from deploy import base_image
from deploy.configuration import Configuration, ConfigurationError, variable
from hub.containers import engine
from hub.environments.clients import CLIENTS, NoClientError, find_client
from hub.metadata import route_program
from workspace_api.settings import BASE_IMAGE, ContainerSettings

OLDEST = (1, 41)  # of the engine's interface: Docker Engine 20.10
APART = {"com.docker.network.bridge.enable_icc": "false"}


def look_at(chosen: ContainerSettings) -> str:
    """Return in words the engine that sessions and runs shall have.

    Raises ConfigurationError with what is missing, and what helps.
    """
    if os.geteuid() != 0:
        raise ConfigurationError(
            "containers need a workspace that is started as root: homes belong to people's own user ids. "
            f"Start it as root, or leave {variable('containers__engine')} empty."
        )
    try:
        client = find_client(CLIENTS)
        with engine(chosen.host) as connected:
            version = connected.version()
            driver = connected.info()["Driver"]
            made = _has_image(connected, chosen.base_image)
    except (NoClientError, OSError) as error:
        raise ConfigurationError(str(error)) from None
    if tuple(map(int, version["ApiVersion"].split("."))) < OLDEST:
        raise ConfigurationError(f"Docker Engine {version['Version']} is too old; install 20.10 or newer.")
    return (
        f"Docker Engine {version['Version']} ({driver}) at {chosen.host}, base image {chosen.base_image}"
        f"{'' if made else ' (made at the start)'}, builds by {client.program}"
    )


def make_ready(configuration: Configuration, say: Callable[[str], None] = print) -> None:
    """Refuse a chosen engine that cannot be used; make our base image, and the network of what is `open`.

    What takes long is told by `say`.

    Raises ConfigurationError with the setting, what is missing, and what helps.
    """
    chosen = configuration.containers
    if not chosen.engine:
        return
    try:
        look_at(chosen)
        _make_base_image(chosen, say)
        if "open" in (configuration.runs.network, configuration.sessions.network):
            if route_program() is None:
                raise ConfigurationError(
                    "the network open needs the program ip, which shuts out metadata addresses of a cloud. "
                    "Install it: apt-get install iproute2"
                )
            _make_network(chosen)
    except (ConfigurationError, OSError) as error:
        name = variable("containers__engine")
        raise ConfigurationError(f"{name}={chosen.engine} cannot be used here: {error}") from None


def _has_image(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has the base image; raises ConfigurationError when it cannot be made here either."""
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        lacks = f"the engine has no image {name} ({variable('containers__base_image')})."
        if name != BASE_IMAGE:
            raise ConfigurationError(f"{lacks} Get it with docker pull {name}.") from None
        if not base_image.can_be_made():
            raise ConfigurationError(
                f"{lacks} It is made by {base_image.PROGRAM}: apt-get install {base_image.PROGRAM}. "
                "Or name a Debian or Ubuntu image that the engine has."
            ) from None
        return False
    return True


def _make_base_image(chosen: ContainerSettings, say: Callable[[str], None]) -> None:
    with engine(chosen.host) as client:
        if _has_image(client, chosen.base_image):
            return
        say(f"Making the base image {chosen.base_image}: Debian with git and Python, which takes a minute")
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "tar"
            base_image.write_archive(archive)
            base_image.import_archive(client, archive, chosen.base_image)


def _make_network(chosen: ContainerSettings) -> None:
    """Make the network of open jobs, without traffic between them, unless it is there."""
    with engine(chosen.host) as client:
        if not client.networks.list(names=[f"^{chosen.network}$"]):
            client.networks.create(chosen.network, driver="bridge", options=APART)
