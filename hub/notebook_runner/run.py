"""Start the runner from its folder, wherever that is mounted."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "notebook_runner"


def load_package(folder: Path) -> None:
    """Make ``folder`` importable as a package without putting anything else on ``sys.path``."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} holds no __init__.py; mount the whole notebook_runner folder.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    if PACKAGE in sys.modules:  # loaded ahead, before there was a sandbox; what it still reads is here
        sys.modules[PACKAGE].__path__ = [str(here)]
        importlib.import_module(f"{PACKAGE}.spare").keep_ready()
    else:
        load_package(here)
    sys.exit(importlib.import_module(f"{PACKAGE}.program").main(sys.argv[1:]))
