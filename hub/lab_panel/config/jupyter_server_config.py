"""Jupyter Server's settings in every session: they load the panel from beside this folder, by its place.

Nothing is put on the path where modules are looked for: the project's environment stays as it is.
"""

import importlib.util
import sys
from pathlib import Path

NAME = "labfork_panel"

folder = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location(
    NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
)
assert spec is not None  # noqa: S101 - a file of this name always gives one
assert spec.loader is not None  # noqa: S101 - likewise
module = importlib.util.module_from_spec(spec)
sys.modules[NAME] = module
spec.loader.exec_module(module)

# The environment is read-only: what is installed is shown, and nothing else is looked for.
get_config().LabApp.extension_manager = "readonly"  # type: ignore[name-defined]  # noqa: F821 - Jupyter gives it
