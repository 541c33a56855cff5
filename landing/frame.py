"""The frame of every page, ours and JupyterHub's; JupyterHub imports it, so it imports little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auth.identity import ANONYMOUS
from landing.assets import Assets
from workspace_api.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
SHARED_TEMPLATES = TEMPLATES / "shared"


def frame_values(settings: Settings, assets: Assets) -> dict[str, Any]:
    """Return what the frame of every page is drawn with."""
    return {
        "asset": assets.url,
        "version": settings.version,
        "sandboxed": settings.sandboxed,
        "offline": settings.alphagenome.backend == "offline",
    }


def sign_in_pages(settings: Settings, assets: Assets) -> tuple[list[str], dict[str, Any]]:
    """Return template folders and values with which JupyterHub draws its sign-in page as ours.

    JupyterHub calls a value that can be called, with the person, and draws with what it returns.
    """
    values = {**frame_values(settings, assets), "caller": ANONYMOUS, "csrf": "", "here": ""}
    values["asset"] = lambda _person: assets.url
    return [str(TEMPLATES / "hub"), str(SHARED_TEMPLATES)], values
