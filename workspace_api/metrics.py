"""What Prometheus is told: requests, runs, the queue, environments, sessions."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.routing import iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workspace_api.database import Database, now
from workspace_api.runs.models import Run, RunState
from workspace_api.workspace import Workspace

router = APIRouter(tags=["operation"])


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Give the figures of this workspace in Prometheus' text format."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


class RequestMetrics:
    """Counts and times requests, by route pattern, so that no address adds a series of its own."""

    def __init__(self) -> None:
        labels = ("method", "route", "status")
        self.count = Counter("labfork_http_requests", "Requests answered.", labels, registry=None)
        self.seconds = Histogram(
            "labfork_http_request_seconds", "Time to answer a request.", ("method", "route"), registry=None
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.count.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class MetricsMiddleware:
    """Notes each request when its answer is complete."""

    def __init__(self, app: ASGIApp, requests: RequestMetrics) -> None:
        self.app = app
        self.requests = requests
        self.patterns = RoutePatterns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and time it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            self.requests.note(method, self.patterns.of(scope), status, time.perf_counter() - began)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RoutePatterns:
    """The pattern of the route that a request took, such as `/api/v1/runs/{id}`.

    `none` where nothing matched, `files` below a folder of files. Routes may be added after the
    application was made, so the list is read again where an endpoint is not in it.
    """

    def __init__(self) -> None:
        self._known: dict[object, str] = {}

    def of(self, scope: Scope) -> str:
        """Return the pattern for a request that has been answered."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return "none"
        if endpoint not in self._known:
            routes = iter_route_contexts(scope["app"].routes)
            self._known.update({route.endpoint: route.path or "" for route in routes if route.endpoint})
            self._known.setdefault(endpoint, "files")
        return self._known[endpoint]


class _WorkspaceFigures(Collector):
    """Reads the state of the workspace from its database each time Prometheus asks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give runs, environments and sessions by state, and the queue's length and age."""
        runs, oldest = _runs(self._workspace.database)
        yield _by_state("labfork_runs", "Runs by state.", {str(s): runs.get(str(s), 0) for s in RunState})
        yield GaugeMetricFamily(
            "labfork_queue_length", "Runs that wait for a worker.", runs.get(RunState.QUEUED, 0)
        )
        yield GaugeMetricFamily(
            "labfork_queue_age_seconds", "How long the oldest waiting run has waited.", oldest
        )
        counts = self._workspace.environments.count_by_state()
        yield _by_state("labfork_environments", "Environments by state.", counts)
        open_now = self._workspace.sessions.count_by_state()
        yield _by_state("labfork_sessions", "Sessions under way by state; those that wait too.", open_now)


def registry_of(workspace: Workspace, requests: RequestMetrics) -> CollectorRegistry:
    """Return a registry of this workspace alone."""
    registry = CollectorRegistry()
    registry.register(requests.count)
    registry.register(requests.seconds)
    registry.register(_WorkspaceFigures(workspace))
    return registry


def _runs(database: Database) -> tuple[dict[str, int], float]:
    """Return how many runs there are by state, and the age in seconds of the oldest that waits."""
    with database.read() as session:
        rows = session.execute(select(Run.state, func.count()).group_by(Run.state)).all()
        oldest = session.scalar(select(func.min(Run.requested_at)).where(Run.state == RunState.QUEUED))
    age = 0.0 if oldest is None else (now() - oldest).total_seconds()
    return dict(rows), max(0.0, age)


def _by_state(name: str, words: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=["state"])
    for state, count in counts.items():
        family.add_metric([state], count)
    return family
