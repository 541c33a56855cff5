"""The forge as an ASGI application: REST under `/api/v4`, git under `/{path}.git`, health under `/-/`."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from anyio import to_thread
from sqlalchemy import select
from starlette.requests import Request

from deploy.forge.access import (
    NOBODY,
    SCOPES,
    Actor,
    actor_of,
    as_other,
    git_secret,
    hash_of,
    project_level,
    rest_secret,
    touch,
)
from deploy.forge.api import groups, members, meta, projects, refs, repository, tokens, users
from deploy.forge.calls import Call, Reply, Routes, check_scopes
from deploy.forge.errors import ApiError, not_found, refused, unauthorized
from deploy.forge.git.command import GitError, git
from deploy.forge.git.http import SERVICES, BodyTooLarge, advertise, exchange
from deploy.forge.git.repository import Repositories, Repository
from deploy.forge.models import Database, Namespace, Project, Token, User, now
from deploy.forge.params import Params
from deploy.forge.policy import reads_code, writes_code
from deploy.forge.settings import ForgeSettings

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Forge:
    """Answers REST calls and git; one instance serves one folder."""

    def __init__(self, settings: ForgeSettings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.repositories = Repositories(settings.repositories)
        self.prefix = urlsplit(settings.external_url).path.rstrip("/")
        self.routes = Routes()
        for module in (meta, users, tokens, groups, members, projects, refs, repository):
            self.routes.include(module.routes)

    def prepare(self) -> None:
        """Make the folder, the tables, the administrator and their token; safe to repeat."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        self.settings.repositories.mkdir(exist_ok=True)
        self.database.prepare()
        with self.database.session(write=True) as session:
            root = session.scalar(select(User).where(User.username == "root"))
            if root is None:
                root = users.add_user(session, "root", "Administrator", "root@localhost", admin=True)
            for old in session.scalars(select(Token).where(Token.user_id == root.id, Token.name == "root")):
                old.revoked = old.hash != hash_of(self.settings.root_token)
            known = select(Token).where(Token.hash == hash_of(self.settings.root_token))
            if session.scalar(known) is None:
                secret = hash_of(self.settings.root_token)
                session.add(Token(user_id=root.id, name="root", hash=secret, scopes=" ".join(SCOPES)))
            wanted = {f"{number}.git" for number in session.scalars(select(Project.id))}
        for folder in self.settings.repositories.iterdir():
            if folder.name not in wanted:  # left by a creation that was cut off before its commit
                self.repositories.remove(int(folder.stem))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        raw = scope["raw_path"].decode("ascii", errors="replace").split("?")[0]
        path = raw.removeprefix(self.prefix)
        try:
            if path.startswith("/api/v4/"):
                reply = await self._rest(scope, receive, path.removeprefix("/api/v4"))
            elif path.startswith("/-/"):
                reply = self._health(path)
            elif (place := path.find(".git/")) > 0:
                await self._git(scope, receive, send, unquote(path[1:place]), path[place + 5 :])
                return
            else:
                raise ApiError(404, {"error": "404 Not Found"})
        except ApiError as error:
            reply = Reply(error.body, error.status, _challenge(error, path))
        except GitError as error:
            reply = Reply({"message": str(error)}, 400)
        await _send(reply, send, head=scope["method"] == "HEAD")

    def _health(self, path: str) -> Reply:
        if path not in ("/-/health", "/-/readiness", "/-/liveness"):
            raise ApiError(404, {"error": "404 Not Found"})
        with self.database.session(write=False) as session:
            session.scalar(select(User.id).limit(1))
        return Reply({"status": "ok"})

    async def _rest(self, scope: Scope, receive: Receive, path: str) -> Reply:
        request = Request(scope, receive)
        params = Params(parse_qsl(request.url.query, keep_blank_values=True), await self._body(request))
        return await to_thread.run_sync(self._handle, request, path, params)

    def _handle(self, request: Request, path: str, params: Params) -> Reply:
        write = request.method not in ("GET", "HEAD")
        with self.database.session(write=write) as session:
            actor = actor_of(session, rest_secret(request.headers, params))
            sudo = request.headers.get("sudo") or params.get("sudo")
            actor = as_other(session, actor, str(sudo) if sudo else None)
            route, args = self.routes.find(request.method, path)
            check_scopes(actor, route)
            if write and actor.token is not None:
                touch(actor.token)
            call = Call(request.method, path, args, params, actor, session, self.settings, self.repositories)
            return route.handler(call)

    async def _body(self, request: Request) -> dict[str, Any]:
        chunks, size = [], 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > self.settings.max_body_bytes:
                raise refused("Request entity too large", 413)
        text = b"".join(chunks)
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        if not text:
            return {}
        try:
            if kind == "application/x-www-form-urlencoded":
                return dict(Params(parse_qsl(text.decode(), keep_blank_values=True), {}))
            content = json.loads(text)
        except (ValueError, UnicodeDecodeError):
            raise refused("The body cannot be read: send JSON or a form") from None
        if not isinstance(content, dict):
            raise refused("The body must be a JSON object")
        return content

    async def _git(self, scope: Scope, receive: Receive, send: Send, project: str, rest: str) -> None:
        request = Request(scope)
        advertised = rest == "info/refs"
        service = request.query_params.get("service", "") if advertised else rest
        if service not in SERVICES or (request.method == "POST") == advertised:
            raise ApiError(404, {"error": "404 Not Found"})
        repository = await to_thread.run_sync(self._open, request, project, service)
        protocol = request.headers.get("git-protocol", "")[:100]
        if advertised:
            await advertise(repository.folder, service, protocol, send)
            return
        headers = dict(request.headers)

        async def after() -> None:
            if service == "git-receive-pack":
                await to_thread.run_sync(self._after_push, project, repository)

        try:
            await exchange(
                repository.folder,
                service,
                protocol,
                headers=headers,
                receive=receive,
                send=send,
                limit=self.settings.max_push_bytes,
                seconds=self.settings.git_seconds,
                then=after,
            )
        except (BodyTooLarge, ConnectionResetError, TimeoutError) as error:
            logger.warning("git %s of %s was ended: %s", service, project, error)

    def _open(self, request: Request, path: str, service: str) -> Repository:
        """Return the repository for a git call, or refuse it as GitLab does."""
        with self.database.session(write=False) as session:
            actor = actor_of(session, git_secret(request.headers))
            project = _project(session, path)
            level = project_level(session, actor.user, project) if project else None
            signed_in = actor.user is not None
            if project is None or not reads_code(project.visibility, level, signed_in=signed_in):
                raise not_found("Project") if signed_in else unauthorized()
            _check_git_scope(actor, service)
            if service == "git-receive-pack" and not writes_code(level):
                if not signed_in:
                    raise unauthorized()
                raise refused("You are not allowed to push code to this project.", 403)
            return self.repositories.of(project.id)

    def _after_push(self, path: str, repository: Repository) -> None:
        """Note the activity; the first branch of an empty project becomes its default."""
        names = [name for name, _ in repository.branches()]
        with self.database.session(write=True) as session:
            project = _project(session, path)
            if project is None:
                return
            project.last_activity_at = now()
            if names and project.default_branch not in names:
                project.default_branch = names[0]
                git(repository.folder, "symbolic-ref", "HEAD", f"refs/heads/{names[0]}")


