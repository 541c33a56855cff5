"""Puts a real server, and the gateway, in the place of the mock in the client package's own tests.

Used in a process of its own: `python -m tests.alphagenome.wire direct|gateway|cached FILE [all]`. The
package's `dna_client_test.py` runs as it was installed; only the function that makes its mock channel is
exchanged. FILE receives the outcome of every test as JSON. Without `all`, of a test with many sets of
parameters the first few are run: all of them take minutes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
from alphagenome.models.v1 import dna_client_test

from workspace_api.alphagenome.backends import METHODS, SERVICE, Shape
from workspace_api.alphagenome.cache import AnswerCache
from workspace_api.alphagenome.callers import Caller, OpenToAll
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.desk import Desk, Rules
from workspace_api.alphagenome.forwarding import ForwardingBackend
from workspace_api.alphagenome.framing import ANSWERS
from workspace_api.alphagenome.keyring import KeyRing
from workspace_api.alphagenome.ledger import Ledger
from workspace_api.alphagenome.questions import KINDS
from workspace_api.alphagenome.server import Gateway
from workspace_api.alphagenome.settings import GatewaySettings
from workspace_api.alphagenome.turns import Turns
from workspace_api.database import Database, migrate

UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
FIRST = 2  # sets of parameters of a test
Respond = Callable[..., Iterator[Any]]


class Everybody:
    """Lets every token in: the package's tests bring keys of their own, or none."""

    async def verify(self, token: str) -> Caller:
        return Caller("ada", "1")


class Served:
    """What stands for the mock: the test's own response function, behind a real server."""

    def __init__(self, folder: Path) -> None:
        self.respond: Respond | None = None
        self.stream = mock.Mock()
        certificate = ensure_certificates(folder / "keys", folder)
        self.roots = folder / "ca.pem"
        handlers = {m.name: self._handler(m.name, m.shape) for m in METHODS.values() if m.service == SERVICE}
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
        self.address = f"localhost:{self._server.add_secure_port('127.0.0.1:0', credentials)}"
        self._server.start()

    def _handler(self, name: str, shape: Shape) -> grpc.RpcMethodHandler:
        make = (
            grpc.stream_stream_rpc_method_handler
            if shape is Shape.STREAM_STREAM
            else grpc.unary_stream_rpc_method_handler
        )
        return make(
            lambda asked, context: self._answer(asked),
            request_deserializer=KINDS[name].FromString,
            response_serializer=ANSWERS[name].SerializeToString,
        )

    def _answer(self, asked: Any) -> Iterator[Any]:
        self.stream(asked)
        respond = self.respond
        if respond is None:
            return iter(())
        return iter(respond(asked, metadata=[])) if callable(respond) else iter(respond)


class Background:
    """A gateway in a thread with an event loop of its own."""

    def __init__(self, served: Served, folder: Path, *, cached: bool) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.roots = folder / "public" / "ca.pem"
        self.address = asyncio.run_coroutine_threadsafe(
            self._start(served, folder, cached=cached), self._loop
        ).result(60)

    async def _start(self, served: Served, folder: Path, *, cached: bool) -> str:
        folder.mkdir()
        url = f"sqlite:///{folder / 'database.sqlite'}"
        migrate(url)
        settings = GatewaySettings(folder / "config", folder / "public", folder / "cache", "127.0.0.1", 0)
        ledger = Ledger(Database(url), keep_days=400)
        ledger.start()
        self.backend = ForwardingBackend(
            served.address, KeyRing("a-key-for-the-test"), served.roots, patience=1
        )
        desk = Desk(
            self.backend,
            OpenToAll(),
            AnswerCache(folder / "cache", 10**9 if cached else 0, 1),
            ledger,
            Turns(16, 60),
            ThreadPoolExecutor(2),
            Rules(0, 60),
        )
        port = await Gateway(settings, Everybody(), desk).start()
        return f"localhost:{port}"


def channel(address: str, roots: Path) -> grpc.Channel:
    """Return a channel whose calls carry a token where the test gives no key."""
    credentials = grpc.ssl_channel_credentials(roots.read_bytes())
    return grpc.intercept_channel(grpc.secure_channel(address, credentials, options=UNLIMITED), _Token())


class _Token(grpc.StreamStreamClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds a token to calls that carry none."""

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(_with_token(details), requests)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(_with_token(details), request)


def _with_token(details: Any) -> Any:
    metadata = [*(details.metadata or ()), ("x-goog-api-key", "any")]
    return details._replace(metadata=metadata)


def main() -> None:
    """Run the package's tests, and write how each ended."""
    way, target = sys.argv[1], Path(sys.argv[2])
    folder = Path(tempfile.mkdtemp(prefix="wire-"))
    served = Served(folder)
    through = served if way == "direct" else Background(served, folder / "home", cached=way == "cached")
    numbers = itertools.count()
    opened = channel(through.address, through.roots)

    def on_the_wire(respond: Respond, *, bidi_stream: bool = True) -> tuple[grpc.Channel, mock.Mock]:
        served.respond, served.stream = respond, mock.Mock()
        if isinstance(through, Background):  # each test has answers of its own to the same questions
            through.backend.identity = f"the service of test {next(numbers)}"
        return opened, served.stream

    dna_client_test._create_mock_channel_and_stream = on_the_wire
    found = unittest.defaultTestLoader.loadTestsFromModule(dna_client_test)
    result = Outcomes()
    unittest.TestSuite(test for case in found for test in case if "all" in sys.argv or few(test)).run(result)
    target.write_text(json.dumps(result.outcomes))


def few(test: unittest.TestCase) -> bool:
    """Whether a test is without parameters, or has one of the first sets of them."""
    number = re.search(r"\d+$", test.id().split(" ")[0])
    return number is None or int(number[0]) < FIRST


class Outcomes(unittest.TestResult):
    """How each test ended: nothing, or why it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, str] = {}

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        name = test.id().split(" ")[0].removeprefix("alphagenome.models.v1.dna_client_test.")
        failed = [words for case, words in (*self.failures, *self.errors) if case is test]
        self.outcomes[name] = failed[0].strip().splitlines()[-1][:200] if failed else ""
        super().stopTest(test)


if __name__ == "__main__":
    main()
