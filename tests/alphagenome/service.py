"""Stands in for Google's service, which no test can reach: the protocol, keys, and what it was sent.

The offline model answers, and every call's metadata and request are kept. The next calls are refused by
`refusals`, or go wrong by `faults`, one each; while there is a `stall`, calls wait for it, and `cancelled`
says that one was given up. `per_second` limits the calls as a quota does.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any

import grpc

from workspace_api.alphagenome.backends import ATLAS, FIELD_MASK, METHODS, Method, Shape
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.offline.atlas import OfflineAtlas
from workspace_api.alphagenome.offline.model import OfflineModel

KEY = "the-shared-key-of-the-workspace"
NOT_VALID = "API key not valid. Please pass a valid API key."
THREADS = 40


class Fault(Enum):
    """How an answer goes wrong after its first message."""

    RESET = "the stream ends with UNAVAILABLE"
    WRONG_BYTES = "a message is no message"
    CUT_SHORT = "the answer ends well, but too early"


class Service:
    """A server for `keys` alone."""

    def __init__(self, folder: Path) -> None:
        certificate = ensure_certificates(folder / "keys", folder)
        self.roots = folder / "roots.pem"
        self.keys = {KEY}
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.peers: set[str] = set()
        self.refusals: list[tuple[grpc.StatusCode, str]] = []
        self.faults: list[Fault] = []
        self.stall: threading.Event | None = None
        self.cancelled = threading.Event()
        self.per_second = 0
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()
        self._model = OfflineModel(10_000_000_000)
        self._atlas = OfflineAtlas()
        self._server = grpc.server(ThreadPoolExecutor(THREADS))
        for service in {method.service for method in METHODS.values()}:
            self._server.add_generic_rpc_handlers((self._handlers(service),))
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
        self.address = f"localhost:{self._server.add_secure_port('127.0.0.1:0', credentials)}"
        self._server.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop(None).wait()

    def _handlers(self, service: str) -> grpc.GenericRpcHandler:
        handlers = {m.name: self._handler(m) for m in METHODS.values() if m.service == service}
        return grpc.method_handlers_generic_handler(service, handlers)

    def _handler(self, method: Method) -> grpc.RpcMethodHandler:
        if method.shape is Shape.STREAM_STREAM:
            return grpc.stream_stream_rpc_method_handler(
                lambda requests, context: self._answer(method, next(requests), context)
            )
        if method.shape is Shape.UNARY_STREAM:
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._answer(method, request, context)
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: next(self._answer(method, request, context))
        )

    def _answer(self, method: Method, request: bytes, context: Any) -> Iterator[bytes]:
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        if self.stall is not None:
            context.add_callback(self.cancelled.set)
        self.calls.append((method.name, metadata, request))
        self.peers.add(context.peer())
        context.set_trailing_metadata((("x-echo", str(metadata)),))
        if self.refusals:
            context.abort(*self.refusals.pop(0))
        if metadata.get("x-goog-api-key") not in self.keys:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, NOT_VALID)
        if self._over_quota():
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for predictions per second")
        if self.stall is not None:
            self.stall.wait(60)
        fault = self.faults.pop(0) if self.faults else None
        if method.service == ATLAS:
            messages = self._atlas.answer(method.name, request, metadata.get(FIELD_MASK, ""))
        else:
            messages = self._model.answer(method.name, request)
        for at, message in enumerate(messages):
            if at and fault is Fault.RESET:
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            if at and fault is Fault.CUT_SHORT:
                return
            yield b"\xff\xff\xff" if at and fault is Fault.WRONG_BYTES else message.SerializeToString()

    def _over_quota(self) -> bool:
        if not self.per_second:
            return False
        with self._lock:
            now = time.monotonic()
            while self._recent and self._recent[0] < now - 1:
                self._recent.popleft()
            if len(self._recent) >= self.per_second:
                return True
            self._recent.append(now)
            return False
