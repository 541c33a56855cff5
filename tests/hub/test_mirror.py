"""The way to package indexes: what it lets through, what it refuses, and a job that has no other."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import h11
import pytest
from pydantic import SecretStr

from hub.mirror.rules import Allowed, NotAllowedError, Place, read_place
from hub.mirror.server import asked_for, head_for
from nfs.mounts import Mount
from tests.conftest import CHECKOUT, free_port, wait_for
from workspace_api.egress import allowed_places, mirror_forward, mirror_variables
from workspace_api.settings import EnvironmentSettings, SessionSettings, Settings

HERE = "127.0.0.2"  # this machine, by an address that a job asks its proxy for
PYPI = Allowed(frozenset(), frozenset({Place("pypi.org", 443), Place("files.pythonhosted.org", 443)}))
LAB = Allowed(frozenset({Place("pypi.lab", 3141), Place("10.0.0.9", 8080), Place("fd00::9", 443)}))
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.mark.parametrize(
    "authority", ["pypi.lab:3141", "PyPI.LAB:3141", "pypi.lab.:3141", "10.0.0.9:8080", "[fd00:0:0::9]:443"]
)
def test_a_place_is_the_same_however_it_is_written(authority):
    LAB.check(read_place(authority))


@pytest.mark.parametrize(
    "authority",
    [
        "pypi.lab:443",
        "pypi.lab:22",
        "evil-pypi.lab:3141",
        "pypi.lab.evil.example:3141",
        "10.0.0.9:3141",
        "127.0.0.1:3141",
        "127.1:8080",
        "167772169:8080",
        "0x0a000009:8080",
        "[::ffff:10.0.0.9]:8080",
        "[::1]:443",
        "169.254.169.254:80",
    ],
)
def test_another_host_or_port_is_refused_with_the_host_and_the_setting(authority):
    with pytest.raises(
        NotAllowedError, match=r"is not reached from here.*environments\.mirror_hosts"
    ) as told:
        LAB.check(read_place(authority))
    assert str(told.value).startswith(str(read_place(authority)))


@pytest.mark.parametrize(
    "authority",
    [
        "",
        "pypi.lab",
        ":443",
        "pypi.lab:0",
        "pypi.lab:99999",
        "a@pypi.lab:443",
        "pypi.lab:443/x",
        "[pypi.lab]:443",
        "[10.0.0.9]:8080",
        "pypi.lab:443:443",
        "pypi.läb:443",
        "pypi.lab\n:443",
        "*:443",
    ],
)
def test_what_names_no_place_is_refused(authority):
    with pytest.raises(ValueError, match="no host with a port"):
        read_place(authority)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "fd12::1", "100.64.0.1", "::ffff:192.168.0.1"]
)
def test_a_host_that_was_named_may_be_in_the_own_network_and_the_public_index_may_not(address):
    LAB.check_address(Place("pypi.lab", 3141), address)
    with pytest.raises(NotAllowedError, match=r"pypi\.org:443 leads to .* not in the internet.*mirror_hosts"):
        PYPI.check_address(Place("pypi.org", 443), address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "fe80::1%eth0",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ],
)
@pytest.mark.parametrize(("allowed", "place"), [(PYPI, "pypi.org:443"), (LAB, "pypi.lab:3141")])
def test_no_name_leads_to_metadata_of_a_cloud(allowed, place, address):
    with pytest.raises(NotAllowedError, match="leads to"):
        allowed.check_address(read_place(place), address)


def test_an_address_that_was_named_itself_is_reached():
    LAB.check_address(Place("10.0.0.9", 8080), "10.0.0.9")
    PYPI.check_address(Place("pypi.org", 443), "151.101.0.223")


def request(method: str, target: str, *headers: tuple[str, str]) -> h11.Request:
    return h11.Request(method=method, target=target, headers=[("Host", "other.example"), *headers])


@pytest.mark.parametrize(
    ("method", "target", "found"),
    [
        ("CONNECT", "pypi.lab:443", (Place("pypi.lab", 443), "")),
        ("GET", "http://pypi.lab/simple/?a=1", (Place("pypi.lab", 80), "/simple/?a=1")),
        ("GET", "HTTP://pypi.lab:8080", (Place("pypi.lab", 8080), "/")),
        ("GET", "http://pypi.lab@evil.example/x", (Place("evil.example", 80), "/x")),
        ("GET", "http://evil.example:80@pypi.lab//x", (Place("pypi.lab", 80), "//x")),
    ],
)
def test_the_request_line_says_what_is_asked_for_and_the_header_host_does_not(method, target, found):
    assert asked_for(request(method, target)) == found


@pytest.mark.parametrize("target", ["/simple/", "https://pypi.lab/", "ftp://pypi.lab/", "http:///x", "*"])
def test_a_request_that_is_not_for_a_proxy_is_refused(target):
    with pytest.raises(ValueError, match=r"no host|does not begin"):
        asked_for(request("GET", target))


def test_the_server_is_told_its_own_name_and_nothing_that_was_for_the_proxy():
    asked = request(
        "GET",
        "http://pypi.lab/x",
        ("Proxy-Authorization", "secret"),
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
        ("A", "b"),
    )

    assert head_for(asked, *asked_for(asked)) == (
        b"GET /x HTTP/1.1\r\nHost: pypi.lab\r\nConnection: close\r\na: b\r\n\r\n"
    )


class IndexFiles(SimpleHTTPRequestHandler):
    """Serves a folder, notes what was asked for, and leads `/away` to another place."""

    def do_GET(self) -> None:
        """Answer with a file or a folder's list."""
        self.server.asked.append((self.path, self.headers["Host"]))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", self.server.away)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_) -> None:
        """Write nothing."""


