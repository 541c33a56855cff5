"""`python -m deploy.forge`: serve one folder until asked to stop."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from deploy.forge.app import create_app
from deploy.forge.settings import ForgeSettings


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m deploy.forge", description=__doc__)
    parser.add_argument(
        "--home", type=Path, required=True, help="folder of the repositories and the database"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--external-url", required=True, help="address that clients use, path included")
    parser.add_argument(
        "--root-token-file", type=Path, required=True, help="file with the administrator's token"
    )
    parser.add_argument(
        "--import-host",
        action="append",
        default=[],
        help="host that projects may be imported from; repeatable",
    )
    parser.add_argument("--import-mib", type=int, default=500, help="most MiB of an imported repository")
    parser.add_argument("--import-seconds", type=float, default=600, help="longest fetch of one")
    parser.add_argument("--push-mb", type=int, default=2000, help="most MB of one push")
    given = parser.parse_args()
    token = given.root_token_file.read_text(encoding="utf-8").strip()
    settings = ForgeSettings(
        given.home,
        given.external_url.rstrip("/"),
        token,
        max_push_bytes=given.push_mb * 1_000_000,
        import_hosts=tuple(given.import_host),
        import_max_bytes=given.import_mib * 1024**2,
        import_seconds=given.import_seconds,
    )
    uvicorn.run(
        create_app(settings),
        host=given.host,
        port=given.port,
        log_level="warning",
        loop="asyncio",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
