"""The web process: pages and REST API in one application."""

from __future__ import annotations

from fastapi import FastAPI

from deploy.layout import NODE_MODULES
from landing.app import add_pages, render_problem
from workspace_api.app import create_app
from workspace_api.settings import Settings
from workspace_api.workspace import open_workspace


def create_web(settings: Settings) -> FastAPI:
    """Return the application that answers at `/`."""
    workspace = open_workspace(settings)
    app = create_app(workspace, render_problem=render_problem)
    add_pages(app, workspace, NODE_MODULES)
    return app
