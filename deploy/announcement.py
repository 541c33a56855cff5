"""Tells the person at the terminal when the workspace can be opened."""

from __future__ import annotations

import threading
import time

import httpx

PATIENCE_SECONDS = 25.0


def announce_when_ready(address: str, ready_url: str) -> None:
    """Print `address` as soon as `ready_url` answers well, without keeping the caller waiting."""
    threading.Thread(target=_announce, args=(address, ready_url), daemon=True).start()


def _announce(address: str, ready_url: str) -> None:
    last = "nothing answers"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(ready_url, timeout=5)
        except httpx.TransportError as error:
            last = str(error)
        else:
            if answer.is_success:
                print(f"Ready. Open {address} (Ctrl-C stops it)", flush=True)
                return
            last = "; ".join(f"{p['name']}: {p['detail']}" for p in answer.json()["parts"] if not p["ok"])
        time.sleep(0.3)
    print(f"Not everything works after {PATIENCE_SECONDS:.0f} s: {last}. See {address}/status", flush=True)
