"""The offline model as a backend of the gateway: computed in threads, so that calls go on side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

from workspace_api.alphagenome.offline.model import OfflineModel

THREADS = 2


class OfflineBackend:
    """Answers where there is no key."""

    name = "synthetic"

    def __init__(self, max_response_bytes: int) -> None:
        self._model = OfflineModel(max_response_bytes)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="offline-model")

    async def answer(self, method: str, request: bytes, seconds: float | None) -> AsyncGenerator[bytes, None]:
        """Yield the answer message by message; a caller that went away costs at most one more message."""
        loop = asyncio.get_running_loop()
        messages = await loop.run_in_executor(self._threads, self._model.answer, method, request)
        while True:
            message = await loop.run_in_executor(self._threads, next, messages, None)
            if message is None:
                return
            yield message.SerializeToString()

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
