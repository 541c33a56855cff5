"""Carries connections from a unix socket to a port of 127.0.0.1: the way out of sandboxes without a network.

Started as `python -m hub.door SOCKET HOST:PORT`. Sandboxes mount the folder of the socket; what they reach by
it is what everybody reaches: the public port of the workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from hub.relay import CHUNK, connect


def socket_of(home: Path) -> Path:
    """Return where the door's socket is in a workspace's state folder; sandboxes mount its folder."""
    return home / "door" / "s"


async def serve(path: Path, target: str) -> None:
    """Listen on the socket at the absolute `path` until the process is ended."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connect(reader, writer, target)

    await listen(path, handle)


async def listen(
    path: Path, handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    """Have `handle` serve every connection to a socket at the absolute `path`, which all may connect to."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.chdir(path.parent)  # the path of a socket may be no longer than 107 bytes
    server = await asyncio.start_unix_server(handle, path.name, limit=CHUNK)
    path.chmod(0o666)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
