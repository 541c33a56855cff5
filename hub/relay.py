"""Inside a sandbox without a network: carries connections out of it and into it, then becomes the job.

Started as `python relay.py RULE ... -- COMMAND ...` with the standard library alone. The rule `PORT=SOCKET`
carries connections to 127.0.0.1:PORT out to a unix socket; `@DESCRIPTOR=PORT` carries those that come in by
an inherited listening socket to 127.0.0.1:PORT.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence

CHUNK = 1 << 20
UNDER_WAY: set[asyncio.Task[None] | None] = set()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until the sender is done, then say so to the receiver."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except (ConnectionError, OSError):
        writer.close()


async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    """Join one connection to `target`: `HOST:PORT`, a port of 127.0.0.1, or the path of a unix socket."""
    unix = target.startswith("/")
    host, _, port = target.rpartition(":")
    try:
        if unix:
            far_reader, far_writer = await asyncio.open_unix_connection(target, limit=CHUNK)
        else:
            far_reader, far_writer = await asyncio.open_connection(host or "127.0.0.1", port, limit=CHUNK)
    except OSError as error:
        if unix:  # else what is to be reached may not have begun to listen; the caller tries again
            print(f"relay: {target}: {error.strerror}", file=sys.stderr)
        writer.close()
        return
    await join(reader, writer, far_reader, far_writer)
    writer.close()
    far_writer.close()


async def join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until both sides are done.

    A loop does not hold a connection whose sender is done, nor therefore the task that still waits for the
    answer, which would be collected as garbage: it is held here.
    """
    task = asyncio.current_task()
    UNDER_WAY.add(task)
    try:
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    finally:
        UNDER_WAY.discard(task)


async def serve(rules: Sequence[tuple[str, str]], ready: int) -> None:
    """Listen by every rule, say so on the descriptor `ready`, and go on until the sandbox ends."""
    for place, target in rules:

        async def handle(r: asyncio.StreamReader, w: asyncio.StreamWriter, target: str = target) -> None:
            await connect(r, w, target)

        if place.startswith("@"):
            inherited = socket.socket(fileno=int(place[1:]))
            await asyncio.start_unix_server(handle, sock=inherited, limit=CHUNK)
        else:
            await asyncio.start_server(handle, "127.0.0.1", int(place), limit=CHUNK)
    os.write(ready, b"1")
    os.close(ready)
    await asyncio.Event().wait()


def main() -> None:
    """Leave a relay behind in a child process, and replace this one by the command."""
    split = sys.argv.index("--")
    rules = [(place, to) for place, _, to in (argument.partition("=") for argument in sys.argv[1:split])]
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read_end)
        if os.fork() == 0:  # no child of the job, which may wait for all of its children
            asyncio.run(serve(rules, write_end))
        os._exit(0)
    os.close(write_end)
    for place, _ in rules:
        if place.startswith("@"):
            os.close(int(place[1:]))
    os.waitpid(child, 0)
    if not os.read(read_end, 1):
        sys.exit("relay: could not listen")
    os.close(read_end)
    command = sys.argv[split + 1 :]
    os.execvp(command[0], command)  # noqa: S606 - becoming the job is what this program is for


if __name__ == "__main__":
    main()
