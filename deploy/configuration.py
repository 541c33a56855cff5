"""What an administrator may set: a TOML file, overridden by `LABFORK_*` variables, read once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from workspace_api.settings import (
    LOOPBACK,
    AlphaGenomeSettings,
    ContainerSettings,
    EnvironmentSettings,
    ForgeSettings,
    RepositorySettings,
    RunSettings,
    Section,
    SessionSettings,
)

PREFIX = "LABFORK_"
SHARED_KEY = "ALPHAGENOME_API_KEY"
NOT_SETTINGS = {"config"}
ANY_NAME = "name"  # where a table has a name of the administrator's choice


class ConfigurationError(Exception):
    """A setting that cannot be used; the message names it, its value and the remedy."""


class Configuration(Section):
    """The settings of one workspace as an administrator gives them."""

    home: Path = Field(Path("var"), description="State folder: everything the workspace keeps.")
    host: str = Field("127.0.0.1", description="Address the workspace listens on; 0.0.0.0 for every one.")
    port: int = Field(8000, ge=1, le=65535, description="Public port.")
    public_url: str = Field("", description="Address people type, if it differs from http://HOST:PORT.")
    admin_name: str = Field("admin", description="Name of the first administrator.")
    admin_password: SecretStr = Field(
        SecretStr(""), description="First administrator's password; empty: generated and shown once."
    )
    alphagenome_api_key: SecretStr = Field(
        SecretStr(""),
        description="Shared AlphaGenome key (also as `ALPHAGENOME_API_KEY`); empty: the offline model.",
    )
    forge: ForgeSettings = ForgeSettings()
    alphagenome: AlphaGenomeSettings = AlphaGenomeSettings()
    runs: RunSettings = RunSettings()
    environments: EnvironmentSettings = EnvironmentSettings()
    sessions: SessionSettings = SessionSettings()
    repositories: RepositorySettings = RepositorySettings()
    containers: ContainerSettings = ContainerSettings()

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
            raise ValueError(f"{value!r} is not an address such as https://example.org, without a path")
        return value

    @field_validator("sessions")
    @classmethod
    def _has_a_host_of_its_own(cls, value: SessionSettings, info: ValidationInfo) -> SessionSettings:
        address = info.data.get("public_url") or f"//{info.data.get('host')}"
        if value.host == LOOPBACK != urlsplit(address).hostname:
            raise ValueError(
                f"host {value.host} is where sessions reach the workspace itself, whose address is another; "
                f"name one that leads here too, or remove it ({variable('sessions__host')})"
            )
        return value

    @property
    def address(self) -> str:
        """The address people open, without a trailing slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"

    @property
    def host_name(self) -> str:
        """The name of the host in the address people open."""
        return urlsplit(self.address).hostname or ""

    @property
    def sessions_url(self) -> str:
        """The address of sessions, without a trailing slash; empty where they are at the pages'.

        An origin of their own keeps what a notebook shows from the pages, and the pages' cookies from what
        runs in sessions. Every browser reaches this machine by two names: 127.0.0.1 and localhost.
        """
        parts = urlsplit(self.address)
        by_default = "localhost" if self.host == self.host_name == LOOPBACK else self.host_name
        name = self.sessions.host or by_default
        if name == self.host_name:
            return ""
        return f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port else "")


def read_configuration(environ: Mapping[str, str] | None = None) -> Configuration:
    """Read the TOML file that `LABFORK_CONFIG` names, if any, then the `LABFORK_*` variables over it.

    Raises ConfigurationError for a file that cannot be read, an unknown key, or a value that does not fit.
    """
    environ = os.environ if environ is None else environ
    values = _from_file(environ.get(f"{PREFIX}CONFIG", ""))
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX):
            _put(values, name, value)
    if environ.get(SHARED_KEY) and "alphagenome_api_key" not in values:
        values["alphagenome_api_key"] = environ[SHARED_KEY]
    try:
        configuration = Configuration.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_in_words(error)) from None
    return configuration.model_copy(update={"home": configuration.home.expanduser().resolve()})


def _from_file(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"LABFORK_CONFIG names {path}, which cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None


def _put(values: dict[str, Any], name: str, value: str) -> None:
    """Put `LABFORK_SECTION__KEY=value` where the TOML file would have it."""
    parts = name.removeprefix(PREFIX).lower().split("__")
    if parts[0] in NOT_SETTINGS:
        return
    named = [*parts[:2], ANY_NAME, *parts[3:]] if len(parts) > 2 else parts
    if "__".join(named) not in setting_names():
        near = difflib.get_close_matches(name, [variable(n) for n in setting_names()], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"{name} is not a setting of Labfork.{hint} Remove it, or correct its name.")
    table = values
    for depth, part in enumerate(parts[:-1], start=1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigurationError(
                f"[{'.'.join(parts[:depth])}] must be a table of settings, not {table!r}."
            )
    table[parts[-1]] = value


def setting_names() -> list[str]:
    """Return every setting as `key`, `section__key`, or `section__tables__name__key` with any name."""
    names = []
    for name, field in Configuration.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            names += [
                each for key, inner in kind.model_fields.items() for each in _names_of(name, key, inner)
            ]
        else:
            names.append(name)
    return names


def _names_of(section: str, key: str, field: FieldInfo) -> list[str]:
    """Return the settings of one key: itself, or those of each of its tables."""
    if get_origin(field.annotation) is not dict:
        return [f"{section}__{key}"]
    table: type[Section] = get_args(field.annotation)[1]
    return [f"{section}__{key}__{ANY_NAME}__{inner}" for inner in table.model_fields]


def variable(name: str) -> str:
    """Return the variable that sets `name`, as `setting_names` gives it."""
    return PREFIX + name.upper()


def _in_words(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in problem["loc"])
        lines.append(f"{place}: {problem['msg']} (variable {variable(place.replace('.', '__'))}).")
    return "The configuration cannot be used:\n  " + "\n  ".join(lines)
