"""The unmodified client in a process of its own, which trusts a gateway through its environment alone."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PROCESSES = multiprocessing.get_context("forkserver")  # the client's imports take seconds; they are made once
PROCESSES.set_forkserver_preload(["alphagenome.models.dna_client"])


class Refused(Exception):  # noqa: N818 - what the client's exception says
    """A call that was refused: its status, its words, and its trailing metadata."""

    def __init__(self, status: str, words: str, trailing: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.trailing = trailing


class Client:
    """Has every method of `DnaClient`, each called in the other process."""

    def __init__(self, address: str, token: str, roots: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        given = {**kept, "ALPHAGENOME_API_KEY": token, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)}
        self._connection, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=answer, args=(theirs, given, address), daemon=True)
        self._process.start()
        theirs.close()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._connection.send((name, args, kwargs))
            ended, answer = self._connection.recv()
            if ended == "returned":
                return answer
            raise Refused(*answer)

        return call

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(30)


def answer(calls: Connection, environment: dict[str, str], address: str) -> None:
    """Answer calls of a client that has this environment and no other, until there are no more."""
    os.environ.clear()
    os.environ.update(environment)
    import grpc
    from alphagenome.models import dna_client

    model = dna_client.create(os.environ["ALPHAGENOME_API_KEY"], address=address, timeout=30)
    while True:
        try:
            name, args, kwargs = calls.recv()
        except EOFError:
            return
        try:
            said = ("returned", getattr(model, name)(*args, **kwargs))
        except grpc.RpcError as error:
            said = ("refused", (error.code().name, error.details(), repr(error.trailing_metadata())))
        calls.send(said)
