"""One REST call on its way through the forge, and the routes it can take."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from deploy.forge.access import Actor
from deploy.forge.errors import ApiError, forbidden, insufficient_scope, unauthorized
from deploy.forge.models import User
from deploy.forge.params import Params
from deploy.forge.transaction import Transaction

MAX_PER_PAGE = 100


@dataclass(frozen=True)
class Reply:
    """What a handler answers: JSON, or bytes of another type."""

    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"

    def content(self) -> bytes:
        """Return the bytes to send; a 204 has none."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.status == 204 else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Call(Transaction):
    """A REST call: who, what for, with which parameters, within one transaction.

    What is put into `afterwards` is done when the transaction has been kept.
    """

    method: str
    path: str
    args: dict[str, str]
    params: Params
    actor: Actor
    afterwards: list[Callable[[], None]] = field(default_factory=list)

    @property
    def user(self) -> User:
        """Return the caller's account; refuses a call without one."""
        if self.actor.user is None:
            raise unauthorized()
        return self.actor.user

    def require_admin(self) -> None:
        """Refuse everybody but administrators."""
        _ = self.user
        if not self.actor.admin:
            raise forbidden()

    def page(self, items: Sequence[Any], present: Callable[[Any], Any]) -> Reply:
        """Answer one page of `items` with GitLab's paging headers."""
        return self.page_of(items, lambda part: [present(item) for item in part])

    def page_of(self, items: Sequence[Any], present: Callable[[Sequence[Any]], list[Any]]) -> Reply:
        """Answer the same, where a whole page is presented at once."""
        page, size = max(self.params.number("page", 1), 1), self.params.number("per_page", 20)
        size = min(max(size, 1), MAX_PER_PAGE)
        total, pages = len(items), max(1, -(-len(items) // size))
        shown = present(items[(page - 1) * size : page * size])
        numbers = {
            "X-Total": str(total),
            "X-Total-Pages": str(pages),
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Next-Page": str(page + 1) if page < pages else "",
            "X-Prev-Page": str(page - 1) if page > 1 else "",
        }
        links = {"first": 1, "last": pages}
        if page < pages:
            links["next"] = page + 1
        if page > 1:
            links["prev"] = page - 1
        link = ", ".join(f'<{self._address(number, size)}>; rel="{name}"' for name, number in links.items())
        return Reply(shown, headers=(*numbers.items(), ("Link", link)))

    def _address(self, page: int, size: int) -> str:
        pairs: list[tuple[str, str]] = []
        for name, value in self.params.items():
            if name in ("page", "per_page", "private_token", "access_token"):
                continue
            values = value if isinstance(value, list) else [value]
            key = f"{name}[]" if isinstance(value, list) else name
            pairs += [(key, str(one)) for one in values]
        pairs += [("page", str(page)), ("per_page", str(size))]
        return f"{self.settings.external_url}/api/v4{self.path}?{urlencode(pairs)}"


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """A method and a path whose segments that begin with `:` are arguments.

    `first` is done ahead of the handler in a transaction that only reads: slow work that must not keep
    others from writing.
    """

    method: str
    segments: tuple[str, ...]
    handler: Handler
    scopes: tuple[str, ...]
    first: Callable[[Call], object] | None


class Routes:
    """The REST calls there are; a path is matched before it is decoded, so that `%2F` stays in a segment."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def add(
        self, method: str, path: str, *scopes: str, first: Callable[[Call], object] | None = None
    ) -> Callable[[Handler], Handler]:
        """Register a handler; `scopes` widens what a token may have beside `api` (and `read_api` to read)."""

        def register(handler: Handler) -> Handler:
            readable = ("api", "read_api") if method in ("GET", "HEAD") else ("api",)
            segments = tuple(path.strip("/").split("/"))
            self._routes.append(Route(method, segments, handler, (*readable, *scopes), first))
            return handler

        return register

    def include(self, other: Routes) -> None:
        """Take on the routes of `other`."""
        self._routes += other._routes

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """Return the route for a raw path; ApiError 404, or 405 where only the method is wrong."""
        given = raw_path.strip("/").split("/")
        known = False
        for route in self._routes:
            if (args := _match(route.segments, given)) is None:
                continue
            known = True
            if route.method == method or (method == "HEAD" and route.method == "GET"):
                return route, args
        if known:
            raise ApiError(405, {"message": "405 Method Not Allowed"})
        raise ApiError(404, {"error": "404 Not Found"})


def check_scopes(actor: Actor, route: Route) -> None:
    """Refuse a token that may not use `route`."""
    if actor.user is not None and not actor.has(*route.scopes):
        raise insufficient_scope(" ".join(route.scopes))


def _match(pattern: tuple[str, ...], given: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(given):
        return None
    args = {}
    for expected, actual in zip(pattern, given, strict=True):
        if expected.startswith(":"):
            args[expected[1:]] = unquote(actual)
        elif expected != actual:
            return None
    return args
