"""Whether the web service lives, and whether every part that the workspace needs answers."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import JSONResponse

from workspace_api.database import Database
from workspace_api.forge.client import ForgeClient
from workspace_api.heartbeat import Heartbeats
from workspace_api.http import Services
from workspace_api.settings import GIB
from workspace_api.workspace import Workspace

router = APIRouter(tags=["operation"])

SECONDS = 3.0
WORKER_SILENT_SECONDS = 60.0
LEAST_FREE_BYTES = GIB


class Alive(BaseModel):
    """The web service answers."""

    status: str


class Part(BaseModel):
    """One part of the workspace, and in words how it is."""

    name: str
    ok: bool
    detail: str


class Readiness(BaseModel):
    """Every part that the workspace needs."""

    ready: bool
    parts: list[Part]


@router.get("/health")
def health() -> Alive:
    """Say that the web service lives."""
    return Alive(status="alive")


@router.get("/ready", responses={503: {"model": Readiness}})
def ready(services: Services) -> JSONResponse:
    """Say how each needed part is; 503 when one of them does not answer."""
    parts = examine(services)
    readiness = Readiness(ready=all(part.ok for part in parts), parts=parts)
    return JSONResponse(readiness.model_dump(), 200 if readiness.ready else 503)


def examine(workspace: Workspace) -> list[Part]:
    """Look at every part that `workspace` needs; takes three seconds a part at most."""
    settings = workspace.settings
    checks: dict[str, Callable[[], str | None]] = {
        "database": lambda: database_trouble(workspace.database),
        "forge": lambda: forge_trouble(workspace.forge, settings.forge.url),
        "hub": lambda: http_trouble("JupyterHub", settings.hub.api_url),
        "worker": lambda: worker_trouble(workspace.heartbeats),
        "gateway": lambda: port_trouble(settings.alphagenome.host, settings.alphagenome.port),
        "disk": lambda: disk_trouble(settings.home),
    }
    if settings.containers.engine:
        checks["containers"] = lambda: engine_trouble(settings.containers.host)
    troubles = {name: check() for name, check in checks.items()}
    return [Part(name=name, ok=words is None, detail=words or "answers") for name, words in troubles.items()]


def database_trouble(database: Database) -> str | None:
    """Return why the database cannot be used, in words, or None."""
    try:
        with database.read() as session:
            session.execute(text("SELECT count(*) FROM users"))
    except Exception as error:  # noqa: BLE001 - whatever its driver raises, the answer is the same
        return f"The database cannot be read ({type(error).__name__}); see the log of the web service."
    return None


def forge_trouble(forge: ForgeClient, url: str) -> str | None:
    """Return, in words, that the forge does not answer or does not take our token, or None."""
    if url and forge.alive():
        return None
    return f"The forge at {url or '(no address)'} does not answer, or refuses the workspace's token."


def http_trouble(name: str, url: str) -> str | None:
    """Return why the server at `url` does not answer, in words; any answer below 500 will do."""
    if not url:
        return f"{name} has no address in this configuration."
    try:
        status = httpx.get(url, timeout=SECONDS, trust_env=False).status_code
    except httpx.HTTPError as error:
        return f"{name} at {url} does not answer ({type(error).__name__}). It is started again by itself."
    return None if status < 500 else f"{name} at {url} answers with the error {status}."


def worker_trouble(heartbeats: Heartbeats) -> str | None:
    """Return how long ago the worker was last seen, in words, when that is too long ago."""
    age = heartbeats.age("worker")
    if age is None:
        return "No worker was ever seen: runs and environments wait."
    if age > WORKER_SILENT_SECONDS:
        return f"The worker was last seen {age:.0f} seconds ago: runs and environments wait."
    return None


def port_trouble(host: str, port: int) -> str | None:
    """Return why nothing can connect to the gateway, in words."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        socket.create_connection((reachable, port), timeout=SECONDS).close()
    except OSError as error:
        return f"The AlphaGenome gateway at {reachable}:{port} does not answer ({error.strerror or error})."
    return None


def engine_trouble(host: str) -> str | None:
    """Return, in words, that the container engine at the socket `host` does not answer, or None."""
    transport = httpx.HTTPTransport(uds=host.removeprefix("unix://"))
    try:
        with httpx.Client(transport=transport, timeout=SECONDS, trust_env=False) as client:
            status = client.get("http://engine/_ping").status_code
    except httpx.HTTPError as error:
        return (
            f"The Docker Engine at {host} does not answer ({type(error).__name__}): nothing starts. Start it."
        )
    return None if status == 200 else f"The Docker Engine at {host} answers with the error {status}."


def disk_trouble(folder: Path) -> str | None:
    """Return how little room is left beside `folder`, in words, when it is less than 1 GiB."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"The state folder {folder} cannot be read ({error.strerror})."
    if free < LEAST_FREE_BYTES:
        return f"Only {free / GIB:.2f} GiB are free under {folder}; runs need at least 1 GiB. Make room."
    return None
