"""Which kernel a notebook runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import RefusedError

PYTHON_KERNEL = "python3"
REMEDY = "Open the notebook in the workspace, choose a kernel there, save it and run it again."


def language_of(metadata: Mapping[str, Any]) -> str:
    """Return the language a notebook is written in, in lower case, or '' when it does not say."""
    spec = metadata.get("kernelspec") or {}
    language = spec.get("language") or (metadata.get("language_info") or {}).get("name") or ""
    if not language and str(spec.get("name", "")).startswith("python"):
        language = "python"
    return str(language).lower()


def choose_kernel(metadata: Mapping[str, Any], available: Mapping[str, str]) -> str:
    """Return the name of the kernel to run on.

    Python always runs on the environment's own ``python3``, whatever the kernel was called where the
    notebook was saved. ``available`` maps kernel names to their languages.

    Raises :class:`RefusedError` when the notebook names neither a kernel nor a language, or none that is
    there.
    """
    name = str((metadata.get("kernelspec") or {}).get("name") or "")
    language = language_of(metadata)
    if language == "python" or (not language and available.get(name) == "python"):
        name, language = PYTHON_KERNEL, "python"
    if not name and not language:
        raise RefusedError(f"The notebook does not say which kernel it needs. {REMEDY}")
    if name in available:
        return name
    same = sorted(kernel for kernel, spoken in available.items() if spoken.lower() == language)
    if same:
        return same[0]
    there = ", ".join(sorted(available)) or "none"
    raise RefusedError(
        f"The notebook needs the kernel {name or language!r}, which this environment does not have "
        f"(it has: {there}). Add the kernel's package to the project's environment files, "
        "or choose another kernel in the workspace and save the notebook."
    )
