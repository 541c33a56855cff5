"""One JSON Schema for a worksheet, from its parameters cell and what the manifest adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workspace_api.worksheets.parameters import Parameter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def worksheet_schema(
    parameters: Sequence[Parameter], manifest: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Return the object schema of a worksheet's values, and what of the manifest found no parameter.

    The default comes from the cell, and so do type and description unless the manifest says other ones. A
    default that the merged schema leaves no room for stays, and the form shows what is wrong with it.
    """
    properties = {p.name: _property(p, manifest.get(p.name, {})) for p in parameters}
    schema = {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return schema, [name for name in manifest if name not in properties]


def _property(parameter: Parameter, said: Mapping[str, Any]) -> dict[str, Any]:
    other = "type" in said and said["type"] != parameter.schema.get("type")
    inferred = {} if other or "anyOf" in said or "oneOf" in said else parameter.schema
    merged = {"title": parameter.name.replace("_", " ").capitalize(), **inferred}
    if parameter.help:
        merged["description"] = parameter.help
    return {**merged, **said, "default": parameter.default}
