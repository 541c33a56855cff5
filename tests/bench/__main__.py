"""The benchmark: `make bench` prints what we claim about speed, measured on this machine in one run."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.bench.builds import build_rows
from tests.bench.gateway import gateway_rows
from tests.bench.sessions import container_sessions, sandbox_sessions
from tests.bench.table import Row, percentile, render
from tests.conftest import (
    CHECKOUT,
    RunningWorkspace,
    await_end,
    free_port,
    start_workspace,
    stop_workspace,
    wait_for,
    workspace_environment,
)
from tests.publishing import notebook, publish

TRIVIAL = notebook("n + 1")
RUN = {
    "project": "genomics/alphagenome",
    "notebook": "02_variant_analysis.ipynb",
    "parameters": {"variant": "chr22:36201698:A>C"},
}


def first_report(folder: Path) -> Row:
    """Clone, `make up`, ask for a run, wait for its report: what a stranger waits for."""
    clone, port = folder / "clone", free_port()
    started = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
    process = subprocess.Popen(
        ["make", "up"],
        cwd=clone,
        env=workspace_environment(clone / "var", port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    workspace = RunningWorkspace(clone / "var", port, process)
    try:
        with workspace.client() as client:
            run = wait_for(lambda: _ask(client), seconds=600, what="the first run to be accepted")
            ended = await_end(client, run["id"], seconds=600)
            client.get(f"/api/v1/runs/{run['id']}/report").raise_for_status()
        seconds = time.monotonic() - started
        if ended["state"] != "succeeded":
            raise RuntimeError(f"the first run {ended['state']}: {ended['error']}")
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, make and all
        process.wait(timeout=60)
    return Row("fresh clone to first report", seconds, "s", "under 180 s", seconds < 180)


def _ask(client: httpx.Client) -> dict | None:
    answer = client.post("/api/v1/runs", json=RUN)
    return answer.json() if answer.status_code in (200, 202) else None


def second_start(home: Path) -> Row:
    """Start a workspace that was started before, until it says that it can be opened."""
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "up"],
        cwd=CHECKOUT,
        env=workspace_environment(home, free_port()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith(("Ready", "Not")))
        seconds = time.monotonic() - started
        process.send_signal(signal.SIGINT)
    return Row("second start until ready", seconds, "s", "at most 10 s", seconds <= 10 and "Ready" in said)


def trivial_run(workspace: RunningWorkspace, folder: Path, *, times: int = 7) -> Row:
    """Run a two-cell notebook through the workspace, and with the papermill command."""
    path = publish(workspace, "trivial", {"trivial.ipynb": TRIVIAL}, group="benchmarks")
    ours, peers = [], []
    with workspace.client() as client:
        environment = _environment_of(client, path, workspace.home)
        notebook_file = folder / "trivial.ipynb"
        notebook_file.write_text(TRIVIAL)
        for number in range(times + 1):
            ours.append(_seconds_of_run(client, path, number))
            peers.append(_seconds_of_papermill(environment, notebook_file, folder / "out.ipynb"))
    mine, peer = statistics.median(ours[1:]), statistics.median(peers[1:])
    limit = 0.6 * peer
    return Row(
        "trivial notebook, asked to ended", mine, "s", f"at most 0.6x ({limit:.2f} s)", mine <= limit,
        peer, "papermill command",
    )  # fmt: skip


def _environment_of(client: httpx.Client, path: str, home: Path) -> Path:
    """Run it once, so that the environment is there, and return the environment's folder."""
    run = client.post("/api/v1/runs", json={"project": path, "notebook": "trivial.ipynb", "fresh": True})
    ended = await_end(client, run.raise_for_status().json()["id"], seconds=300)
    if ended["state"] != "succeeded":
        raise RuntimeError(f"the trivial run {ended['state']}: {ended['error']}")
    return home / "environments" / ended["environment_key"]


def _seconds_of_run(client: httpx.Client, path: str, number: int) -> float:
    started = time.monotonic()
    asked = client.post(
        "/api/v1/runs",
        json={"project": path, "notebook": "trivial.ipynb", "parameters": {"n": number}, "fresh": True},
    )
    run_id = asked.raise_for_status().json()["id"]
    while client.get(f"/api/v1/runs/{run_id}").json()["state"] not in ("succeeded", "failed", "cancelled"):
        time.sleep(0.02)
    return time.monotonic() - started


