"""A proxy on a unix socket that lets requests to allowed places through, and nothing else.

Started as `python -m hub.mirror.server SOCKET --named=HOST:PORT ... --public=HOST:PORT ...`. It speaks
CONNECT (RFC 9110, 9.3.6) and plain HTTP with the whole address in the request line (RFC 9112, 3.2.2). h11
reads the requests. Each connection reaches one place: what it asks for first is judged, looked up once, and
reached at the address that was judged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from pathlib import Path

import h11

from hub.door import listen
from hub.mirror.rules import Allowed, NotAllowedError, Place, read_place, read_url
from hub.relay import CHUNK, join

HEAD_BYTES = 16_384
HEAD_SECONDS = 20.0
REACH_SECONDS = 6.0  # for each address of a name
# What a client says to its proxy, and not to the server behind it (RFC 9110, 7.6.1).
OURS = frozenset(
    {b"host", b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"te", b"upgrade"}
)


class UnreachableError(Exception):
    """A place that is allowed does not answer; the message says which, and why."""


def socket_of(home: Path) -> Path:
    """Return where the proxy's socket is in a workspace's state folder; sandboxes mount its folder."""
    return home / "mirror" / "s"


async def carry(reader: StreamReader, writer: StreamWriter, allowed: Allowed) -> None:
    """Carry one connection to the place that it asks for, or say why not."""
    client = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            request = await _read(reader, client)
        if request is None:
            return
        place, path = asked_for(request)
        allowed.check(place)
        head = head_for(request, place, path) if path else b""
        far_reader, far_writer = await _reach(place, allowed)
    except NotAllowedError as error:
        return await _refuse(writer, 403, str(error))
    except (h11.ProtocolError, ValueError) as error:
        return await _refuse(writer, 400, str(error))
    except TimeoutError:
        return await _refuse(writer, 408, "The request was not complete in time.")
    except UnreachableError as error:
        return await _refuse(writer, 502, str(error))
    with contextlib.closing(far_writer):
        if request.method == b"CONNECT":
            connected = h11.Response(status_code=200, headers=[], reason=b"Connection established")
            writer.write(client.send(connected))
        far_writer.write(head + client.trailing_data[0])
        await join(reader, writer, far_reader, far_writer)


def asked_for(request: h11.Request) -> tuple[Place, str]:
    """Return the place that a request is for, and the path there; raises ValueError.

    The request line decides. What the header `Host` says is not asked.
    """
    target = request.target.decode("ascii")
    if request.method == b"CONNECT":
        return read_place(target), ""
    if not target.lower().startswith("http://"):
        raise ValueError(f"{target[:100]!r} does not begin with http://; ask for other places by CONNECT")
    return read_url(target)


def head_for(request: h11.Request, place: Place, path: str) -> bytes:
    """Return the head of a plain request as the server gets it, which is to end the connection afterwards."""
    of_connection = [value for name, value in request.headers if name == b"connection"]
    dropped = OURS | {part.strip().lower() for value in of_connection for part in value.split(b",")}
    kept = [(name, value) for name, value in request.headers if name not in dropped]
    headers = [(b"Host", str(place).removesuffix(":80").encode()), (b"Connection", b"close"), *kept]
    changed = h11.Request(method=request.method, target=path, headers=headers)
    return h11.Connection(h11.CLIENT).send(changed) or b""


async def serve(path: Path, allowed: Allowed) -> None:
    """Listen on the socket at the absolute `path` until the process is ended."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):  # whoever asked has gone
            await carry(reader, writer, allowed)

    await listen(path, handle)


async def _read(reader: StreamReader, client: h11.Connection) -> h11.Request | None:
    """Return the head of the request; None where the connection ends without one."""
    while (event := client.next_event()) is h11.NEED_DATA:
        client.receive_data(await reader.read(HEAD_BYTES))
    return event if isinstance(event, h11.Request) else None


async def _reach(place: Place, allowed: Allowed) -> tuple[StreamReader, StreamWriter]:
    """Connect to `place` at an address that was judged; raises NotAllowedError and UnreachableError."""
    why = ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"{place} does not answer: {error.strerror}") from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        allowed.check_address(place, address)
    for address in addresses:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                return await asyncio.open_connection(address, place.port, limit=CHUNK)
        except OSError as error:  # another address may answer
            why = error.strerror or f"there was no connection within {REACH_SECONDS:.0f} s"
    raise UnreachableError(f"{place} does not answer: {why}")


async def _refuse(writer: StreamWriter, status: int, words: str) -> None:
    """Say why not: in the first line, which most programs show, and in the body."""
    body = f"{words}\n"
    writer.write(
        f"HTTP/1.1 {status} {words}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}".encode("ascii", "replace")
    )
    await writer.drain()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=Path)
    parser.add_argument("--named", type=read_place, action="append", default=[])
    parser.add_argument("--public", type=read_place, action="append", default=[])
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.socket, Allowed(frozenset(given.named), frozenset(given.public))))


if __name__ == "__main__":
    main()
