"""The offline model as a backend of the gateway: computed in threads, so that calls go on side by side."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workspace_api.alphagenome.backends import ATLAS, Errand
from workspace_api.alphagenome.offline.atlas import OfflineAtlas
from workspace_api.alphagenome.offline.model import Message, OfflineModel

THREADS = 2


class OfflineBackend:
    """Answers where there is no key; 0 bytes of `max_response_bytes` allow answers of any size."""

    name = "synthetic"

    def __init__(self, max_response_bytes: int) -> None:
        self._model = OfflineModel(max_response_bytes or sys.maxsize)
        self._atlas = OfflineAtlas()
        self.identity = f"synthetic {_version()}"
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="offline-model")

    async def answer(self, errand: Errand) -> AsyncGenerator[bytes, None]:
        """Yield the answer message by message; a caller that went away costs at most one more message."""
        loop = asyncio.get_running_loop()
        messages = await loop.run_in_executor(self._threads, self._messages, errand)
        errand.calls += 1
        while True:
            message = await loop.run_in_executor(self._threads, _next, messages)
            if message is None:
                return
            yield message

    def _messages(self, errand: Errand) -> Iterator[Message]:
        question = errand.question
        if question.method.service == ATLAS:
            return self._atlas.answer(question.method.name, question.body, question.field_mask)
        return self._model.answer(question.method.name, question.body)

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _next(messages: Iterator[Message]) -> bytes | None:
    """Return the next message as it is sent, None after the last."""
    message = next(messages, None)
    return None if message is None else message.SerializeToString()


def _version() -> str:
    """Return what stands for all that decides the model's answers: its own source."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
