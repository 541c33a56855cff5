"""What the panel in the browser asks of its session's server; the token stays on this side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from .workspace import Answer, Workspace

LOOKS = {"changes": "/copy/changes", "history": "/copy/history"}
DEEDS = {"save": "/versions", "update": "/updates", "return": "/return", "propose": "/proposals"}


STATIC = Path(__file__).resolve().parent / "static"


def routes(base_url: str, workspace: Workspace) -> list[tuple[str, type[JupyterHandler], dict[str, Any]]]:
    """Return the addresses below the server's own."""
    given = {"workspace": workspace}
    return [
        (
            url_path_join(base_url, "labfork", r"static/([a-z]+\.(?:js|css))"),
            StaticHandler,
            {"path": str(STATIC)},
        ),
        (url_path_join(base_url, "labfork", "session"), SessionHandler, given),
        (url_path_join(base_url, "labfork", "proposals"), ProposalsHandler, given),
        (url_path_join(base_url, "labfork", rf"({'|'.join(LOOKS)})"), LookHandler, given),
        (url_path_join(base_url, "labfork", rf"({'|'.join(DEEDS)})"), DeedHandler, given),
    ]


class WorkspaceHandler(APIHandler):  # type: ignore[misc]
    """Passes on what the workspace says, to the person of this session alone."""

    def initialize(self, workspace: Workspace) -> None:
        """Keep whom to ask."""
        self.workspace = workspace

    def pass_on(self, answer: Answer) -> None:
        """Answer as the workspace did; 401 is its word about the session's token, not about the browser."""
        self.set_status(409 if answer.status == 401 else answer.status)
        self.finish(answer.document)


class SessionHandler(WorkspaceHandler):
    """What this session is about, and how long it lasts."""

    @web.authenticated
    async def get(self) -> None:
        """Return the session as the workspace knows it, with its project and its checkout."""
        answer = await self.workspace.ask("GET", f"/sessions/{self.workspace.session}")
        ours = {"project": self.workspace.project, "folder": self.workspace.folder}
        self.pass_on(Answer(answer.status, {**answer.document, **ours}))


class ProposalsHandler(WorkspaceHandler):
    """What its person may accept or decline, on the workspace's page: the session's token does neither."""

    @web.authenticated
    async def get(self) -> None:
        """Return the open proposals to the project, and to the person's own copy of it, where they may."""
        session = await self.workspace.ask("GET", f"/sessions/{self.workspace.session}")
        if session.status != 200:
            self.pass_on(session)
            return
        project, copy = self.workspace.project, session.document.get("checkout_of")
        paths = dict.fromkeys((project, copy or project))
        answers = {path: await self._open_proposals(path) for path in paths}
        theirs = {path: told for path, told in answers.items() if told.get("may_settle")}
        items = [{**each, "project": path} for path, told in theirs.items() for each in told["items"]]
        self.finish({"may_settle": project in theirs, "items": items})

    async def _open_proposals(self, path: str) -> dict[str, Any]:
        """Return what the workspace says of a project's open proposals; a refusal has nothing to settle."""
        return (await self.workspace.ask("GET", self.workspace.path_of(path, "/proposals"))).document


class LookHandler(WorkspaceHandler):
    """Looks at the checkout."""

    @web.authenticated
    async def get(self, what: str) -> None:
        """Return what changed, or the earlier versions."""
        query = {name: self.get_query_argument(name, "") for name in ("before", "after")}
        path = self.workspace.project_path(LOOKS[what])
        self.pass_on(await self.workspace.ask("GET", path, query={k: v for k, v in query.items() if v}))


class DeedHandler(WorkspaceHandler):
    """Does something with the checkout."""

    @web.authenticated
    async def post(self, what: str) -> None:
        """Save a version, get updates, go back, or propose."""
        path = self.workspace.project_path(DEEDS[what])
        self.pass_on(await self.workspace.ask("POST", path, self.get_json_body() or {}))


class StaticHandler(JupyterHandler, web.StaticFileHandler):  # type: ignore[misc]
    """The panel's own files, asked for anew each time: JupyterLab's way of serving them keeps them a year.

    They are for everybody, as JupyterLab's own are: a browser that imports a module sends no XSRF token,
    without which JupyterHub takes nobody for signed in.
    """

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def get(self, path: str, include_body: bool = True) -> None:
        """Return one of them."""
        await web.StaticFileHandler.get(self, path, include_body)

    def set_extra_headers(self, path: str) -> None:
        """Have browsers ask whether it changed."""
        self.set_header("Cache-Control", "no-cache")
