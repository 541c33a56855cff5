"""The gateway process: the only one that is given the shared AlphaGenome key."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from deploy.in_force import InForce
from workspace_api.alphagenome.admission import StoredAdmission
from workspace_api.alphagenome.agreements import key_seal
from workspace_api.alphagenome.callers import Admission, Caller, OpenToAll
from workspace_api.alphagenome.ledger import Ledger
from workspace_api.alphagenome.server import serve
from workspace_api.alphagenome.settings import (
    GatewaySettings,
    cache_folder,
    gateway_folder,
    public_folder,
)
from workspace_api.database import Database
from workspace_api.settings import GIB, Settings
from workspace_api.tokens.service import TokenService


class StoredTokens:
    """Knows the personal tokens from the workspace's database."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens

    async def verify(self, token: str) -> Caller | None:
        """Return who `token` stands for, if it opens the gateway."""
        found = await asyncio.to_thread(self._tokens.verify_caller, token)
        return None if found is None else Caller(found.name, found.token_id, found.run_id, found.system)


async def serve_gateway(force: InForce) -> None:
    """Serve until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    settings = force.settings()
    database = Database(settings.database_url)
    await serve(
        gateway_settings(force, settings),
        StoredTokens(TokenService(database)),
        admission_of(force, settings, database),
        Ledger(database, keep_days=settings.alphagenome.usage_days),
        stop,
    )
    database.close()


def gateway_settings(force: InForce, settings: Settings) -> GatewaySettings:
    """Return what the gateway needs to know, the shared key among it."""
    wanted = settings.alphagenome
    secret = settings.secret_key.get_secret_value().encode()
    return GatewaySettings(
        folder=gateway_folder(force.home),
        sockets=public_folder(force.home),
        cache=cache_folder(force.home),
        host=wanted.host,
        port=wanted.port,
        real=wanted.backend == "alphagenome",
        upstream_key=force.configuration.alphagenome_api_key.get_secret_value(),
        upstream_key_file=Path(wanted.key_file) if wanted.key_file else None,
        upstream_address=wanted.upstream,
        upstream_at_once=wanted.at_once,
        max_response_bytes=wanted.max_response_bytes,
        cache_bytes=round(wanted.cache_gib * GIB),
        cache_days=wanted.cache_days,
        usage_days=wanted.usage_days,
        hash_with=secret if wanted.hash_subjects else None,
    )


def admission_of(force: InForce, settings: Settings, database: Database) -> Admission:
    """Return who decides who may ask: nobody where the offline model answers, which has no terms."""
    if settings.alphagenome.backend == "offline":
        return OpenToAll()
    seal = key_seal(settings.secret_key.get_secret_value())
    return StoredAdmission(database, seal, shared=force.has_shared_key)
