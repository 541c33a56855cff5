"""Whose doing the end of a job in a container was, as its engine tells it."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any

from hub.containers import connect

ANSWER_SECONDS = 12.0  # an engine that stops gives its containers ten, and may answer nobody meanwhile


@dataclass(frozen=True)
class End:
    """What an engine says of a container whose job has ended."""

    out_of_memory: bool
    from_outside: bool  # the engine had a part in it: it stops, or somebody asked it to


def end_of(host: str, identifier: str) -> End:
    """Ask the engine at `host` about the container `identifier`; raises ENGINE_ERRORS when it is away.

    It is asked by a new connection. An engine that stops first refuses these, and then ends its containers;
    where its socket is kept open for it, nothing is said until it is there again, and knows nothing any more.
    """
    with contextlib.closing(connect(host, seconds=ANSWER_SECONDS)) as client:
        # This is answered once what the engine does to the container at the moment is done, and is an event.
        state = client.api.inspect_container(identifier)["State"]
        events = _events(client, identifier)
        unknown = not state["Running"] and "die" not in events
        return End(state["OOMKilled"], from_outside="kill" in events or unknown)


def _events(client: Any, identifier: str) -> set[str]:
    """Return which signals and ends of a container the engine remembers: the latest 256 events of all are."""
    wanted = {
        "since": "1",
        "until": f"{time.time():.6f}",
        "filters": json.dumps({"container": [identifier], "event": ["kill", "die"]}),
    }
    # not the client's own `events`, which would wait for ever for an engine that hangs
    answer = client.api.get(f"{client.api.base_url}/events", params=wanted, timeout=ANSWER_SECONDS)
    answer.raise_for_status()
    return {json.loads(line)["Action"] for line in answer.text.splitlines()}
