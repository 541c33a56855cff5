"""The typed settings of a workspace; `deploy` reads them once, everything else is given them."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from auth.identity import Level

GIB = 1024**3
LOOPBACK = "127.0.0.1"  # where what runs in sessions reaches the workspace, by whatever name people do
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
CLASS_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
Network = Literal["none", "mirror", "open"]
HOST = re.compile(r"\*|(https?://)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?")


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ForgeSettings(Section):
    """Where the forge is: the embedded one, or a GitLab."""

    url: str = Field("", description="Address of the forge; empty: the embedded forge under /git.")
    public_url: str = Field(
        "", description="Address people clone from, where that of a GitLab differs from `url`."
    )
    token: SecretStr = Field(SecretStr(""), description="Administrator's token (scopes api, sudo).")
    timeout: float = Field(20, gt=0, description="Seconds to wait for one answer of the forge.")
    workspace_url: str = Field(
        "", description="Address at which the forge tells this workspace of pushes; empty: `public_url`."
    )

    @property
    def embedded(self) -> bool:
        """Whether it is the workspace's own, which lies on this machine below `/git` and speaks no SSH."""
        return self.url.startswith("http://127.0.0.1:") and self.url.rstrip("/").endswith("/git")


class HubSettings(Section):
    """How the web process reaches JupyterHub."""

    api_url: str = Field("", description="Address of JupyterHub's REST API.")
    token: SecretStr = Field(SecretStr(""), description="API token of the web service at JupyterHub.")
    authenticator_token: SecretStr = Field(
        SecretStr(""), description="Shared secret with which JupyterHub's authenticator asks who may sign in."
    )


class AlphaGenomeSettings(Section):
    """The gateway to AlphaGenome."""

    host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(0, ge=0, le=65535, description="Port of the gateway; 0 chooses a free one.")
    upstream: str = Field("gdmscience.googleapis.com:443", description="Address of the real service.")
    max_response_bytes: int = Field(
        400_000_000,
        ge=0,
        description="Largest answer, uncompressed, that a request may ask for; 0: any.",
    )
    key_file: str = Field(
        "", description="File of shared keys, one a line, read again when it changes; empty: the one key."
    )
    own_keys: bool = Field(
        False, description="Whether the real service answers without a shared key, to people's own keys."
    )
    at_once: int = Field(16, ge=1, le=400, description="Calls of the real service at once.")
    cache_gib: float = Field(20, ge=0, description="Room for answers that are kept, in GiB; 0: none is kept.")
    cache_days: float = Field(90, ge=0, description="Days for which an answer is given again; 0: for ever.")
    usage_days: int = Field(400, ge=2, description="Days for which the usage log is kept.")
    hash_subjects: bool = Field(
        False, description="Whether the usage log holds hashes in the place of intervals and variants."
    )
    backend: Literal["offline", "alphagenome"] = Field(
        "offline", description="Which model answers; decided by whether there is a shared key."
    )
    shared_key: bool = Field(False, description="Whether there is a shared key; decided at the start.")


class RunSettings(Section):
    """Limits of runs and of their queue."""

    workers: int = Field(2, ge=1, description="Runs at once on this machine.")
    per_person: int = Field(2, ge=1, description="Runs of one person at once.")
    public_at_once: int = Field(1, ge=1, description="Runs of all visitors without an account at once.")
    queued_per_person: int = Field(50, ge=1, description="Runs of one person that may wait.")
    queued_per_visitor: int = Field(3, ge=1, description="Runs of one visitor that may wait or run.")
    cpus: float = Field(2, gt=0, description="Processors a run may use.")
    memory_gib: float = Field(4, gt=0, description="Memory of a run, in GiB; a worksheet may ask for less.")
    minutes: float = Field(30, gt=0, description="Longest run, in minutes; a worksheet may ask for less.")
    processes: int = Field(256, ge=8, description="Processes and threads of a run.")
    disk_gib: float = Field(5, gt=0, description="What a run may write, in GiB.")
    output_mib: float = Field(20, gt=0, description="What a notebook may print, in MiB.")
    network: Network = Field(
        "none",
        description="`none`: a run reaches the gateway alone; `mirror`: package indexes too; `open`: "
        "whatever the machine reaches.",
    )
    examples: bool = Field(True, description="Whether each curated worksheet is run once, as its example.")
    lease_seconds: float = Field(15, gt=1, description="After how long without a sign a worker is lost.")
    max_attempts: int = Field(3, ge=1, description="How often a run lost with its worker is started again.")


