"""The forge as an ASGI application: REST under `/api/v4`, git under `/{path}.git`, health under `/-/`."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from anyio import to_thread
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
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
from deploy.forge.announcing import announce, fetch_ahead, watch
from deploy.forge.api import (
    compare,
    forks,
    groups,
    hooks,
    keys,
    members,
    merge_requests,
    meta,
    notes,
    projects,
    refs,
    repository,
    tokens,
    users,
)
from deploy.forge.calls import Call, Reply, Route, Routes, check_scopes
from deploy.forge.courier import Courier
from deploy.forge.errors import ApiError, not_found, refused, unauthorized
from deploy.forge.git.command import GitError
from deploy.forge.git.commands import Asked
from deploy.forge.git.http import SERVICES, BodyTooLarge, advertise, exchange
from deploy.forge.git.repository import Repositories, Repository
from deploy.forge.importer import Importer
from deploy.forge.models import Database, Namespace, Project, Push, Token, User
from deploy.forge.params import Params
from deploy.forge.policy import reads_code, writes_code
from deploy.forge.settings import ForgeSettings
from deploy.forge.transaction import Transaction

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MODULES = (
    *(meta, users, tokens, keys, groups, members, projects, forks, refs, repository, compare),
    *(merge_requests, notes, hooks),
)


@dataclass(frozen=True)
class Opened:
    """A repository as somebody opened it for git."""

    project_id: int
    user_id: int | None
    repository: Repository


class Forge:
    """Answers REST calls and git; one instance serves one folder."""

    def __init__(self, settings: ForgeSettings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.repositories = Repositories(settings.repositories)
        self.prefix = urlsplit(settings.external_url).path.rstrip("/")
        self.routes = Routes()
        for module in MODULES:
            self.routes.include(module.routes)
        self.courier = Courier(self.database, settings.external_url)
        self.importer = Importer(self.database, self.repositories, settings)

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
        for project_id in sorted(int(name.removesuffix(".git")) for name in wanted):
            self._catch_up(project_id)
        with self.database.session(write=True) as session:
            session.execute(delete(Push))
        self.importer.prepare()

    def _catch_up(self, project_id: int) -> None:
        """Tell what an earlier forge did not come to tell of a project."""
        if not self.repositories.of(project_id).exists():
            logger.error("the repository of project %s is missing: restore it from a backup", project_id)
            return
        with self.database.session(write=True) as session:
            t = self._transaction(session)
            project = session.get_one(Project, project_id)
            if project.watched:
                announce(t, project, session.scalars(select(User).where(User.username == "root")).one())
            else:
                watch(t, project)

    def _transaction(self, session: Session) -> Transaction:
        return Transaction(session, self.settings, self.repositories)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
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

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.courier.start()
                self.importer.start()
            else:
                await to_thread.run_sync(self.courier.stop)
                await to_thread.run_sync(self.importer.stop)
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

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
        route, args = self.routes.find(request.method, path)
        if route.first is not None:
            with self.database.session(write=False) as session:
                route.first(self._call(request, path, params, session, route, args))
        with self.database.session(write=write) as session:
            call = self._call(request, path, params, session, route, args)
            if write and call.actor.token is not None:
                touch(call.actor.token)
            reply = route.handler(call)
        for step in call.afterwards:
            step()
        if write:
            self.courier.wake()
            self.importer.wake()
        return reply

    def _call(
        self,
        request: Request,
        path: str,
        params: Params,
        session: Session,
        route: Route,
        args: dict[str, str],
    ) -> Call:
        actor = actor_of(session, rest_secret(request.headers, params))
        sudo = request.headers.get("sudo") or params.get("sudo")
        actor = as_other(session, actor, str(sudo) if sudo else None)
        check_scopes(actor, route)
        return Call(
            session=session,
            settings=self.settings,
            repositories=self.repositories,
            method=request.method,
            path=path,
            args=args,
            params=params,
            actor=actor,
        )

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
        opened = await to_thread.run_sync(self._open, request, project, service)
        protocol = request.headers.get("git-protocol", "")[:100]
        if advertised:
            await advertise(opened.repository.folder, service, protocol, send)
            return
        headers = dict(request.headers)

        async def began(moves: list[Asked]) -> None:
            await to_thread.run_sync(self._before_push, opened, moves)

        async def after() -> None:
            if service == "git-receive-pack":
                await to_thread.run_sync(self._after_push, opened)

        try:
            await exchange(
                opened.repository.folder,
                service,
                protocol,
                headers=headers,
                receive=receive,
                send=send,
                limit=self.settings.max_push_bytes,
                seconds=self.settings.git_seconds,
                began=began,
                then=after,
            )
        except (BodyTooLarge, ConnectionResetError, TimeoutError) as error:
            logger.warning("git %s of %s was ended: %s", service, project, error)
            await after()  # git may have moved the refs before it was ended

    def _open(self, request: Request, path: str, service: str) -> Opened:
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
            user_id = actor.user.id if actor.user else None
            return Opened(project.id, user_id, self.repositories.of(project.id))

    def _before_push(self, opened: Opened, moves: list[Asked]) -> None:
        """Write down who asks for what, so that it is known even if the forge is killed before it is told."""
        with self.database.session(write=True) as session:
            key = {"project_id": opened.project_id, "user_id": opened.user_id}
            session.add_all(Push(ref=move.ref, sha=move.new, **key) for move in moves)

    def _after_push(self, opened: Opened) -> None:
        """Tell of what the push moved; the first branch of an empty project becomes its default."""
        with self.database.session(write=False) as session:
            if (project := session.get(Project, opened.project_id)) is not None:
                fetch_ahead(self._transaction(session), project)
        with self.database.session(write=True) as session:
            project, user = session.get(Project, opened.project_id), session.get(User, opened.user_id)
            if project is None or user is None:  # removed while the push was under way
                return
            announce(self._transaction(session), project, user)
            mine = (Push.project_id == project.id, Push.user_id == user.id)
            session.execute(delete(Push).where(*mine))
        self.courier.wake()


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


def create_app(settings: ForgeSettings) -> Forge:
    """Return the forge of `settings`, ready to answer."""
    forge = Forge(settings)
    forge.prepare()
    return forge
