"""Gateways in processes of their own, and the unmodified client before them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from alphagenome.data import genome
from alphagenome.models import dna_client
from alphagenome.protos.v1 import dna_model_service_pb2_grpc as rpc

from auth.identity import Identity, Level
from deploy.configuration import read_configuration
from deploy.in_force import decide
from tests.alphagenome.asking import CHECKOUT, Client
from tests.conftest import free_port, wait_for
from tests.databases import make_database
from workspace_api.alphagenome.settings import CA_FILE, ROOTS_FILE, SOCKET_FILE, public_folder
from workspace_api.database import Database, migrate, now
from workspace_api.people.models import User
from workspace_api.tokens.views import NewToken
from workspace_api.workspace import Workspace, open_workspace

VARIANT = genome.Variant("chr22", 36_201_698, "A", "C")
WIDTH = 16_384
INTERVAL = VARIANT.reference_interval.resize(WIDTH)
ADMIN = Identity(user="root", level=Level.DEVELOPER, admin=True)
LIVER = "UBERON:0002107"
COLON = "UBERON:0001157"
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


@dataclass
class Gateway:
    """A gateway that runs, with its workspace's accounts Ada and Ben."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    workspace: Workspace
    clients: list[Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    @property
    def roots(self) -> Path:
        return public_folder(self.home) / ROOTS_FILE

    @property
    def log(self) -> str:
        return (self.home / "logs" / "gateway.log").read_text()

    def token(self, scope: str = "alphagenome", user: str = "ada") -> NewToken:
        """Make a token for Ada or Ben."""
        return self.workspace.tokens.create(user, "a test", frozenset({scope}))

    def client(self, token: str | None = None) -> Client:
        """Start the client with a token; with a good one unless another is given."""
        client = Client(self.address, self.token().secret if token is None else token, self.roots)
        self.clients.append(client)
        return client

    def channel(self, address: str | None = None) -> grpc.Channel:
        """Open a channel that trusts the gateway's authority and no other."""
        authority = (public_folder(self.home) / CA_FILE).read_bytes()
        credentials = grpc.ssl_channel_credentials(authority)
        options = (*UNLIMITED, ("grpc.ssl_target_name_override", "localhost"))
        return grpc.secure_channel(address or self.address, credentials, options=options)

    def socket_client(self) -> dna_client.DnaClient:
        """Return the client on the unix socket."""
        channel = self.channel(f"unix:{public_folder(self.home) / SOCKET_FILE}")
        return dna_client.DnaClient(channel=channel, metadata=[("x-goog-api-key", self.token().secret)])

    def stub(self) -> rpc.DnaModelServiceStub:
        """Return the bare service, to which anything can be sent."""
        return rpc.DnaModelServiceStub(self.channel())

    def stop(self) -> None:
        """Stop the process as JupyterHub does."""
        for client in self.clients:
            client.close()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)


def start_gateway(home: Path, *, agreed: bool = True, **environment: str) -> Gateway:
    """Start the gateway of a workspace in `home`, made where there is none, and wait until it listens.

    Where `agreed`, Ada and Ben have accepted the terms, and the key may be shared.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABFORK_", "ALPHAGENOME_", "GRPC_"))}
    settings = {k: v for k, v in environment.items() if k.startswith("LABFORK_")}
    fresh = not home.exists()
    for folder in ("logs", "config"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    settings |= {"LABFORK_HOME": str(home), "LABFORK_PORT": str(free_port())}
    force = decide(read_configuration(settings), sandboxed=False)
    if fresh:
        make_database(force.settings().database_url)
    workspace = open_workspace(force.settings())
    if fresh:
        for name in ("ada", "ben"):
            workspace.people.add(name)
            if agreed:
                workspace.alphagenome.accept_terms(Identity(user=name, level=Level.DEVELOPER))
        if agreed:
            workspace.alphagenome.confirm_sharing(ADMIN, "", visitors=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.process", "gateway", "--home", home],
        cwd=CHECKOUT,
        env={**kept, **environment},
    )
    gateway = Gateway(home, force.ports.gateway, process, workspace)

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {process.returncode}:\n{gateway.log[-3000:]}")
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5):
            return True

    wait_for(listens, what="the gateway")
    return gateway


@pytest.fixture(scope="session")
def make_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways that end with the session; what is named is set in their environment."""
    started: list[Gateway] = []

    def make(home: Path | None = None, *, agreed: bool = True, **environment: str) -> Gateway:
        home = home or tmp_path_factory.mktemp("gateway") / "home"
        started.append(start_gateway(home, agreed=agreed, **environment))
        return started[-1]

    yield make
    with ThreadPoolExecutor(16) as at_once:
        list(at_once.map(Gateway.stop, [each for each in started if each.process.poll() is None]))


@pytest.fixture(scope="session")
def gateway(make_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway without a key: the offline model answers."""
    return make_gateway()


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> Client:
    """The client of somebody with a token."""
    return gateway.client()


@pytest.fixture(scope="session")
def database_file(tmp_path_factory):
    """A migrated database that knows Ada and Ben."""
    file = tmp_path_factory.mktemp("database") / "database.sqlite"
    migrate(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.write() as session:
        for uid, name in ((20_000, "ada"), (20_001, "ben")):
            session.add(User(name=name, display_name=name, uid=uid, level="developer", created_at=now()))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return file


@pytest.fixture
def home(tmp_path, database_file):
    """A folder with a database of its own that knows Ada and Ben."""
    shutil.copy(database_file, tmp_path)
    return tmp_path
