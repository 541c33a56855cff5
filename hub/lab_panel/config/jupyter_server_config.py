"""Jupyter Server's settings in every session: they load the panel from beside this folder, by its place.

Nothing is put on the path where modules are looked for: the project's environment stays as it is.
"""

import importlib.util
import os
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

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by Jupyter
# The cookie of this session is for its address alone. Left out, JupyterHub takes the address that was known
# when its module was loaded, for a warm start none: the cookie would go to all sessions, and would hide from
# a cold start its own.
if prefix := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
    c.HubOAuth.base_url = prefix
c.HubOAuth.cache_max_age = 30  # seconds after which who signed out, or was shut out, is out of here too
c.LabApp.extension_manager = "readonly"  # as the environment is; no package index is asked
# Where language servers for Node lie; left out, npm is started in each session to be asked for its folder.
roots = (Path.cwd(), Path(sys.prefix, "lib"), Path(sys.prefix), Path("/usr/local/lib"), Path("/usr/lib"))
c.LanguageServerManager.node_roots = [str(root) for root in roots]
