"""What is answered about environments over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from workspace_api.environments.details import Details
from workspace_api.environments.views import EnvironmentView


class EnvironmentSchema(BaseModel):
    """One environment; `error` names the line that failed, `position` its place in the queue of builds."""

    key: str
    state: str
    builder: str | None
    error: str | None
    size_bytes: int | None
    position: int | None
    wanted_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    last_used_at: dt.datetime | None
    seconds: float | None
    last_line: str

    @classmethod
    def of(cls, view: EnvironmentView) -> Self:
        """Answer with an environment; its log has an address of its own."""
        return cls.model_validate(view, from_attributes=True)


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProjectUsing(_View):
    """A project that uses an environment: at how many commits, and the one of them that was read last."""

    path: str
    title: str
    commit: str
    commits: int
    curated_version: str | None


class SessionUsing(_View):
    """A session under way that uses an environment."""

    id: str
    owner: str
    project: str
    state: str


class RunUsing(_View):
    """A run under way that uses an environment."""

    id: str
    title: str
    project: str
    state: str


class EnvironmentDetails(EnvironmentSchema):
    """One environment with what it is made of and who uses it, as far as the caller may know.

    `files` and `packages_total` are for those who may see a project that uses it; `actions` names what the
    caller may have done to it now: rebuild, cancel, remove.
    """

    files: Mapping[str, str]
    packages_total: int | None
    projects: Sequence[ProjectUsing]
    sessions: Sequence[SessionUsing]
    runs: Sequence[RunUsing]
    in_use: bool
    actions: Sequence[str]

    @classmethod
    def of_details(cls, details: Details) -> Self:
        """Answer with everything about an environment."""
        base = EnvironmentSchema.of(details.environment).model_dump()
        return cls(
            **base,
            files=details.files,
            packages_total=None if details.packages is None else len(details.packages),
            projects=[ProjectUsing.model_validate(each) for each in details.projects],
            sessions=[SessionUsing.model_validate(each) for each in details.sessions],
            runs=[RunUsing.model_validate(each) for each in details.runs],
            in_use=details.in_use,
            actions=details.actions,
        )


class EnvironmentListed(_View):
    """An environment in a list; `names` are its environment files."""

    key: str
    state: str
    names: Sequence[str]
    size_bytes: int | None
    finished_at: dt.datetime | None
    last_used_at: dt.datetime | None


class Package(BaseModel):
    """A package of an environment."""

    name: str
    version: str


class LeavingOut(_View):
    """An environment that is to go, or went, and why."""

    key: str
    size_bytes: int
    used_at: dt.datetime
    reason: str


class LeavingList(BaseModel):
    """Environments that are to go, or went, in that order, and the bytes of all of them."""

    items: Sequence[LeavingOut]
    total: int
    bytes: int