def _seconds_of_papermill(environment: Path, notebook: Path, output: Path) -> float:
    started = time.monotonic()
    subprocess.run(
        [environment / "bin" / "python", "-m", "papermill", "--no-progress-bar", notebook, output],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - started


def identical_run(workspace: RunningWorkspace, *, times: int = 30) -> Row:
    """Ask again for a run that was finished before."""
    with workspace.client() as client:
        await_end(client, client.post("/api/v1/runs", json=RUN).json()["id"], seconds=300)
        waits = []
        for _ in range(times):
            started = time.monotonic()
            client.post("/api/v1/runs", json=RUN).raise_for_status()
            waits.append(1000 * (time.monotonic() - started))
    median = statistics.median(waits)
    return Row("identical run answered (median)", median, "ms", "at most 50 ms", median <= 50)


async def landing_page(workspace: RunningWorkspace, *, per_second: int = 50, seconds: int = 10) -> Row:
    """Ask for `/` at a steady rate, each request at its own time whether or not earlier ones are back."""
    waits: list[float] = []

    async def ask(client: httpx.AsyncClient, at: float) -> None:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        started = time.monotonic()
        (await client.get("/")).raise_for_status()
        waits.append(1000 * (time.monotonic() - started))

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=workspace.url, limits=limits, timeout=30) as client:
        await asyncio.gather(*(client.get("/") for _ in range(8)))
        begin = time.monotonic() + 0.2
        await asyncio.gather(*(ask(client, begin + n / per_second) for n in range(per_second * seconds)))
    p95 = percentile(waits, 95)
    return Row(f"landing page, p95 at {per_second}/s", p95, "ms", "at most 50 ms", p95 <= 50)


def idle_memory(home: Path) -> Row:
    """Add up what every process of a workspace keeps in memory in which nobody has worked since its start."""
    workspace = start_workspace(home, free_port())
    try:
        time.sleep(8)
        parent = psutil.Process(workspace.process.pid)
        resident = [process.memory_info().rss for process in (parent, *parent.children(recursive=True))]
    finally:
        stop_workspace(workspace)
    total = sum(resident) / 1024**2
    return Row(
        f"resident memory, idle, {len(resident)} processes", total, "MiB", "under 700 MiB", total < 700
    )


def one_workspace(folder: Path) -> Iterator[Row]:
    """What people meet in a workspace that runs, and how it starts again."""
    home = folder / "var"
    workspace = start_workspace(home, free_port())
    try:
        with workspace.client() as client:
            wait_for(lambda: _ask(client), seconds=300, what="the curated project")
        yield identical_run(workspace)
        yield trivial_run(workspace, folder)
        yield asyncio.run(landing_page(workspace))
    finally:
        stop_workspace(workspace)
    yield second_start(home)
    yield idle_memory(home)


def measured(folder: Path) -> Iterator[Row]:
    """Measure everything; what cannot be measured is a row that says why, and the rest goes on."""
    for name, measure in (
        ("first report", lambda: iter([first_report(folder)])),
        ("one workspace", lambda: one_workspace(folder)),
        ("sessions in the sandbox", lambda: sandbox_sessions(folder)),
        ("sessions in containers", lambda: container_sessions(folder)),
        ("builds", lambda: build_rows(folder / "builds")),
        ("the gateway", lambda: gateway_rows(folder / "gateway")),
    ):
        try:
            yield from measure()
        except Exception as error:  # noqa: BLE001 - said, and in the table
            traceback.print_exc()
            yield Row(f"{name}: not measured", math.nan, "", type(error).__name__, False)


def main() -> None:
    """Measure everything, say each figure when it is known, and print the table."""
    folder = Path(tempfile.mkdtemp(prefix="labfork-bench-"))
    rows: list[Row] = []
    try:
        for row in measured(folder):
            print(f"{row.name}: {row.ours:.2f} {row.unit}", file=sys.stderr, flush=True)
            rows.append(row)
    finally:
        print(render(rows))
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
