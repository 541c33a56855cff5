"""What is asked and answered about sessions over HTTP."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from hub.containers import AnyJob
from workspace_api.sessions.sizes import Size
from workspace_api.sessions.views import Prepared, SessionView, Waiting

JOB: TypeAdapter[AnyJob] = TypeAdapter(AnyJob)


class SessionRequest(BaseModel):
    """A project to open."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[str, Field(max_length=510, description="`namespace/name`.")]
    kind: Annotated[str, Field(max_length=40, description="`lab` or `worksheet`.")] = "lab"
    size: Annotated[str | None, Field(max_length=40, description="A size's name; none: the usual.")] = None
    without_packages: Annotated[
        bool, Field(description="In an environment without the project's packages, to correct its files.")
    ] = False


class SizeSchema(BaseModel):
    """One size of sessions; `hours` is how long it may run, 0 without an end."""

    name: str
    title: str
    cpus: float
    memory_bytes: int
    hours: float
    gpu: bool

    @classmethod
    def of(cls, size: Size) -> Self:
        """Return the size as it is answered."""
        return cls(**{name: getattr(size, name) for name in cls.model_fields})


class UsageSchema(BaseModel):
    """What a session uses: bytes of memory now and at most, processors now, their seconds since its start."""

    memory_bytes: int
    peak_memory_bytes: int
    cpus: float
    cpu_seconds: float


class SessionSchema(BaseModel):
    """One session; `url` is where it is once `state` is `running`, `step` what it is doing until then.

    While it is `waiting`, `position` is its number in the line (none while its person has too many open) and
    `waiting_for` says what for. While it runs, `ends_at` is when it ends if nothing changes, `ends_because`
    is `idle` or `time`, and `ending_soon` says that its person should be warned.
    """

    id: str
    owner: str
    project: str
    checkout_of: str | None
    kind: str
    size: SizeSchema
    state: str
    step: str
    position: int | None = None
    waiting_for: str | None = None
    error: str | None
    ended_because: str | None
    url: str
    opened_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    idle_seconds: int | None = None
    ends_at: dt.datetime | None = None
    ends_because: Literal["idle", "time"] | None = None
    ending_soon: bool = False
    usage: UsageSchema | None = None

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """Return the session as it is answered."""
        plain = ("id", "owner", "project", "checkout_of", "kind", "state", "step", "error", "ended_because")
        moments = ("url", "opened_at", "started_at", "ended_at")
        values: dict[str, Any] = {name: getattr(view, name) for name in (*plain, *moments)}
        if view.standing is not None:
            values |= {"position": view.standing.position, "waiting_for": view.standing.words}
        if view.activity is not None:
            values["idle_seconds"] = view.activity.idle_seconds
            if (ending := view.activity.ending) is not None:
                values |= {"ends_at": ending.at, "ends_because": ending.because, "ending_soon": ending.soon}
        if view.usage is not None:
            values["usage"] = UsageSchema(**asdict(view.usage))
        return cls(size=SizeSchema.of(view.size), **values)


class ServerQuestion(BaseModel):
    """Which server the spawner asks about."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, Field(max_length=255)]
    server: Annotated[str, Field(max_length=64)]


class ServerStart(ServerQuestion):
    """Which server answers, and the name of the folder from which its supervisor is reached."""

    control: Annotated[str, Field(pattern=r"^[0-9a-f]{1,40}$")]


class ServerEnd(ServerQuestion):
    """How a server ended."""

    reason: Annotated[str, Field(max_length=40)]
    words: Annotated[str, Field(max_length=10_000)] = ""


class Preparation(BaseModel):
    """How far the preparation of a server is; `job` is what to start once it is ready."""

    state: Literal["waiting", "ready"]
    step: str = ""
    job: dict[str, Any] | None = None

    @classmethod
    def of(cls, step: Waiting | Prepared) -> Self:
        """Return the answer to the spawner."""
        if isinstance(step, Waiting):
            return cls(state="waiting", step=step.step)
        return cls(state="ready", job=JOB.dump_python(step.job, mode="json"))


class GitCredential(BaseModel):
    """What git sends to the forge."""

    username: str
    password: str
