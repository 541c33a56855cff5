"""What is asked and answered about sessions over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from hub.jobs import Job
from workspace_api.sessions.views import Prepared, SessionView, Waiting

JOB = TypeAdapter(Job)


class SessionRequest(BaseModel):
    """A project to open."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[str, Field(max_length=510, description="`namespace/name`.")]
    kind: Annotated[str, Field(max_length=40, description="`lab` or `worksheet`.")] = "lab"


class SessionSchema(BaseModel):
    """One session; `url` is where it is once `state` is `running`, `step` what it is doing until then."""

    id: str
    owner: str
    project: str
    checkout_of: str | None
    kind: str
    state: str
    step: str
    error: str | None
    url: str
    opened_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """Return the session as it is answered."""
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class ServerQuestion(BaseModel):
    """Which server the spawner asks about."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, Field(max_length=255)]
    server: Annotated[str, Field(max_length=64)]


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
