"""Where builds fetch packages from, and the files that tell the programs inside a build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Sources:
    """Package indexes, CA bundle and proxy of an intranet: known to builds, never part of an image.

    `network` is that of a build: with "host" it reaches every service of this machine. Builds with the same
    `cache` share downloaded packages; groups that do not trust each other should not.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    ca_bundle: Path | None = None
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    network: Literal["default", "host"] = "default"
    cache: str = "labfork-uv"

    def write_secrets(self, folder: Path) -> dict[str, Path]:
        """Write what programs in a build are told, as far as anything is set; return the files by name."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = {}
        texts = {"uv.toml": self._uv(), "pip.conf": self._pip(), "apt.conf": self._apt()}
        for name, lines in texts.items():
            if lines:
                written[name] = folder / name
                written[name].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        if self.ca_bundle is not None:
            written["ca.crt"] = self.ca_bundle
        return written

    def variables(self) -> dict[str, str]:
        """Return the variables of a process that reaches out by the proxy and trusts the CA bundle."""
        named = {"HTTP_PROXY": self.http_proxy, "HTTPS_PROXY": self.https_proxy, "NO_PROXY": self.no_proxy}
        proxies = {name: value for name, value in named.items() if value}
        lower = {name.lower(): value for name, value in proxies.items()}
        bundle = {"REQUESTS_CA_BUNDLE": str(self.ca_bundle)} if self.ca_bundle is not None else {}
        return {**proxies, **lower, **bundle}

    def _uv(self) -> list[str]:
        index = [f"index-url = {json.dumps(self.index_url)}"] if self.index_url else []
        extra = json.dumps(self.extra_index_urls)
        return [*index, *([f"extra-index-url = {extra}"] if self.extra_index_urls else [])]

    def _pip(self) -> list[str]:
        index = [f"index-url = {self.index_url}"] if self.index_url else []
        extra = [f"extra-index-url = {' '.join(self.extra_index_urls)}"] if self.extra_index_urls else []
        return ["[global]", *index, *extra] if index or extra else []

    def _apt(self) -> list[str]:
        proxies = {"http": self.http_proxy, "https": self.https_proxy}
        lines = [_apt_line(f"Acquire::{kind}::Proxy", value) for kind, value in proxies.items() if value]
        if self.ca_bundle is not None:
            lines.append(_apt_line("Acquire::https::CAInfo", "/run/secrets/ca.crt"))
        return lines


def _apt_line(name: str, value: str) -> str:
    return f'{name} "{value}";'
