"""The panel inside JupyterLab: *Save version* and its kin, without git and without leaving the notebook.

An extension of Jupyter Server in a session's own server, which asks the workspace with the session's token,
and an extension of JupyterLab, which asks it. Sessions find both by `JUPYTER_CONFIG_PATH` and `JUPYTER_PATH`;
they are part of no environment. `config/jupyter_server_config.py` loads this folder as the module
`labfork_panel`, with what the environment has: Jupyter Server, and Tornado.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Say to Jupyter Server where the extension is."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the panel's addresses and the way to shared files; a server of no session stays as it is."""
    import os
    from pathlib import Path

    from .handlers import routes
    from .shares import lead_to
    from .workspace import Workspace

    workspace = Workspace.of(os.environ)
    if workspace is None:
        server.log.info("The Labfork panel: this server belongs to no session")
        return
    lead_to(Path("/shared"), Path.home())
    web_app = server.web_app
    web_app.add_handlers(".*$", routes(web_app.settings["base_url"], workspace))
