"""The values that a run was asked with, in the words of its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landing.words import listed
from workspace_api.worksheets.forms import labels_of


@dataclass(frozen=True)
class ValueShown:
    """One value: the title of its field, the words for it, and itself as text, empty where none was given."""

    title: str
    words: str
    value: str


def values_shown(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[ValueShown]:
    """Return the values of a run as its form shows them: titles, labels of choices, units."""
    fields = schema.get("properties", {})
    return [_shown(name, fields.get(name, {}), value) for name, value in parameters.items()]


def _shown(name: str, field: Mapping[str, Any], value: Any) -> ValueShown:
    items = field.get("items")
    labels = dict(labels_of(field) + (labels_of(items) if isinstance(items, dict) else ()))
    if isinstance(value, list):
        words = ", ".join(labels.get(str(item), listed(item)) for item in value) or listed(value)
    else:
        words = labels.get(str(value), listed(value))
    unit = field.get("x-unit")
    if unit and words == listed(value) and value is not None:
        words = f"{words} {unit}"
    return ValueShown(str(field.get("title", name)), words, "" if value in (None, []) else listed(value))