class SessionClass(Section):
    """One size of sessions, as an administrator names it in `[sessions.classes.NAME]`."""

    title: str = Field("", max_length=60, description="What people read; empty: the name itself.")
    cpus: float = Field(gt=0, description="Processors a session of this size may use.")
    memory_gib: float = Field(gt=0, description="Its memory, in GiB.")
    processes: int = Field(512, ge=64, description="Its processes and threads.")
    hours: float = Field(0, ge=0, description="How long it may run, in hours; 0: without an end.")
    gpu: bool = Field(False, description="Whether it has the machine's graphics processors, one at a time.")
    groups: tuple[str, ...] = Field((), description="Groups whose members may use it; none: everybody.")

    @field_validator("groups", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """A variable holds them with commas between."""
        return _split_at_commas(value)


class SessionSettings(Section):
    """Interactive sessions."""

    per_person: int = Field(3, ge=1, description="Sessions of one person at once.")
    at_once: int = Field(20, ge=1, description="Sessions of everybody at once.")
    host: str = Field(
        "",
        description="Name of this machine at which sessions are, apart from the pages; "
        "empty: `localhost` where the address is 127.0.0.1, else the pages' own.",
    )
    waiting_per_person: int = Field(10, ge=1, description="Sessions of one person that may wait for a place.")
    cpus: float = Field(2, gt=0, description="Processors a session may use.")
    memory_gib: float = Field(4, gt=0, description="Memory of a session, in GiB.")
    processes: int = Field(512, ge=64, description="Processes and threads of a session.")
    idle_minutes: int = Field(120, ge=0, description="Minutes without use after which it ends; 0: never.")
    network: Network = Field(
        "none",
        description="`none`: a session reaches this workspace alone; `mirror`: package indexes too; `open`: "
        "all the machine does.",
    )
    classes: dict[str, SessionClass] = Field(
        {}, description="Sizes to choose from, by name; none: small, standard and large by the figures above."
    )
    cpus_at_once: float = Field(
        0, ge=0, description="Processors of all open sessions together; 0: ten times the machine's."
    )
    memory_at_once_gib: float = Field(
        0, ge=0, description="Memory of all open sessions together, in GiB; 0: twice the machine's."
    )

    @field_validator("host")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value and not HOST_NAME.fullmatch(value):
            raise ValueError(
                f"{value!r} is no name of a host in small letters, such as sessions.example.org, without "
                "http:// and port"
            )
        return value

    @field_validator("classes")
    @classmethod
    def _are_named_plainly(cls, value: dict[str, SessionClass]) -> dict[str, SessionClass]:
        for name in value:
            if not CLASS_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name for a size; use small letters, digits, - and _, such as large"
                )
        return value

    @field_validator("cpus_at_once", "memory_at_once_gib")
    @classmethod
    def _holds_the_largest(cls, value: float, info: ValidationInfo) -> float:
        key = "cpus" if info.field_name == "cpus_at_once" else "memory_gib"
        for name, size in info.data.get("classes", {}).items():
            needed = getattr(size, key)
            if 0 < value < needed:
                raise ValueError(
                    f"{value:g} is less than {key} of the class {name} ({needed:g}), which could never start"
                )
        return value


