"""What carries connections out of sandboxes and into them."""

from __future__ import annotations

import asyncio
import gc

from hub.relay import connect


async def answer_to(question: bytes, folder) -> bytes:
    """Ask through the relay, say that this was all, and return what comes back when it was long in coming."""
    asked = asyncio.Event()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.read()
        asked.set()
        await asyncio.sleep(0.2)
        writer.write(heard.upper())
        writer.close()

    async def near(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connect(reader, writer, str(folder / "far"))

    async with (
        await asyncio.start_unix_server(far, folder / "far"),
        await asyncio.start_unix_server(near, folder / "near"),
    ):
        reader, writer = await asyncio.open_unix_connection(folder / "near")
        writer.write(question)
        writer.write_eof()
        await asked.wait()
        gc.collect()
        heard = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return heard


def test_who_said_all_they_had_to_say_still_gets_the_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert asyncio.run(answer_to(b"is anybody there", tmp_path)) == b"IS ANYBODY THERE"
