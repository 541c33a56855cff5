"""Secrets of a workspace: made at the first start, kept in one file that only its owner reads."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


def _new() -> str:
    return secrets.token_hex(32)


class Secrets(BaseModel):
    """What the processes of a workspace prove themselves with; one value, one use."""

    model_config = ConfigDict(frozen=True)

    session_key: str = Field(default_factory=_new)
    hub_cookie_secret: str = Field(default_factory=_new)
    proxy_token: str = Field(default_factory=_new)
    web_token: str = Field(default_factory=_new)
    authenticator_token: str = Field(default_factory=_new)
    forge_token: str = Field(default_factory=lambda: "glpat-" + secrets.token_urlsafe(24))


def load_secrets(path: Path) -> Secrets:
    """Read the secrets at `path`, making those that are missing; the file's mode is 0600."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = Secrets.model_validate(known)
    if kept.model_dump() != known:
        write_private(path, kept.model_dump_json(indent=2))
    return kept


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
