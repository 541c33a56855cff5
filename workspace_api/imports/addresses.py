"""Addresses of repositories, as people paste them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ANY = "*"
LONGEST = 500
EXAMPLE = "Write it like https://github.com/owner/name."
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
STEP = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~+-]*")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class AddressError(ValueError):
    """What was given is no address of a repository; the message says why."""


@dataclass(frozen=True)
class Address:
    """Where a repository is: one spelling for each, without `.git`."""

    scheme: str
    host: str
    path: str

    @property
    def source(self) -> str:
        """The address as pages show it and as two are compared."""
        return f"{self.scheme}://{self.host}/{self.path}"

    @property
    def fetched(self) -> str:
        """The address that git is given; redirects are not followed, and GitLab's would be one without it."""
        return f"{self.source}.git"

    @property
    def names(self) -> list[str]:
        """What a project made of it may be called, the best first; each is a name that a forge takes."""
        *_, owner, name = ("", *self.path.split("/"))
        plain = _named(name)
        return list(
            dict.fromkeys([plain, _named(f"{owner}-{name}"), *(f"{plain}-{n}" for n in range(2, 10))])
        )


def read_address(text: str) -> Address:
    """Return the address that `text` means; raises AddressError."""
    given = text.strip()
    if not given:
        raise AddressError(f"The address of the repository is missing. {EXAMPLE}")
    if len(given) > LONGEST or not given.isascii() or not given.isprintable() or " " in given:
        raise AddressError(f"“{given[:80]}” is no address of a repository. {EXAMPLE}")
    whole = given if "://" in given else f"https://{given}"
    try:
        parts = urlsplit(whole)
    except ValueError:
        raise AddressError(f"“{given[:80]}” is no address of a repository. {EXAMPLE}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressError(f"“{given[:80]}” does not begin with https://. {EXAMPLE}")
    if "@" in parts.netloc:
        raise AddressError(
            "Leave user name and password out of the address: only public repositories can be opened."
        )
    if parts.query or parts.fragment:
        raise AddressError("The address must end with the repository's name: leave out what follows ? or #.")
    host = parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme])
    path = parts.path.strip("/").removesuffix(".git")
    steps = path.split("/")
    if not HOST.fullmatch(host):
        raise AddressError(f"“{parts.netloc[:80]}” is no host that can be asked. {EXAMPLE}")
    if not path:
        raise AddressError(f"“{given[:80]}” names no repository. {EXAMPLE}")
    for step in steps:
        if not STEP.fullmatch(step):
            raise AddressError(
                f"“{step[:80]}” cannot be part of an address: names begin with a letter or digit. {EXAMPLE}"
            )
    return Address(parts.scheme, host, path)


def is_allowed(address: Address, hosts: Sequence[str]) -> bool:
    """Whether repositories of this host may be opened: by its name, or by `*` over https."""
    origin = f"{address.scheme}://{address.host}"
    listed = {entry if "://" in entry else f"https://{entry}" for entry in map(str.lower, hosts)}
    return origin in listed or (ANY in hosts and address.scheme == "https")


def project_at(address: Address, *, public_url: str, clone_url: str) -> str | None:
    """Return the path of the project that an address of this workspace itself means, or None.

    Both the page of a project (`public_url`/projects/...) and where git clones it from are known.
    """
    for prefix in (f"{public_url.rstrip('/')}/projects", clone_url.rstrip("/"), public_url.rstrip("/")):
        where = urlsplit(prefix)
        if address.host != where.netloc.lower().removesuffix(DEFAULT_PORTS.get(where.scheme, "")):
            continue
        inside, rest = where.path.strip("/"), address.path
        if inside and not rest.startswith(f"{inside}/"):
            continue
        steps = rest.removeprefix(inside).strip("/").split("/")
        return "/".join(steps[:2]) if len(steps) >= 2 else None
    return None


def _named(text: str) -> str:
    """Return a name that GitLab takes for a project."""
    name = re.sub(r"[^A-Za-z0-9._-]+|[-._]{2,}", "-", text).strip("-._").lower()[:100].strip("-._")
    return name.removesuffix(".git").removesuffix(".atom") or "project"
