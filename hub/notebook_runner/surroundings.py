"""Keeps Jupyter's and IPython's own files out of the person's home."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import RefusedError


def prepare_surroundings(scratch: Path) -> None:
    """Point Jupyter and IPython at folders under ``scratch``.

    Kernels, settings and history of the person's home are neither read nor written, so a run depends on the
    project's environment alone. Must be called before Jupyter is imported; the kernel inherits the
    variables.
    """
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        folder = scratch / variable.lower()
        folder.mkdir(mode=0o700)
        os.environ[variable] = str(folder)
    os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ.pop("PYTHONSTARTUP", None)


def available_kernels() -> dict[str, str]:
    """Return the kernels of this environment: name to language, in lower case."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        specs = KernelSpecManager().get_all_specs()
    except (NoSuchKernel, ValueError) as error:
        raise RefusedError(f"The kernels of this environment cannot be listed: {error}") from error
    return {name: str(entry["spec"].get("language", "")).lower() for name, entry in specs.items()}