@dataclass
class Index:
    """A package index of the tests, with one package that is in no other, and what is beside it."""

    server: ThreadingHTTPServer
    beside: ThreadingHTTPServer
    asked: list = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{HERE}:{self.server.server_port}"

    @property
    def elsewhere(self) -> str:
        return f"{HERE}:{self.beside.server_port}"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A package index on a port of this machine, and a server on another port that nobody is to reach."""
    folder = tmp_path_factory.mktemp("index")
    packages = folder / "simple" / "labfork-tiny"
    packages.mkdir(parents=True)
    with zipfile.ZipFile(packages / "labfork_tiny-1.0-py3-none-any.whl", "w") as wheel:
        about = "labfork_tiny-1.0.dist-info"
        wheel.writestr("labfork_tiny.py", "WORD = 'from the index'\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: labfork-tiny\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    servers = [ThreadingHTTPServer((HERE, 0), partial(IndexFiles, directory=str(folder))) for _ in range(2)]
    found = Index(*servers)
    for server in servers:
        server.asked, server.away = [], f"http://{found.elsewhere}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirrored(index, tmp_path):
    """Settings with the index and the network `mirror`, and the proxy that runs where they say."""
    settings = Settings(
        home=tmp_path,
        public_url="http://labfork.test",
        port=free_port(),
        database_url="",
        secret_key=SecretStr("s"),
        sessions=SessionSettings(network="mirror"),
        environments=EnvironmentSettings(
            index_url=f"http://reader:secret@{index.place}/simple",
            mirror_hosts=(f"localhost:{index.server.server_port}",),
        ),
    )
    [way] = mirror_forward(settings, "mirror")
    named = [f"--named={place}" for place in allowed_places(settings).named]
    command = [sys.executable, "-m", "hub.mirror.server", way.socket, *named]
    process = subprocess.Popen(command, cwd=CHECKOUT)
    wait_for(way.socket.exists, what="the proxy")
    yield settings
    process.terminate()
    process.wait(20)


def said(settings: Settings, sent: bytes) -> str:
    """Send `sent` to the proxy and return all that comes back."""
    [way] = mirror_forward(settings, "mirror")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(way.socket))
        client.sendall(sent)
        with closing(client.makefile("rb")) as answer:
            return answer.read().decode("latin-1")


def test_the_proxy_carries_what_is_allowed_and_each_request_is_judged_anew(mirrored, index):
    get = f"GET /simple/ HTTP/1.1\r\nHost: {index.elsewhere}\r\nConnection: close\r\n\r\n"
    tunnel = said(mirrored, f"CONNECT {index.place} HTTP/1.1\r\nHost: x\r\n\r\n{get}".encode())
    plain = said(mirrored, get.replace("/simple/", f"http://{index.place}/simple/").encode())
    away = said(mirrored, get.replace("/simple/", f"http://{index.place}/away").encode())
    there = said(mirrored, get.replace("/simple/", away.split("Location: ")[1].splitlines()[0]).encode())
    port = index.server.server_port
    closed = said(mirrored, f"CONNECT LocalHost.:{port} HTTP/1.0\r\n\r\n".encode())

    assert tunnel.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.0 200 OK")
    assert "labfork-tiny/" in tunnel
    assert plain.startswith("HTTP/1.0 200 OK")
    assert index.server.asked[-2:] == [("/simple/", index.place), ("/away", index.place)]
    assert away.startswith("HTTP/1.0 302")
    assert there.startswith(f"HTTP/1.1 403 {index.elsewhere} is not reached from here")
    assert closed.startswith(f"HTTP/1.1 502 localhost:{port} does not answer")
    assert index.beside.asked == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"HEAD http://pypi.org/ HTTP/1.1\r\nHost: x\r\n\r\n", 403),
        (b"nonsense\r\n\r\n", 400),
        (b"GET http://pypi.org/ HTTP/1.1\r\nX: " + b"y" * 100_000, 400),
    ],
    ids=["tunnel", "no proxy's", "head", "nonsense", "without end"],
)
def test_a_refusal_closes_the_connection_and_says_why_in_its_first_line(mirrored, sent, status):
    answer = said(mirrored, sent)

    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert len(answer.splitlines()[0]) > len(f"HTTP/1.1 {status} ")
    assert "Connection: close" in answer


def test_a_second_request_on_a_connection_reaches_no_other_place(mirrored, index):
    both = "".join(
        f"GET http://{place}/simple/ HTTP/1.1\r\nHost: x\r\n\r\n" for place in (index.place, index.elsewhere)
    )
    answer = said(mirrored, both.encode())

    assert answer.count("200 OK") == 1
    assert index.beside.asked == []


INSTALL = """
import subprocess, sys, urllib.error, urllib.request
done = subprocess.run(
    ["/opt/uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", "site", "labfork-tiny"],
    capture_output=True, text=True)
