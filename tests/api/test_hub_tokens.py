"""Asking JupyterHub whose token this is."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from workspace_api.authentication import REMEMBERED_SECONDS, HubTokens
from workspace_api.errors import UnavailableError
from workspace_api.settings import HubSettings

ACCESS = ["access:services!service=web"]
USERS = {
    "token good": {"name": "ben", "kind": "user", "scopes": ACCESS},
    "token narrow": {"name": "ben", "kind": "user", "scopes": ["read:users:name!user=ben"]},
    "token service": {"name": "worker", "kind": "service", "scopes": ACCESS},
}


class Hub(ThreadingHTTPServer):
    """A server that speaks the one call of JupyterHub's API we need, and counts how often it is made."""

    asked = 0
    broken = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def settings(self) -> HubSettings:
        """How the workspace reaches it."""
        return HubSettings(api_url=f"http://127.0.0.1:{self.server_address[1]}", token=SecretStr("x"))


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /user`."""

    def do_GET(self):
        self.server.asked += 1
        user = USERS.get(self.headers["Authorization"])
        self.send_response(500 if self.server.broken else 200 if user else 403)
        self.end_headers()
        self.wfile.write(json.dumps(user).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    """The small hub on a free port."""
    hub = Hub()
    threading.Thread(target=hub.serve_forever, args=[0.02], daemon=True).start()
    yield hub
    hub.shutdown()
    hub.server_close()


@pytest.mark.parametrize(
    ("secret", "user"),
    [("good", "ben"), ("narrow", None), ("service", None), ("unknown", None), ("ü", None), ("a\nb", None)],
)
def test_only_a_persons_token_that_reaches_our_service_counts(hub, secret, user):
    assert HubTokens(hub.settings).user_of(secret) == user


def test_an_answer_is_remembered_for_half_a_minute(hub):
    times = [0.0]
    tokens = HubTokens(hub.settings, clock=lambda: times[0])
    for _ in range(3):
        tokens.user_of("good")
        tokens.user_of("unknown")
    assert hub.asked == 2

    times[0] = REMEMBERED_SECONDS
    tokens.user_of("good")

    assert hub.asked == 3


def test_a_hub_that_breaks_is_not_mistaken_for_a_refusal(hub):
    hub.broken = True
    tokens = HubTokens(hub.settings)

    with pytest.raises(UnavailableError, match="answered 500"):
        tokens.user_of("good")
    hub.broken = False
    assert tokens.user_of("good") == "ben"


def test_without_a_hub_there_are_no_hub_tokens():
    assert HubTokens(HubSettings()).user_of("good") is None


def test_a_hub_that_does_not_answer_is_named():
    settings = HubSettings(api_url="http://127.0.0.1:9", token=SecretStr("x"))

    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9 does not answer"):
        HubTokens(settings).user_of("good")
