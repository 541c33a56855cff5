"""git's smart HTTP: streams between a client and `git upload-pack` or `git receive-pack`."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from deploy.forge.git.command import ENVIRONMENT, LENIENT, SAFE
from deploy.forge.git.commands import Asked, asked

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
SERVICES = {"git-upload-pack": "upload-pack", "git-receive-pack": "receive-pack"}
CHUNK = 256 * 1024
MAX_COMMAND_BYTES = 1024 * 1024  # of a push, before its pack; who asks for more refs is not told apart by ref
# What the forge itself keeps below refs/ is nobody's to push to.
OWN_REFS = ("-c", "receive.hideRefs=refs/merge-requests")
LET_PASS = tuple(part for name in LENIENT for part in ("-c", f"receive.fsck.{name}=ignore"))
NO_CACHE = [(b"cache-control", b"no-cache, max-age=0, must-revalidate")]


class BodyTooLarge(Exception):  # noqa: N818 - the event
    """A push is larger than the forge accepts."""


async def advertise(repository: Path, service: str, protocol: str, send: Send) -> None:
    """Answer `info/refs`: what the repository has, in the words of `service`."""
    process = await _start(repository, service, protocol, "--http-backend-info-refs")
    output, _ = await process.communicate()
    line = f"# service={service}\n"
    preface = b"" if protocol.startswith("version=2") else f"{len(line) + 4:04x}{line}0000".encode()
    await _head(send, 200, f"application/x-{service}-advertisement")
    await send({"type": "http.response.body", "body": preface + output})


async def exchange(
    repository: Path,
    service: str,
    protocol: str,
    *,
    headers: dict[str, str],
    receive: Receive,
    send: Send,
    limit: int,
    seconds: float,
    began: Callable[[list[Asked]], Awaitable[None]],
    then: Callable[[], Awaitable[None]],
) -> None:
    """Answer a fetch or a push: the body goes to git as it comes, git's answer goes back as it comes.

    The headers of the answer are sent with git's first bytes, so that a proxy in between keeps reading the
    request. A client that goes away, and a call of more than `seconds`, ends git. `began` is told which refs
    a push asks to move before git hears of it, `then` is done before the client learns that git has ended.
    Raises BodyTooLarge past `limit` bytes, once the client was told so.
    """
    process = await _start(repository, service, protocol)
    body = _body(headers, receive, limit)
    if service == "git-receive-pack":
        body = _heard(body, began)
    feeding = asyncio.create_task(_feed(process, body))
    started = False
    try:
        async with asyncio.timeout(seconds):
            assert process.stdout is not None  # noqa: S101 - opened as a pipe
            while chunk := await process.stdout.read(CHUNK):
                if not started:
                    await _head(send, 200, f"application/x-{service}-result")
                    started = True
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await feeding
            await process.wait()
        await then()
        if not started:
            await _head(send, 200, f"application/x-{service}-result")
        await send({"type": "http.response.body", "body": b""})
    except BodyTooLarge as error:
        if not started:
            await _head(send, 200, f"application/x-{service}-result")
        await send({"type": "http.response.body", "body": _fatal(str(error))})
        raise
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _start(repository: Path, service: str, protocol: str, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "git", *SAFE, *OWN_REFS, *LET_PASS, SERVICES[service], "--stateless-rpc", *more, str(repository),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**ENVIRONMENT, "GIT_PROTOCOL": protocol},
    )  # fmt: skip


async def _feed(process: asyncio.subprocess.Process, body: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe
    try:
        async for chunk in body:
            process.stdin.write(chunk)
            await process.stdin.drain()
    except BodyTooLarge:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # before it hears of an end, and reports a broken pack
        raise
    except (BrokenPipeError, ConnectionResetError):
        return  # git has heard enough, and says why in its answer
    finally:
        process.stdin.close()


async def _heard(
    body: AsyncIterator[bytes], began: Callable[[list[Asked]], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """Pass a push on, once `began` knows what it asks for."""
    head, waiting = b"", True
    async for chunk in body:
        if not waiting:
            yield chunk
            continue
        head += chunk
        moves = asked(head)
        if moves is not None or len(head) > MAX_COMMAND_BYTES:
            waiting = False
            await began(moves or [])
            yield head
    if waiting and head:
        yield head


async def _body(headers: dict[str, str], receive: Receive, limit: int) -> AsyncIterator[bytes]:
    inflate = zlib.decompressobj(31) if headers.get("content-encoding") == "gzip" else None
    total = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        chunk = message.get("body", b"")
        while chunk:
            part = inflate.decompress(chunk, CHUNK) if inflate else chunk
            chunk = inflate.unconsumed_tail if inflate else b""
            total += len(part)
            if total > limit:
                await _drain(receive)
                raise BodyTooLarge(
                    f"A push of more than {limit // 1_000_000} MB is not taken. Nothing was changed. Push "
                    "fewer commits at once; large files belong into storage, not into a repository."
                )
            yield part
        if not message.get("more_body"):
            return


async def _drain(receive: Receive) -> None:
    """Read the rest of a body and forget it: a client that is still sending does not hear the answer."""
    while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
        pass


def _fatal(words: str) -> bytes:
    """Return what makes a git client that pushes give up, and show `words`: the third band of its answer."""
    line = b"\x03" + words.encode() + b"\n"
    return f"{len(line) + 4:04x}".encode() + line


async def _head(send: Send, status: int, media_type: str) -> None:
    headers = [(b"content-type", media_type.encode()), *NO_CACHE]
    await send({"type": "http.response.start", "status": status, "headers": headers})
