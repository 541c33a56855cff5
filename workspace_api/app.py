"""The web application: every capability's routes, in the frame that each request passes through."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from workspace_api import documentation, health, metrics
from workspace_api.alphagenome.routes import router as alphagenome
from workspace_api.apart import ApartMiddleware
from workspace_api.assemblies.routes import router as assemblies
from workspace_api.authentication import Authentication, HubTokens
from workspace_api.batches.routes import over_rows
from workspace_api.batches.routes import router as batches
from workspace_api.browsers import BrowserMiddleware
from workspace_api.cookies import Cookies
from workspace_api.csrf import Csrf
from workspace_api.environments.routes import router as environments
from workspace_api.files.routes import router as files
from workspace_api.frame import BodyLimitMiddleware, HeadMiddleware, RequestMarkMiddleware
from workspace_api.groups.routes import router as groups
from workspace_api.imports.routes import router as imports
from workspace_api.keys.routes import router as keys
from workspace_api.people.attempts import SignInAttempts
from workspace_api.people.routes import router as people
from workspace_api.problems import ANSWERS, RenderProblem, install_problems
from workspace_api.projects.routes import router as projects
from workspace_api.proposals.routes import router as proposals
from workspace_api.pushes.routes import router as pushes
from workspace_api.runs.routes import router as runs
from workspace_api.security import SecurityHeadersMiddleware
from workspace_api.sessions.routes import internal as spawners
from workspace_api.sessions.routes import router as sessions
from workspace_api.signin.internal import router as internal
from workspace_api.signin.routes import browser_sign_in
from workspace_api.tokens.routes import router as tokens
from workspace_api.workspace import Workspace

API = "/api/v1"
CAPABILITIES: tuple[APIRouter, ...] = (
    people,
    groups,
    tokens,
    projects,
    proposals,
    imports,
    files,
    keys,
    runs,
    over_rows,
    batches,
    assemblies,
    sessions,
    environments,
    alphagenome,
    pushes,
    internal,
    spawners,
)


def create_app(workspace: Workspace, *, render_problem: RenderProblem | None = None) -> FastAPI:
    """Return the application that serves `workspace`.

    `render_problem` turns a problem into a page, for browsers on paths outside `/api`; without it they are
    given the problem document too.
    """
    settings = workspace.settings
    secret = settings.secret_key.get_secret_value()
    app = FastAPI(
        title="Labfork",
        version=settings.version,
        summary="A collaborative, git-backed research workspace for genomics groups.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=ANSWERS,
    )
    cookies = Cookies(settings)
    app.state.workspace = workspace
    app.state.cookies = cookies
    app.state.csrf = Csrf(secret)
    app.state.sign_in_attempts = SignInAttempts()
    app.state.authentication = Authentication(workspace.people, workspace.tokens, HubTokens(settings.hub))
    for router in CAPABILITIES:
        app.include_router(router, prefix=API)
    app.include_router(browser_sign_in(settings))
    for router in (health.router, metrics.router, documentation.router):
        app.include_router(router)
    install_problems(app, render_problem)
    _frame(app, cookies, render_problem, settings.sessions_url)
    if sessions := settings.sessions_url:
        app.add_middleware(ApartMiddleware, pages=settings.public_url, sessions=sessions)
    return app


def _frame(app: FastAPI, cookies: Cookies, render_problem: RenderProblem | None, sessions_url: str) -> None:
    """Put the middleware around the routes; the last one added is the outermost."""
    requests = metrics.RequestMetrics()
    app.state.metrics = metrics.registry_of(app.state.workspace, requests)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(BrowserMiddleware, cookies=cookies)
    app.add_middleware(BodyLimitMiddleware, render=render_problem)
    app.add_middleware(RequestMarkMiddleware, render=render_problem)
    app.add_middleware(metrics.MetricsMiddleware, requests=requests)
    app.add_middleware(SecurityHeadersMiddleware, sessions=sessions_url)
