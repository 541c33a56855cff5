"""The gateway's gRPC server: checks who calls, hands the question to the desk, passes the answer on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager

import grpc

from workspace_api.alphagenome.backends import (
    FIELD_MASK,
    METHODS,
    Backend,
    CallRefused,
    Method,
    Question,
    Shape,
)
from workspace_api.alphagenome.cache import AnswerCache
from workspace_api.alphagenome.callers import Admission, Caller, Remembered, TokenVerifier
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.desk import Desk, Rules, Told
from workspace_api.alphagenome.flights import FAILED
from workspace_api.alphagenome.forwarding import ForwardingBackend
from workspace_api.alphagenome.keyring import KeyRing
from workspace_api.alphagenome.ledger import Ledger
from workspace_api.alphagenome.settings import GatewaySettings
from workspace_api.alphagenome.turns import Turns

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
CALLS_AT_ONCE = 8  # of one token; more of them wait, so that what answers hold in memory stays bounded
TURN_SECONDS = 120
OFFLINE_AT_ONCE = 4
DISK_THREADS = 4
TOO_MANY = f"This token has {CALLS_AT_ONCE} calls under way. Read or end some of them, then ask again."
REMEDY = "Make one with the scope alphagenome on your account page, and give it to the client as API key."


class Gateway:
    """One server in front of one desk."""

    def __init__(self, settings: GatewaySettings, verifier: TokenVerifier, desk: Desk) -> None:
        self._settings = settings
        self._verify = Remembered(verifier.verify)
        self._desk = desk
        self._places = Places()
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(self._handlers()))

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
        await self._desk.close()

    def _handlers(self) -> list[grpc.GenericRpcHandler]:
        makers = {
            Shape.STREAM_STREAM: lambda method: grpc.stream_stream_rpc_method_handler(
                self._streaming(method)
            ),
            Shape.UNARY_STREAM: lambda method: grpc.unary_stream_rpc_method_handler(self._asked(method)),
            Shape.UNARY_UNARY: lambda method: grpc.unary_unary_rpc_method_handler(self._unary(method)),
        }
        return [
            grpc.method_handlers_generic_handler(
                service, {m.name: makers[m.shape](m) for m in METHODS.values() if m.service == service}
            )
            for service in dict.fromkeys(method.service for method in METHODS.values())
        ]

    def _streaming(self, method: Method) -> Callable[..., Awaitable[None]]:
        async def handle(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
            await self._answer(method, requests, context, context.write)

        return handle

    def _asked(self, method: Method) -> Callable[..., Awaitable[None]]:
        async def handle(request: bytes, context: grpc.aio.ServicerContext) -> None:
            await self._answer(method, _once(request), context, context.write)

        return handle

    def _unary(self, method: Method) -> Callable[..., Awaitable[bytes]]:
        async def handle(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            messages: list[bytes] = []

            async def take(message: bytes) -> None:
                messages.append(message)

            await self._answer(method, _once(request), context, take)
            return messages[0] if messages else b""

        return handle

    async def _answer(
        self,
        method: Method,
        requests: AsyncIterator[bytes],
        context: grpc.aio.ServicerContext,
        give: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Answer a call, or end it with a status and words; the inside of an error stays in the log."""
        name, told = "a stranger", Told()
        try:
            caller = await self._caller(context)
            name = caller.name
            await context.send_initial_metadata(((BACKEND_HEADER, self._desk.backend.name),))
            async with self._places.place(caller.token_id):
                async for request in requests:
                    question = Question(method, request, _metadata(context).get(FIELD_MASK, ""))
                    messages = self._desk.answer(caller, question, context.time_remaining(), told)
                    async with aclosing(messages):
                        async for message in messages:
                            await give(message)
            context.set_trailing_metadata(_trailer(told))
        except CallRefused as refusal:
            logger.info("%s of %s refused: %s", method.name, name, refusal.status.name)
            await context.abort(refusal.status, refusal.message, _trailer(told))
        except grpc.aio.InternalError:  # of a write to nobody
            logger.info("%s of %s: the caller went away", method.name, name)
        except Exception:
            logger.exception("%s of %s failed", method.name, name)
            await context.abort(grpc.StatusCode.INTERNAL, FAILED)

    async def _caller(self, context: grpc.aio.ServicerContext) -> Caller:
        token = _metadata(context).get(KEY_HEADER, "")
        if not token:
            raise CallRefused(grpc.StatusCode.UNAUTHENTICATED, f"No token was sent. {REMEDY}")
        caller = await self._verify(token)
        if caller is None:
            raise CallRefused(
                grpc.StatusCode.UNAUTHENTICATED,
                "The token that was sent is unknown, expired or revoked, or lacks the scope alphagenome. "
                + REMEDY,
            )
        return caller


