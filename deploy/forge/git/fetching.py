"""Fetching a stranger's repository whole: from one address, within bounds of time and size."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.forge.git.command import ENVIRONMENT, LENIENT, SAFE, git

LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1  # linux/prctl.h
HEAD = "ref: refs/heads/"
REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# How git's own words begin to say that the address needs a password, or that nothing is there.
CLOSED = ("terminal prompts disabled", "authentication failed", "not found", "error: 404", "error: 403",
          "error: 401")  # fmt: skip
MOVED = ("error: 301", "error: 302", "error: 307", "error: 308", "redirect")
PASSED_ON = ("https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy", "NO_PROXY")


class FetchError(Exception):
    """The repository could not be fetched; the message says why in words for whoever asked for it."""


class FetchStopped(Exception):  # noqa: N818 - what happens, as people say it
    """The forge stops; the fetch is to begin anew at its next start."""


@dataclass(frozen=True)
class Bounds:
    """How long a fetch may take and how large what it brings may be."""

    seconds: float
    bytes: int


def fetch_whole(folder: Path, url: str, pinned: str | None, bounds: Bounds, stop: threading.Event) -> str:
    """Make `folder` a bare repository with all branches and tags of `url`; return its default branch.

    `pinned` is the one IP address that the host's name may stand for. Redirects and submodules are not
    followed, no hook, filter or credential is used. Raises FetchError, and FetchStopped once `stop` is set;
    what is in the folder then is worth nothing.
    """
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", str(folder))
    until = time.monotonic() + bounds.seconds
    watched = _Watched(folder, url, bounds, until, stop)
    options = _options(url, pinned)
    listed = watched.run(*options, "ls-remote", "--symref", url, "HEAD")
    watched.run(*options, "fetch", "--quiet", "--atomic", "--no-write-fetch-head", "--no-auto-gc",
                "--no-recurse-submodules", url, *REFS)  # fmt: skip
    first = listed.partition("\n")[0].partition("\t")[0]
    named = first.removeprefix(HEAD) if first.startswith(HEAD) else ""
    return named or _any_branch(folder)


def _any_branch(folder: Path) -> str:
    found = git(folder, "for-each-ref", "--count=1", "--format=%(refname:lstrip=2)", "refs/heads")
    return found.decode(errors="replace").strip() or "main"


def _options(url: str, pinned: str | None) -> list[str]:
    settings = ["http.followRedirects=false", "credential.helper=", "transfer.fsckObjects=true",
                *(f"fetch.fsck.{name}=ignore" for name in LENIENT)]  # fmt: skip
    if pinned is not None:
        settings.append(f"http.curloptResolve={pinned}")
    return [part for setting in settings for part in ("-c", setting)]


@dataclass(frozen=True)
class _Watched:
    """git commands that reach out, each ended when it takes too long or brings too much."""

    folder: Path
    url: str
    bounds: Bounds
    until: float
    stop: threading.Event

    def run(self, *arguments: str) -> str:
        """Return what git writes."""
        said, errors = self.folder / "said", self.folder / "errors"
        with said.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                ["git", *SAFE, f"--git-dir={self.folder}", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.folder, env=_environment(self.url),
                start_new_session=True, preexec_fn=self._bind,  # noqa: PLW1509 - two system calls, no lock
            )  # fmt: skip
        try:
            while process.poll() is None:
                self._check()
                time.sleep(LOOK_SECONDS)
            self._check()
        finally:
            _end(process)
        if process.returncode != 0:
            raise FetchError(self._in_words(errors.read_text(errors="replace")))
        return said.read_text(errors="replace")

    def _bind(self) -> None:
        """In git, before it begins: die with the forge, and write no file larger than all may be."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        most = self.bounds.bytes + 1_000_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    def _check(self) -> None:
        if self.stop.is_set():
            raise FetchStopped
        if time.monotonic() > self.until:
            raise FetchError(
                f"It did not arrive within {self.bounds.seconds:.0f} s. Its server may be slow; try later."
            )
        if _size(self.folder) > self.bounds.bytes:
            raise FetchError(
                f"It is larger than {self.bounds.bytes // 1024**2} MiB, the most that is fetched here. "
                "Ask an administrator to raise the limit, or choose a smaller repository."
            )

    def _in_words(self, text: str) -> str:
        lines = [line for line in text.lower().splitlines() if not line.startswith("remote:")]
        said = "\n".join(lines)
        if any(words in said for words in MOVED):
            return "The address leads to another one. Open it in a browser, and use the address it leads to."
        if any(words in said for words in CLOSED):
            return "There is no public repository at this address, or it needs a password."
        last = text.strip().splitlines()[-1:] or ["git said nothing"]
        return f"It could not be fetched. git says: {last[0][:300]}"


def _environment(url: str) -> dict[str, str]:
    proxies = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    trusted = {"GIT_SSL_CAINFO": os.environ["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in os.environ else {}
    return {**ENVIRONMENT, **proxies, **trusted, "GIT_ALLOW_PROTOCOL": url.partition(":")[0]}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with the programs that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _size(folder: Path) -> int:
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(at) / name).lstat().st_size
            except FileNotFoundError:  # git has just renamed it
                continue
    return total


def tidy(folder: Path, leftovers: Sequence[str] = ("said", "errors", "FETCH_HEAD")) -> None:
    """Remove from a fetched repository what only the fetch needed."""
    for name in leftovers:
        (folder / name).unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Remove a folder that a fetch left behind, if there is one."""
    shutil.rmtree(folder, ignore_errors=True)
