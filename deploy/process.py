"""Our processes, as JupyterHub starts them: `python -m deploy.process NAME --home FOLDER`."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.in_force import InForce, load
from deploy.tether import tether


def web(force: InForce) -> None:
    """Serve the pages and the REST API.

    What is loaded stays, and is not looked through for garbage: that would stop every answer for a while.
    """
    gc.disable()
    import uvicorn

    from deploy.web import create_web

    app = create_web(force.settings())
    gc.collect()
    gc.freeze()
    gc.enable()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=force.ports.web,
        log_level="warning",
        loop="asyncio",
        proxy_headers=True,
        timeout_graceful_shutdown=2,
    )


def worker(force: InForce) -> None:
    """Build environments and execute runs, until asked to stop."""
    from deploy.work import work

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work(force, stop)


def gateway(force: InForce) -> None:
    """Answer AlphaGenome's protocol, until asked to stop."""
    import uvloop  # a call passes through the event loop some twenty times

    from deploy.gateway import serve_gateway

    uvloop.run(serve_gateway(force))


PROCESSES: Mapping[str, Callable[[InForce], None]] = {
    "web": web,
    "worker": worker,
    "gateway": gateway,
}


def main() -> None:
    """Run the process that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PROCESSES))
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    tether()
    log_to(arguments.home / "logs" / f"{arguments.name}.log")
    PROCESSES[arguments.name](load(arguments.home))


def log_to(path: Path) -> None:
    """Send the process's log to its file; it is rotated so that it never fills the disk."""
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("httpx", "urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
