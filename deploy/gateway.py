"""The gateway process: the only one that is given the shared AlphaGenome key."""

from __future__ import annotations

import asyncio
import signal

from deploy.in_force import InForce
from workspace_api.alphagenome.callers import Caller
from workspace_api.alphagenome.server import serve
from workspace_api.alphagenome.settings import GatewaySettings, gateway_folder, public_folder
from workspace_api.database import Database
from workspace_api.tokens.service import TokenService


class StoredTokens:
    """Knows the personal tokens from the workspace's database."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens

    async def verify(self, token: str) -> Caller | None:
        """Return who `token` stands for, if it opens the gateway."""
        found = await asyncio.to_thread(self._tokens.verify_caller, token)
        return None if found is None else Caller(*found)


async def serve_gateway(force: InForce) -> None:
    """Serve until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    settings = force.settings()
    database = Database(settings.database_url)
    await serve(
        GatewaySettings(
            folder=gateway_folder(force.home),
            sockets=public_folder(force.home),
            host=settings.alphagenome.host,
            port=settings.alphagenome.port,
            upstream_key=force.configuration.alphagenome_api_key.get_secret_value() or None,
            upstream_address=settings.alphagenome.upstream,
            max_response_bytes=settings.alphagenome.max_response_bytes,
        ),
        StoredTokens(TokenService(database)),
        stop,
    )
    database.close()
