"""What is answered about environments over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import BaseModel

from workspace_api.environments.views import EnvironmentView


class EnvironmentSchema(BaseModel):
    """One environment; `error` names the line that failed, `position` its place in the queue of builds."""

    key: str
    state: str
    error: str | None
    size_bytes: int | None
    position: int | None
    wanted_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    last_used_at: dt.datetime | None
    last_line: str

    @classmethod
    def of(cls, view: EnvironmentView) -> Self:
        """Answer with an environment; its log has an address of its own."""
        return cls.model_validate(view, from_attributes=True)
