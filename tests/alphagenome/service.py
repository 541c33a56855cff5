"""Stands in for Google's service, which no test can reach: the protocol, a key, and what it was sent.

The offline model answers, and every call's metadata and request are kept. The next calls are refused by
`refusals`, one each; while there is a `stall`, calls wait for it, and `cancelled` says that one was given up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from workspace_api.alphagenome.backends import SERVICE, STREAMING, UNARY
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.offline.model import OfflineModel

KEY = "the-shared-key-of-the-workspace"


class Service:
    """A server for `KEY` alone."""

    def __init__(self, folder: Path) -> None:
        certificate = ensure_certificates(folder / "keys", folder)
        self.roots = folder / "roots.pem"
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.refusals: list[tuple[grpc.StatusCode, str]] = []
        self.stall: threading.Event | None = None
        self.cancelled = threading.Event()
        self._model = OfflineModel(400_000_000)
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self._handlers(),))
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
        self.address = f"localhost:{self._server.add_secure_port('127.0.0.1:0', credentials)}"
        self._server.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop(None).wait()

    def _handlers(self) -> grpc.GenericRpcHandler:
        handlers = {
            name: grpc.stream_stream_rpc_method_handler(
                lambda requests, context, name=name: self._answer(name, next(requests), context)
            )
            for name in STREAMING
        } | {
            name: grpc.unary_stream_rpc_method_handler(
                lambda request, context, name=name: self._answer(name, request, context)
            )
            for name in UNARY
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _answer(self, name: str, request: bytes, context: Any) -> Iterator[bytes]:
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        if self.stall is not None:
            context.add_callback(self.cancelled.set)
        self.calls.append((name, metadata, request))
        context.set_trailing_metadata((("x-echo", str(metadata)),))
        if self.refusals:
            context.abort(*self.refusals.pop(0))
        if metadata.get("x-goog-api-key") != KEY:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "API key not valid. Please pass a valid API key.")
        if self.stall is not None:
            self.stall.wait(60)
        for message in self._model.answer(name, request):
            yield message.SerializeToString()
