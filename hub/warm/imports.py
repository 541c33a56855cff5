"""What the fork server loads ahead: what sessions and runs need of the base packages, and nothing else."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

MODULES = (
    "jupyterhub.singleuser",
    "jupyterhub.singleuser.extension",
    "jupyterlab.labapp",
    "nbconvert.exporters",
    "jupyter_lsp.serverextension",
    "jupyter_lsp.virtual_documents_shadow",
    "jupyter_server_terminals",
    "jupyterlab_git",
    "jupyterlab_git.handlers",
    "notebook_shim.nbserver",
    "nbdime.webapp.nb_server_extension",
    "voila.server_extension",
    "papermill.engines",
    "papermill.clientwrap",
    "papermill.iorw",
    "papermill.parameterize",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "IPython.core.completer",
    "bs4",
)
SERVICES = [
    "api",
    "config",
    "contents",
    "events",
    "kernels",
    "kernelspecs",
    "nbconvert",
    "security",
    "sessions",
]
HANDLERS = (  # modules of Jupyter's server that it loads only once it has its settings
    *(f"jupyter_server.{name}.handlers" for name in ("kernelspecs", "nbconvert", "view")),
    *(f"jupyter_server.services.{name}.handlers" for name in ("api", "config", "contents", "events")),
    *(f"jupyter_server.services.{name}.handlers" for name in ("kernels", "kernelspecs", "nbconvert")),
    *(f"jupyter_server.services.{name}.handlers" for name in ("security", "sessions")),
    "jupyter_server.services.shutdown",
)
RUNNER = ("program", "kernel", "notebook_file", "recorder", "source", "engine", "spare", "report")


def load_ahead(runner: Path) -> None:
    """Import all of it; `runner` is the folder of the notebook runner, which becomes a package."""
    from hub.notebook_runner.run import PACKAGE, load_package

    with warnings.catch_warnings():  # some change what is warned of; a notebook shall see what it always saw
        for name in (*MODULES, *HANDLERS):
            importlib.import_module(name)
        load_package(runner)
        for name in RUNNER:
            importlib.import_module(f"{PACKAGE}.{name}")
        sys.modules[f"{PACKAGE}.report"].rehearse()


def distributions_loaded(packages: Path) -> list[str]:
    """Return the names of the `.dist-info` folders in `packages` of which a module is loaded.

    The names tell the version: an environment that has the same folders has the same code.
    """
    loaded = {name.partition(".")[0] for name in sys.modules}
    return sorted(info.name for info in packages.glob("*.dist-info") if _top_modules(info) & loaded)


def _top_modules(info: Path) -> set[str]:
    """Return the names by which the modules of a distribution are imported."""
    lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
    return {line.partition(",")[0].partition("/")[0].partition(".")[0] for line in lines}
