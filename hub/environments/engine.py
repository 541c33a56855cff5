"""Builds with the engine's BuildKit what repo2docker rendered, whether the client has buildx or not."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from repo2docker.docker import DockerEngine  # type: ignore[import-untyped]
from repo2docker.utils import execute_cmd  # type: ignore[import-untyped]

from hub.environments.clients import Client

TOOLS = "labfork"  # in the build's context
PROXY_ARGUMENTS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
# Which variables tell programs where a secret is; the file of a secret is /run/secrets/ and its name.
VARIABLES = {
    "ca.crt": ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    "uv.toml": ("UV_CONFIG_FILE",),
    "pip.conf": ("PIP_CONFIG_FILE",),
    "apt.conf": ("APT_CONFIG",),
}


def with_secrets(dockerfile: str, secrets: Sequence[str]) -> str:
    """Return `dockerfile` with every RUN seeing the secrets, which stay in no layer and in no cache key."""
    if not secrets:
        return dockerfile
    variables = [f"ARG {name}=/run/secrets/{secret}" for secret in secrets for name in VARIABLES[secret]]
    seen = "".join(f"--mount=type=secret,id={secret},mode=0444 " for secret in secrets)
    told = re.sub(r"^FROM .*$", lambda found: "\n".join([found[0], *variables]), dockerfile, flags=re.M)
    return re.sub(r"^RUN ", lambda _: f"RUN {seen}", told, flags=re.M)


class BuildKitEngine(DockerEngine):  # type: ignore[misc]
    """repo2docker's engine for a client with buildx or with a BuildKit of its own.

    `secrets` are files by their names in VARIABLES. Only what a build pack rendered is given them and the
    files of `tools`: a repository's own Dockerfile is built as it is.
    """

    client: Client
    secrets: Mapping[str, Path]
    tools: Path
    network: Literal["default", "host"]

    @property
    def container_cli(self) -> str:
        """The client's program."""
        return str(self.client.program)

    def build(
        self,
        *,
        tag: str = "",
        buildargs: Mapping[str, str | None] | None = None,
        labels: Mapping[str, str | None] | None = None,
        dockerfile: str = "",
        fileobj: IO[bytes] | None = None,
        path: str = "",
        **_: Any,
    ) -> Iterator[str]:
        """Build the image `tag`, yielding what the client writes; raises CalledProcessError when it fails."""
        command = [self.container_cli, *(["buildx", "build", "--load"] if self.client.buildx else ["build"])]
        command += ["--progress", "plain", "--network", self.network, "--tag", tag]
        command += [part for name in PROXY_ARGUMENTS for part in ("--build-arg", name)]
        command += [part for named in _pairs(buildargs) for part in ("--build-arg", named)]
        command += [part for named in _pairs(labels) for part in ("--label", named)]
        if fileobj is None:
            yield from execute_cmd([*command, "--file", dockerfile, path], True)
            return
        for name, file in self.secrets.items():
            command += ["--secret", f"id={name},src={file}"]
        with tempfile.TemporaryDirectory() as context:
            with tarfile.open(fileobj=fileobj) as archive:
                # The first releases of Python 3.11 have no filters; repo2docker made this archive just now.
                archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                archive.extractall(context)  # noqa: S202
            shutil.copytree(self.tools, Path(context) / TOOLS)
            rendered = Path(context) / "Dockerfile"
            rendered.write_text(with_secrets(rendered.read_text(), list(self.secrets)))
            yield from execute_cmd([*command, context], True)


def _pairs(values: Mapping[str, str | None] | None) -> list[str]:
    return [f"{name}={value}" for name, value in (values or {}).items() if value is not None]
