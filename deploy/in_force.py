"""The configuration in force: what `labfork up` decided, read by every process it starts."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from deploy.configuration import Configuration, ConfigurationError
from deploy.ports import free_ports, require_free
from deploy.secrets import Secrets, load_secrets, write_private
from workspace_api.settings import HubSettings, Settings

HUB_PREFIX = "/hub/"
FORGE_PREFIX = "/git"


class Ports(BaseModel):
    """Where each process listens; all but the public one on 127.0.0.1."""

    model_config = ConfigDict(frozen=True)

    public: int
    hub: int
    proxy_api: int
    web: int
    forge: int
    gateway: int


class InForce(BaseModel):
    """One start of a workspace: its configuration, secrets, ports, and whether runs are sandboxed."""

    model_config = ConfigDict(frozen=True)

    configuration: Configuration
    secrets: Secrets
    ports: Ports
    sandboxed: bool

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.configuration.home

    @property
    def database_file(self) -> Path:
        """The workspace's own database."""
        return self.home / "database.sqlite"

    @property
    def embedded_forge(self) -> bool:
        """Whether the workspace runs its own forge."""
        return not self.configuration.forge.url

    @property
    def public_target(self) -> str:
        """Where this machine's own processes reach the public port, as `HOST:PORT`."""
        every = self.configuration.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return f"{'127.0.0.1' if every else self.configuration.host}:{self.ports.public}"

    @property
    def forge_public_url(self) -> str:
        """Where people reach the embedded forge: through the proxy, beside the pages."""
        return self.configuration.address + FORGE_PREFIX

    @property
    def has_shared_key(self) -> bool:
        """Whether the workspace has a key of AlphaGenome's that people may be let share."""
        configuration = self.configuration
        return bool(
            configuration.alphagenome_api_key.get_secret_value() or configuration.alphagenome.key_file
        )

    def settings(self) -> Settings:
        """Return what the services of the workspace are given; the shared model key is not in it."""
        configuration, ports = self.configuration, self.ports
        forge = configuration.forge
        if self.embedded_forge:
            forge = forge.model_copy(
                update={
                    "url": f"http://127.0.0.1:{ports.forge}{FORGE_PREFIX}",
                    "public_url": self.forge_public_url,
                    "token": SecretStr(self.secrets.forge_token),
                    "workspace_url": f"http://{self.public_target}",
                }
            )
        real = self.has_shared_key or configuration.alphagenome.own_keys
        return Settings(
            home=self.home,
            public_url=configuration.address,
            sessions_url=configuration.sessions_url,
            host=configuration.host,
            port=ports.public,
            database_url=f"sqlite:///{self.database_file}",
            secret_key=SecretStr(self.secrets.session_key),
            sandboxed=self.sandboxed,
            forge=forge,
            hub=HubSettings(
                api_url=f"http://127.0.0.1:{ports.hub}{HUB_PREFIX}api",
                token=SecretStr(self.secrets.web_token),
                authenticator_token=SecretStr(self.secrets.authenticator_token),
            ),
            alphagenome=configuration.alphagenome.model_copy(
                update={
                    "port": ports.gateway,
                    "backend": "alphagenome" if real else "offline",
                    "shared_key": self.has_shared_key,
                }
            ),
            runs=configuration.runs,
            environments=configuration.environments,
            sessions=configuration.sessions,
            repositories=configuration.repositories,
            containers=configuration.containers,
        )


def path_in(home: Path) -> Path:
    """Return where the configuration in force is kept."""
    return home / "config" / "in-force.json"


def decide(configuration: Configuration, *, sandboxed: bool) -> InForce:
    """Choose ports, make missing secrets, and write the configuration in force (0600).

    Raises ConfigurationError when the public port, or a gateway port that was asked for, is taken.
    """
    require_free(configuration.host, configuration.port)
    hub, proxy_api, web, forge, gateway = free_ports(5)
    if configuration.alphagenome.port:
        gateway = configuration.alphagenome.port
        require_free(configuration.alphagenome.host, gateway)
    in_force = InForce(
        configuration=configuration,
        secrets=load_secrets(configuration.home / "config" / "secrets.json"),
        ports=Ports(
            public=configuration.port, hub=hub, proxy_api=proxy_api, web=web, forge=forge, gateway=gateway
        ),
        sandboxed=sandboxed,
    )
    write_private(path_in(configuration.home), _with_secrets(in_force))
    return in_force


def load(home: Path) -> InForce:
    """Read the configuration in force; ConfigurationError when the workspace was never started."""
    path = path_in(home)
    if not path.exists():
        raise ConfigurationError(
            f"No workspace was ever started in {home}. Start it first: make up. If it is elsewhere, name "
            "that folder: LABFORK_HOME=FOLDER."
        )
    return InForce.model_validate_json(path.read_text(encoding="utf-8"))


def _with_secrets(in_force: InForce) -> str:
    """Serialise with secrets in clear: the file is private, and its readers need them."""

    def plain(value: object) -> str:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    return json.dumps(in_force.model_dump(), default=plain, indent=2)
