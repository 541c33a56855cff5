"""Sessions as pages and the API show them, and as JupyterHub's spawner is answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hub.jobs import Job, Usage
from workspace_api.sessions.ends import Ending
from workspace_api.sessions.sizes import Size

Kind = Literal["lab", "worksheet"]
KINDS: tuple[Kind, ...] = ("lab", "worksheet")


@dataclass(frozen=True)
class Standing:
    """What a waiting session waits for: its number in the line, None outside of it, and the words for it."""

    position: int | None
    words: str


@dataclass(frozen=True)
class Activity:
    """How long a running session was not used, and when it ends if nothing changes (None: it does not)."""

    idle_seconds: int
    ending: Ending | None


@dataclass(frozen=True)
class SessionView:
    """One session and how far it is; `url` is where it is open, relative to the workspace's address.

    `standing` is there while it waits, `activity` and `usage` while it runs and they are known.
    """

    id: str
    owner: str
    project: str
    checkout_of: str | None
    kind: str
    server: str
    state: str
    step: str
    error: str | None
    environment_key: str | None
    folder: str | None
    opened_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    size: Size
    control: str | None = None
    asks: int = 0
    asked_at: dt.datetime | None = None
    ended_because: str | None = None
    standing: Standing | None = None
    activity: Activity | None = None
    usage: Usage | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ("stopped", "failed")

    @property
    def url(self) -> str:
        """Where its server answers while it runs."""
        return f"/user/{self.owner}/{self.server}/"


@dataclass(frozen=True)
class Waiting:
    """The session is not prepared yet: what it waits for, and the file that ends that, if one does."""

    step: str
    until: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """The session may start, as this job."""

    job: Job