print(done.stderr, end="")
sys.path.insert(0, "site")
import labfork_tiny
print(labfork_tiny.WORD)
for url in ADDRESSES:
    try:
        print(urllib.request.urlopen(url, timeout=20).status)
    except urllib.error.URLError as error:
        print(error)
"""


def test_a_job_installs_a_package_and_reaches_nothing_else(sandbox, mirrored, index):
    uv = Path(sys.executable).with_name("uv")
    refused = [
        f"http://{index.elsewhere}/",
        METADATA,
        "https://pypi.org/simple/",
        f"http://{index.place}/away",
    ]
    code = INSTALL.replace("ADDRESSES", repr([f"http://{index.place}/simple/", *refused]))
    variables = mirror_variables(mirrored, "mirror")
    ways = [(way.port, way.socket) for way in mirror_forward(mirrored, "mirror")]
    job = sandbox.job(
        code,
        forwards=ways,
        mounts=(Mount(uv, PurePosixPath("/opt/uv"), "ro"),),
        disk_bytes=1 << 30,
        processes=200,
    )
    folder = sandbox.control()
    launched = sandbox.launcher.start(replace(job, env={**job.env, **variables}), folder)
    outcome = sandbox.end(launched)
    words, reached, *others = (folder / "log").read_text().splitlines()

    assert (words, reached, outcome.exit_code) == ("from the index", "200", 0)
    assert [line.partition(" is not reached")[0] for line in others] == [
        f"HTTP Error 403: {index.elsewhere}",
        "HTTP Error 403: 169.254.169.254:80",
        "<urlopen error Tunnel connection failed: 403 pypi.org:443",
        f"HTTP Error 403: {index.elsewhere}",
    ]
    assert index.beside.asked == []
    assert "secret" not in "".join(variables.values())
