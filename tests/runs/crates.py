"""Checks an RO-Crate with roc-validator, with every JSON-LD context from this machine."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils.http import HttpRequester

WFRUN = "https://w3id.org/ro/terms/workflow-run#"
TERMS = ("environment", "containerImage", "ContainerImage", "resourceUsage", "sha1", "md5")
BIOSCHEMAS = "https://bioschemas.org/"
BIOSCHEMAS_THEN = {
    "ComputationalWorkflow": BIOSCHEMAS + "ComputationalWorkflow",
    "FormalParameter": BIOSCHEMAS + "FormalParameter",
    "input": BIOSCHEMAS + "ComputationalWorkflow#input",
    "output": BIOSCHEMAS + "ComputationalWorkflow#output",
}
WORKFLOW_RUN_CONTEXT = {"@context": {term: WFRUN + term for term in TERMS}}


def _contexts() -> dict[str, Any]:
    """Return the contexts by address.

    rocrate ships that of RO-Crate 1.3, which has every term of 1.1; those of Bioschemas stood elsewhere then.
    """
    rocrate = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text(encoding="utf-8"))
    for term, address in rocrate["@context"].items():
        if isinstance(address, str):
            rocrate["@context"][term] = BIOSCHEMAS_THEN.get(term, address)
    return {
        "https://w3id.org/ro/crate/1.1/context": rocrate,
        "https://w3id.org/ro/terms/workflow-run/context": WORKFLOW_RUN_CONTEXT,
    }


def problems(crate: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return every REQUIRED thing that the Workflow Run Crate profile misses in `crate`."""
    contexts = _contexts()

    def get(_self: HttpRequester, url: str, **_more: Any) -> requests.Response:
        answer = requests.Response()
        known = contexts.get(url.removesuffix("/"))
        answer.status_code = 404 if known is None else 200
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = json.dumps(known).encode()
        return answer

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    monkeypatch.setattr(HttpRequester, "head", get, raising=False)
    result = services.validate(
        ValidationSettings(
            rocrate_uri=str(crate),
            profile_identifier="workflow-run-crate",
            requirement_severity=Severity.REQUIRED,
            abort_on_first=False,
        )
    )
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]
