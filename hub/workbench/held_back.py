"""Which files are better not saved: too large for a repository, or with a secret in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGE_BYTES = 50_000_000
READ_BYTES = 2_000_000
SECRET_NAMES = re.compile(
    r"(^|/)(\.env(\..+)?|\.netrc|\.pgpass|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx))$"
)
SECRETS = (
    (re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(rb"\bAIza[0-9A-Za-z_-]{35}\b"), "a Google API key"),
    (re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(rb"\bgl(pat|dt|rt)-[0-9A-Za-z_-]{20,}\b"), "a GitLab token"),
    (re.compile(rb"\bgh[pousr]_[0-9A-Za-z]{36,}\b"), "a GitHub token"),
    (re.compile(rb"\blf_[0-9A-Za-z_-]{24,}\b"), "a token of this workspace"),
)


@dataclass(frozen=True)
class Reason:
    """Why a file is held back, and whether its person may insist on saving it."""

    words: str
    may_insist: bool


def reason(root: Path, path: str) -> Reason | None:
    """Return why the file `path` below `root` is held back, or None when it may be saved."""
    if path.endswith("/"):  # as git names a repository inside this one
        return Reason(
            "It is a repository of its own, so its files are not part of this one. Move it out of the "
            "project, or delete the folder .git in it, then save again.",
            False,
        )
    file = root / path
    if file.is_symlink() or not file.is_file():
        return None
    size = file.stat().st_size
    if size > LARGE_BYTES:
        return Reason(
            f"It is {size / 1e6:.0f} MB; a repository keeps every version of it for ever. Put it into your "
            "group's storage instead.",
            False,
        )
    if SECRET_NAMES.search(str(PurePosixPath(path))):
        return Reason(
            "Files of this name hold secrets, and whoever reads the project could read them. If it holds "
            "none, save it all the same.",
            True,
        )
    with file.open("rb") as opened:
        text = opened.read(READ_BYTES)
    found = next((words for pattern, words in SECRETS if pattern.search(text)), None)
    if found is None:
        return None
    return Reason(
        f"It seems to hold {found}, and whoever reads the project could use it. Take it out, then save "
        "again; if it is no secret, save it all the same.",
        True,
    )