class Places:
    """Lets each token have so many calls under way, and the others wait; not for ever: it may read none."""

    def __init__(self, at_once: int = CALLS_AT_ONCE, longest_wait: float = TURN_SECONDS) -> None:
        self._at_once = at_once
        self._longest_wait = longest_wait
        self._free: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def place(self, token_id: str) -> AsyncIterator[None]:
        """Hold a place of a token while the block lasts; refuses with RESOURCE_EXHAUSTED after too long."""
        free = self._free.setdefault(token_id, asyncio.Semaphore(self._at_once))
        self._users[token_id] += 1
        try:
            try:
                async with asyncio.timeout(self._longest_wait):
                    await free.acquire()
            except TimeoutError:
                raise CallRefused(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY) from None
            try:
                yield
            finally:
                free.release()
        finally:
            self._users -= Counter([token_id])
            if token_id not in self._users:
                del self._free[token_id]


async def _once(request: bytes) -> AsyncIterator[bytes]:
    yield request


def _metadata(context: grpc.aio.ServicerContext) -> dict[str, str]:
    return {str(key): str(value) for key, value in context.invocation_metadata() or ()}


def _trailer(told: Told) -> tuple[tuple[str, str], ...]:
    """Return what is told after an answer: where it came from, what is left, and that little is left."""
    left = "; ".join(
        f"{each.account.kind} {each.measure}/{each.window}={each.remaining} of {each.amount}"
        for each in told.standing
    )
    near = "; ".join(each.words for each in told.standing if each.near)
    values = {"x-labfork-answered": told.answered, "x-labfork-remaining": left, "x-labfork-warning": near}
    return tuple((name, value) for name, value in values.items() if value and value.isascii())


def _names(host: str) -> tuple[str, ...]:
    """Return what clients on other machines may call this one."""
    return (socket.gethostname(),) if host in EVERYWHERE else (host,)


def make_backend(settings: GatewaySettings) -> Backend:
    """Return the real service where that is to answer, the offline model otherwise."""
    if settings.real:
        keys = KeyRing(settings.upstream_key, settings.upstream_key_file)
        return ForwardingBackend(settings.upstream_address, keys, settings.upstream_roots)
    from workspace_api.alphagenome.offline.backend import OfflineBackend

    return OfflineBackend(settings.max_response_bytes)


def make_desk(settings: GatewaySettings, admission: Admission, ledger: Ledger, disk: Executor) -> Desk:
    """Put the layers together."""
    return Desk(
        make_backend(settings),
        admission,
        AnswerCache(settings.cache, settings.cache_bytes, settings.cache_days),
        ledger,
        Turns(settings.upstream_at_once if settings.real else OFFLINE_AT_ONCE, TURN_SECONDS),
        disk,
        Rules(settings.max_response_bytes, TURN_SECONDS, settings.hash_with),
    )


async def serve(
    settings: GatewaySettings,
    verifier: TokenVerifier,
    admission: Admission,
    ledger: Ledger,
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set."""
    with ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="disk") as disk:
        ledger.start()
        gateway = Gateway(settings, verifier, make_desk(settings, admission, ledger, disk))
        port = await gateway.start()
        logger.info("listening on %s:%s and %s", settings.host, port, settings.socket)
        await stop.wait()
        await gateway.stop()
