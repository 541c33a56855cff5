"""The unmodified client in a process of its own, which trusts a gateway through its environment alone."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


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
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.alphagenome.asking", address],
            cwd=CHECKOUT,
            env={**kept, "ALPHAGENOME_API_KEY": token, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            pickle.dump((name, args, kwargs), self._process.stdin)
            self._process.stdin.flush()
            ended, answer = pickle.load(self._process.stdout)  # noqa: S301 - our own process
            if ended == "returned":
                return answer
            raise Refused(*answer)

        return call

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def main() -> None:
    """Answer calls until there are no more."""
    import grpc
    from alphagenome.models import dna_client

    model = dna_client.create(os.environ["ALPHAGENOME_API_KEY"], address=sys.argv[1], timeout=30)
    while True:
        try:
            name, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the test that started us
        except EOFError:
            return
        try:
            answer = ("returned", getattr(model, name)(*args, **kwargs))
        except grpc.RpcError as error:
            answer = ("refused", (error.code().name, error.details(), repr(error.trailing_metadata())))
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
