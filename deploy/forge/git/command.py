"""The one way the forge calls git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 60
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
    "PATH": os.environ.get("PATH", os.defpath),
}
SAFE = (
    *("-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("-c", "core.bigFileThreshold=8m"),  # what large files have in common is looked for for minutes
)

# Old mistakes that many a well-known history holds, and that harm nothing: what GitLab lets pass too.
LENIENT = ("badTimezone", "zeroPaddedFilemode", "missingSpaceBeforeDate")


class GitError(Exception):
    """git refused or failed; the message is git's own last line."""


def git(
    repository: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
    timeout: float = SECONDS,
) -> bytes:
    """Run git in a bare repository and return what it wrote; GitError on a status that is not in `ok`."""
    try:
        done = subprocess.run(
            ["git", *SAFE, f"--git-dir={repository}", *arguments],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env={**ENVIRONMENT, **(env or {})},
            cwd=repository,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} was not done after {timeout:.0f} s") from None
    if done.returncode not in ok:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitError(words[-1] if words else f"git {arguments[0]} ended with status {done.returncode}")
    return done.stdout