class EnvironmentSettings(Section):
    """How environments are built, and how long they are kept."""

    index_url: str = Field("", description="Package index for builds; empty: uv's own default.")
    mirror_hosts: tuple[str, ...] = Field(
        (), description="Hosts that the network `mirror` reaches beside the package indexes."
    )
    build_minutes: float = Field(20, gt=0, description="Longest build of an environment, in minutes.")
    keep_gib: float = Field(
        50,
        ge=0,
        description="Room for environments, in GiB; past it the least recently used go. 0: no limit.",
    )
    keep_days: float = Field(
        60, ge=0, description="Days after which an environment that nobody uses goes; 0: never."
    )

    @field_validator("mirror_hosts", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Take `a, b` for a list, as variables have it."""
        return _split_at_commas(value)

    @field_validator("mirror_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if host == "*" or not HOST.fullmatch(host):
                raise ValueError(
                    f"{host!r} is no host such as conda.anaconda.org or http://files.lab:8080; where every "
                    "host is to be reached set the network to open"
                )
        return value


class RepositorySettings(Section):
    """Public repositories from elsewhere that people may open here."""

    hosts: tuple[str, ...] = Field(
        (), description="Hosts whose repositories may be opened; empty: none, `*`: every public one."
    )
    levels: tuple[Level, ...] = Field(
        (Level.AUTHOR, Level.DEVELOPER), description="Levels that may open them; administrators always may."
    )
    max_mib: int = Field(500, ge=1, description="Largest repository that the embedded forge fetches, in MiB.")
    minutes: float = Field(10, gt=0, description="Longest fetch by the embedded forge, in minutes.")

    @field_validator("hosts", "levels", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Take `a, b` for a list, as variables have it."""
        return _split_at_commas(value)

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host such as github.com, http://git.lab:8080 or *")
        return value


BASE_IMAGE = "labfork/base:bookworm-1"  # the number changes with what it is made of: deploy.base_image


class ContainerSettings(Section):
    """Whether environments are images, and sessions and runs containers, of a Docker Engine here."""

    engine: Literal["", "docker"] = Field(
        "", description="`docker`: containers and repo2docker; empty: the sandbox and uv."
    )
    base_image: str = Field(
        BASE_IMAGE,
        description="Debian or Ubuntu image of every environment: a digest, or a tag that never changes; the "
        "default is made at the start.",
    )
    host: str = Field(
        "unix:///var/run/docker.sock", description="Socket of the engine; it runs on this machine."
    )
    network: str = Field(
        "labfork",
        description="The engine's network for what is `open`; made at the start if it is not there.",
    )
    extra_index_urls: str = Field("", description="Further package indexes for builds, with spaces between.")
    ca_bundle: str = Field("", description="File of CA certificates that builds trust; empty: the image's.")
    http_proxy: str = Field("", description="Proxy of builds for http://.")
    https_proxy: str = Field("", description="Proxy of builds for https://.")
    no_proxy: str = Field("", description="Names that builds reach without a proxy.")
    build_network: Literal["default", "host"] = Field(
        "default", description="Network of builds; `host`: also every service on this machine's loopback."
    )
    cache: str = Field("labfork-uv", description="Name of the cache of packages that builds share.")

    @field_validator("base_image")
    @classmethod
    def _is_named(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("engine") and not value.strip():
            raise ValueError(
                f"environments need an image to begin with; name one that the engine has, or {BASE_IMAGE}, "
                "which is made"
            )
        return value.strip()

    @field_validator("host")
    @classmethod
    def _is_here(cls, value: str) -> str:
        if not value.startswith("unix:///"):
            raise ValueError(f"{value!r} is no socket of this machine, such as unix:///var/run/docker.sock")
        return value

    @field_validator("ca_bundle")
    @classmethod
    def _is_a_file(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError(f"{value!r} is no file; name a file of certificates in PEM format")
        return value

    @field_validator("http_proxy", "https_proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is no address of a proxy, such as http://proxy.example:3128")
        return value


class Settings(Section):
    """Everything the services of one workspace need to know."""

    home: Path
    public_url: str
    sessions_url: str = ""  # of an origin of their own; empty: they are at the pages'
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str
    secret_key: SecretStr
    sandboxed: bool = True
    templates: Path = Path(__file__).resolve().parent.parent / "repo_templates"
    version: str = Field(default_factory=lambda: importlib.metadata.version("labfork"))
    forge: ForgeSettings = ForgeSettings()
    hub: HubSettings = HubSettings()
    alphagenome: AlphaGenomeSettings = AlphaGenomeSettings()
    runs: RunSettings = RunSettings()
    environments: EnvironmentSettings = EnvironmentSettings()
    sessions: SessionSettings = SessionSettings()
    repositories: RepositorySettings = RepositorySettings()
    containers: ContainerSettings = ContainerSettings()

    def has_own_network(self, network: str) -> bool:
        """Whether 127.0.0.1 of a job with this `network` is its own, so that it reaches us by forwards."""
        return bool(self.containers.engine) or (self.sandboxed and network != "open")


def _split_at_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
