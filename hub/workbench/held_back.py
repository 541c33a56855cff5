"""Which files are better not saved: too large for a repository, or with a secret in them."""

from __future__ import annotations

import re
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


def reason(root: Path, path: str) -> str | None:
    """Return why the file `path` below `root` is held back, or None when it may be saved."""
    file = root / path
    if file.is_symlink() or not file.is_file():
        return None
    size = file.stat().st_size
    if size > LARGE_BYTES:
        return (
            f"It is {size / 1e6:.0f} MB; a repository keeps every version of it for ever. Put it into your "
            "group's storage instead."
        )
    if SECRET_NAMES.search(str(PurePosixPath(path))):
        return "Files of this name hold secrets, and whoever reads the project could read them."
    with file.open("rb") as opened:
        text = opened.read(READ_BYTES)
    found = next((words for pattern, words in SECRETS if pattern.search(text)), None)
    return f"It seems to hold {found}. Take it out, then save again." if found else None
