"""What the proxy is told: each address leads to one process."""

from __future__ import annotations

import pytest

from deploy.configuration import read_configuration
from deploy.in_force import InForce, Ports
from deploy.routes import extra_routes, hub_route, proxy_options
from deploy.secrets import Secrets

PORTS = Ports(public=8000, hub=1, proxy_api=2, web=3, forge=4, gateway=5)
HUB, WEB, FORGE = (f"http://127.0.0.1:{port}" for port in (1, 3, 4))


def force(**environ: str) -> InForce:
    return InForce(configuration=read_configuration(environ), secrets=Secrets(), ports=PORTS, sandboxed=True)


def test_with_one_address_pages_hub_and_forge_have_each_their_paths():
    shared = force(LABFORK_PUBLIC_URL="https://lab.example")

    assert hub_route(shared) == "/hub/"
    assert extra_routes(shared) == {"/": WEB, "/git/": FORGE}
    assert proxy_options(shared) == []


def test_nothing_but_sessions_is_at_their_host_also_where_that_is_what_the_workspace_listens_at():
    apart = force(
        LABFORK_HOST="192.0.2.5", LABFORK_PUBLIC_URL="http://lab", LABFORK_SESSIONS__HOST="192.0.2.5"
    )

    assert hub_route(apart) == "lab/hub/"
    assert set(extra_routes(apart)) == {"lab/git/", "127.0.0.1/hub/", "127.0.0.1/git/"}


def test_with_two_addresses_hub_and_forge_are_at_the_pages_and_nothing_is_beside_sessions():
    apart = force()

    assert hub_route(apart) == "127.0.0.1/hub/"
    assert extra_routes(apart) == {"127.0.0.1/git/": FORGE}
    assert proxy_options(apart) == [f"--default-target={WEB}"]


@pytest.mark.parametrize("forge", ["", "https://gitlab.example"])
def test_what_runs_in_sessions_reaches_hub_and_forge_by_whatever_name_people_do(forge):
    given = {"LABFORK_FORGE__URL": forge, "LABFORK_FORGE__TOKEN": "t"} if forge else {}
    apart = force(LABFORK_PUBLIC_URL="https://lab.example", LABFORK_SESSIONS__HOST="s.example", **given)

    assert hub_route(apart) == "lab.example/hub/"
    assert extra_routes(apart)["127.0.0.1/hub/"] == HUB
    assert ("127.0.0.1/git/" in extra_routes(apart)) is not bool(forge)
    assert not [route for route in extra_routes(apart) if route.startswith("s.example")]
