"""The gateway's gRPC server: checks who calls, hands the call to the backend, passes the answer on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc

from workspace_api.alphagenome.backends import SERVICE, STREAMING, UNARY, Backend, CallRefused
from workspace_api.alphagenome.callers import Caller, TokenVerifier
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.forwarding import ForwardingBackend
from workspace_api.alphagenome.settings import GatewaySettings

logger = logging.getLogger(__name__)
KEY_HEADER = "x-goog-api-key"
BACKEND_HEADER = "x-labfork-backend"
OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", 16_000_000),
    ("grpc.so_reuseport", 0),
)
GRACE = 1.0
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
CALLS_AT_ONCE = 8  # of one account; more of them wait, so that what answers hold in memory stays bounded
TURN_SECONDS = 120
TOO_MANY = f"Your account has {CALLS_AT_ONCE} calls under way. Read or end some of them, then ask again."
REMEDY = "Make one with the scope alphagenome on your account page, and give it to the client as API key."
FAILED = "The gateway failed at this call. Try again; if it stays so, tell the workspace's administrator."


class Gateway:
    """One server in front of one backend."""

    def __init__(self, settings: GatewaySettings, verifier: TokenVerifier, backend: Backend) -> None:
        self._settings = settings
        self._verifier = verifier
        self._backend = backend
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(CALLS_AT_ONCE)
        )
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers((self._handlers(),))

    async def start(self) -> int:
        """Listen on the port and on the unix socket, both with TLS; return the port."""
        settings = self._settings
        certificate = ensure_certificates(settings.folder, settings.sockets, _names(settings.host))
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
        settings.socket.unlink(missing_ok=True)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        port: int = self._server.add_secure_port(f"{host}:{settings.port}", credentials)
        self._server.add_secure_port(f"unix:{settings.socket}", credentials)
        await self._server.start()
        settings.sockets.chmod(0o755)
        settings.socket.chmod(0o666)  # whoever connects still needs a token
        return port

    async def stop(self) -> None:
        """Let calls under way end for a moment, then stop."""
        await self._server.stop(GRACE)
        await self._backend.close()

    def _handlers(self) -> grpc.GenericRpcHandler:
        handlers: dict[str, Any] = {
            method: grpc.stream_stream_rpc_method_handler(self._streaming(method)) for method in STREAMING
        }
        handlers |= {method: grpc.unary_stream_rpc_method_handler(self._unary(method)) for method in UNARY}
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _streaming(self, method: str) -> Callable[..., Awaitable[None]]:
        async def handle(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
            await self._answer(method, requests, context)

        return handle

    def _unary(self, method: str) -> Callable[..., Awaitable[None]]:
        async def handle(request: bytes, context: grpc.aio.ServicerContext) -> None:
            await self._answer(method, _once(request), context)

        return handle

    async def _answer(
        self, method: str, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> None:
        """Answer a call, or end it with a status and words; the inside of an error stays in the log."""
        name = "a stranger"
        try:
            caller = await self._caller(context)
            name = caller.name
            await context.send_initial_metadata(((BACKEND_HEADER, self._backend.name),))
            async with self._turn(name):
                async for request in requests:
                    await self._pass_on(method, request, context)
        except CallRefused as refusal:
            logger.info("%s of %s refused: %s", method, name, refusal.status.name)
            await context.abort(refusal.status, refusal.message)
        except grpc.aio.InternalError:  # of a write to nobody
            logger.info("%s of %s: the caller went away", method, name)
        except Exception:
            logger.exception("%s of %s failed", method, name)
            await context.abort(grpc.StatusCode.INTERNAL, FAILED)

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """Wait until an account has fewer than its calls at once; not for ever: it may read none of them."""
        turns = self._turns[name]
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await turns.acquire()
        except TimeoutError:
            raise CallRefused(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY) from None
        try:
            yield
        finally:
            turns.release()

    async def _pass_on(self, method: str, request: bytes, context: grpc.aio.ServicerContext) -> None:
        async with aclosing(self._backend.answer(method, request, context.time_remaining())) as messages:
            async for message in messages:
                await context.write(message)

    async def _caller(self, context: grpc.aio.ServicerContext) -> Caller:
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        token = str(metadata.get(KEY_HEADER, ""))
        if not token:
            raise CallRefused(grpc.StatusCode.UNAUTHENTICATED, f"No token was sent. {REMEDY}")
        caller = await self._verifier.verify(token)
        if caller is None:
            raise CallRefused(
                grpc.StatusCode.UNAUTHENTICATED,
                "The token that was sent is unknown, expired or revoked, or lacks the scope alphagenome. "
                + REMEDY,
            )
        return caller


async def _once(request: bytes) -> AsyncIterator[bytes]:
    yield request


def _names(host: str) -> tuple[str, ...]:
    """Return what clients on other machines may call this one."""
    return (socket.gethostname(),) if host in EVERYWHERE else (host,)


def make_backend(settings: GatewaySettings) -> Backend:
    """Return the real service where there is a key, the offline model otherwise."""
    if settings.upstream_key:
        return ForwardingBackend(settings.upstream_address, settings.upstream_key, settings.upstream_roots)
    from workspace_api.alphagenome.offline.backend import OfflineBackend

    return OfflineBackend(settings.max_response_bytes)


async def serve(settings: GatewaySettings, verifier: TokenVerifier, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    gateway = Gateway(settings, verifier, make_backend(settings))
    port = await gateway.start()
    logger.info("listening on %s:%s and %s", settings.host, port, settings.socket)
    await stop.wait()
    await gateway.stop()