def _check_git_scope(actor: Actor, service: str) -> None:
    if actor is NOBODY or actor.user is None:
        return
    needed = ("api", "write_repository") if service == "git-receive-pack" else (
        "api", "write_repository", "read_repository")  # fmt: skip
    if not actor.has(*needed):
        raise refused("The token's scopes do not allow this; it needs " + " or ".join(needed), 403)


def _project(session: Any, path: str) -> Project | None:
    parent, _, name = path.rpartition("/")
    where = (Namespace.full_path == parent, Project.path == name)
    found: Project | None = session.scalar(select(Project).join(Namespace).where(*where))
    return found


def _challenge(error: ApiError, path: str) -> tuple[tuple[str, str], ...]:
    if error.status == 401 and ".git/" in path:
        return (("WWW-Authenticate", 'Basic realm="Labfork"'),)
    return ()


async def _send(reply: Reply, send: Send, *, head: bool) -> None:
    content = reply.content()
    headers = [("content-type", reply.media_type), ("content-length", str(len(content))), *reply.headers]
    encoded = [(name.lower().encode(), value.encode("latin-1", errors="replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if head else content})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(settings: ForgeSettings) -> Forge:
    """Return the forge of `settings`, ready to answer."""
    forge = Forge(settings)
    forge.prepare()
    return forge
