"""Inside a sandbox without a network: carries connections on 127.0.0.1 to unix sockets, then becomes the job.

Started as `python relay.py PORT=SOCKET ... -- COMMAND ...` with the standard library alone.
"""

from __future__ import annotations

import asyncio
import os
import sys

CHUNK = 1 << 20


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until the sender is done, then say so to the receiver."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except (ConnectionError, OSError):
        writer.close()


async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    """Join one connection to the socket at `path`."""
    try:
        far_reader, far_writer = await asyncio.open_unix_connection(path, limit=CHUNK)
    except OSError as error:
        print(f"relay: {path}: {error.strerror}", file=sys.stderr)
        writer.close()
        return
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    writer.close()
    far_writer.close()


async def serve(forwards: list[tuple[int, str]], ready: int) -> None:
    """Listen on every port, say so on the descriptor `ready`, and go on until the sandbox ends."""
    for port, path in forwards:

        async def handle(r: asyncio.StreamReader, w: asyncio.StreamWriter, path: str = path) -> None:
            await connect(r, w, path)

        await asyncio.start_server(handle, "127.0.0.1", port, limit=CHUNK)
    os.write(ready, b"1")
    os.close(ready)
    await asyncio.Event().wait()


def main() -> None:
    """Leave a relay behind in a child process, and replace this one by the command."""
    split = sys.argv.index("--")
    forwards = [
        (int(port), path) for port, _, path in (argument.partition("=") for argument in sys.argv[1:split])
    ]
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read_end)
        if os.fork() == 0:  # no child of the job, which may wait for all of its children
            asyncio.run(serve(forwards, write_end))
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    if not os.read(read_end, 1):
        sys.exit("relay: could not listen")
    os.close(read_end)
    command = sys.argv[split + 1 :]
    os.execvp(command[0], command)  # noqa: S606 - becoming the job is what this program is for


if __name__ == "__main__":
    main()
