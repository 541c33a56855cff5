"""Gives AlphaGenome's client the workspace's gateway as its default; copied into every environment.

Python reads it at its start (by a `.pth` file beside it), in sessions and runs alike. Notebooks that were
written for Google's service then run as they are: `dna_client.create(KEY)` without an address reaches the
gateway with the token of the session or run, whatever KEY is; and `google.colab`, where it is not installed,
is there as far as such notebooks use it. Nothing is loaded before a notebook imports it, and nothing changes
where `ALPHAGENOME_ADDRESS` is not set. Standard library alone.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False  # as in typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

CLIENTS = ("alphagenome.models.dna_client", "alphagenome.models.v1.dna_client", "alphagenome.atlas.atlas")
SECONDS = 20
GOOGLE, COLAB = "google", "google.colab"


def with_defaults(create: Callable[..., Any]) -> Callable[..., Any]:
    """Return `create` of a client with address, key and timeout of this session or run."""

    @functools.wraps(create)
    def create_here(api_key: str | None = None, *args: Any, **named: Any) -> Any:
        address = os.environ.get("ALPHAGENOME_ADDRESS")
        if address and not named.get("address"):
            named["address"] = address
            api_key = os.environ.get("ALPHAGENOME_API_KEY") or api_key
        if address and named.get("timeout") is None:
            named["timeout"] = SECONDS
        return create(api_key, *args, **named)

    vars(create_here)["has_defaults"] = True
    return create_here


class Finder:
    """Finds the clients as everybody else does, and lets their `create` have the defaults once loaded."""

    def __init__(self) -> None:
        self._busy = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how one of the clients is loaded; None for every other module."""
        if name not in CLIENTS or self._busy:
            return None
        from importlib.util import find_spec

        self._busy = True
        try:
            spec = find_spec(name)
        finally:
            self._busy = False
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader)  # type: ignore[assignment]
        return spec


class Loader:
    """Loads a module as `loader` does, then gives its `create` the defaults."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> Any:
        """Make the module as ever."""
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        """Load it."""
        self._loader.exec_module(module)
        create = getattr(module, "create", None)
        if create is not None and not getattr(create, "has_defaults", False):
            vars(module)["create"] = with_defaults(create)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class Colab:
    """Stands in for `google.colab` where the real one is not installed: it is asked last."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how `google.colab`, and what is in it and around it, are made; None for others."""
        if name not in MADE or not os.environ.get("ALPHAGENOME_ADDRESS"):
            return None
        return ModuleSpec(name, self, is_package=name in (GOOGLE, COLAB))  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> Any:
        """Make the module as ever."""
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill it."""
        vars(module).update(MADE[module.__name__])


class SecretNotFoundError(Exception):
    """There is no such secret; the session or run has AlphaGenome's key alone."""


def secret(name: str) -> str:
    """Return a secret by its name: a variable of the session or run, such as ALPHA_GENOME_API_KEY."""
    try:
        return os.environ[name]
    except KeyError:
        raise SecretNotFoundError(f"{name} is not set in this session.") from None


def say_where(path: str) -> None:
    """Say where a file is, in the place of sending it to a browser."""
    print(f"{os.path.abspath(path)} is in your files here.")  # noqa: PTH100 - no pathlib at every start


def nothing(*_values: Any, **_named: Any) -> None:
    """Do nothing: an ornament of Colab that this notebook goes without."""


MADE: Mapping[str, Mapping[str, Any]] = {
    GOOGLE: {},
    COLAB: {},
    f"{COLAB}.userdata": {
        "get": secret,
        "SecretNotFoundError": SecretNotFoundError,
        "NotebookAccessError": type("NotebookAccessError", (Exception,), {}),
        "TimeoutException": type("TimeoutException", (Exception,), {}),
    },
    f"{COLAB}.data_table": {
        "enable_dataframe_formatter": nothing,
        "disable_dataframe_formatter": nothing,
        "DataTable": types.SimpleNamespace,
    },
    f"{COLAB}.files": {"download": say_where},
    f"{COLAB}.output": {"enable_custom_widget_manager": nothing, "clear": nothing},
}


def install() -> None:
    """Begin; a second time changes nothing."""
    if not any(type(finder).__name__ == Finder.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
        sys.meta_path.append(Colab())


install()
