"""The fields of a worksheet's form, from its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workspace_api.files.kinds import file_schema
from workspace_api.worksheets.values import is_blank_null, types_of

Kind = Literal["text", "textarea", "number", "checkbox", "select", "multi", "tags"]
MONO = frozenset({"genomic-variant", "genomic-interval", "dna-sequence"})
LONG = 200
SEPARATE = re.compile(r"[^\s,\[](?:[^,\r\n]*[^\s,])?")
YES_OR_NO = (("yes", "Yes"), ("no", "No"))


@dataclass(frozen=True)
class FormField:
    """One field: what it is called, how it is typed, what stands in it, and what may.

    `kind` is `multi` for boxes to tick and `tags` for a list of texts; `choices` are (value, label).
    `value` is text, a list of texts for `multi`, or a truth value for `checkbox`. `pick` says that files can
    be chosen for it.
    """

    name: str
    title: str
    help: str
    kind: Kind
    value: Any
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""
    required: bool = True
    mono: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: str = ""
    suggest: str = ""
    pick: bool = False


def form_fields(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[FormField]:
    """Return the form of `schema` with `values` in it, as typed; what is not there shows its default."""
    return [
        _field(name, field, values.get(name, field.get("default")))
        for name, field in schema["properties"].items()
    ]


def as_text(value: Any) -> str:
    """Return a value as a text field shows it: what is more than a list of plain words, as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) or (isinstance(value, list) and not _is_plain_list(value)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    return str(value)


def _is_plain_list(items: list[Any]) -> bool:
    """Whether a list is the same again when it was shown with commas between its items."""
    alike = len({type(item) for item in items}) <= 1
    flat = all(isinstance(item, str | int | float) for item in items)
    return alike and flat and all(SEPARATE.fullmatch(str(item)) for item in items)


def labels_of(field: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the choices of an enumerated field with their labels."""
    labels = field.get("x-labels")
    names = labels if isinstance(labels, dict) else {}
    return tuple((str(c), str(names.get(str(c), c))) for c in field.get("enum", ()) if c is not None)


def _field(name: str, field: Mapping[str, Any], value: Any) -> FormField:
    kinds = types_of(field)
    raw_items = field.get("items")
    items: Mapping[str, Any] = raw_items if isinstance(raw_items, dict) else {}
    choices = labels_of(field) or (labels_of(items) if "array" in kinds else ())
    kind = _kind(kinds, field, items, value)
    if kind == "select" and not choices:
        choices = YES_OR_NO
    shown: Any = as_text(value)
    if kind == "checkbox":
        shown = value is True or str(value).lower() in ("true", "on", "yes", "1")
    elif kind == "multi":
        shown = [str(item) for item in value] if isinstance(value, list) else [as_text(value)]
    form = str(field.get("format") or items.get("format") or "")
    examples = field.get("examples")
    return FormField(
        name=name,
        title=str(field.get("title", name)),
        help=str(field.get("description", "")),
        kind=kind,
        value=shown,
        choices=choices,
        placeholder=as_text(examples[0]) if isinstance(examples, list) and examples else "",
        required=not is_blank_null(field) and kind not in ("checkbox", "multi"),
        mono=form in MONO,
        unit=str(field.get("x-unit", "")),
        minimum=field.get("minimum"),
        maximum=field.get("maximum"),
        step="1" if "integer" in kinds else ("any" if "number" in kinds else ""),
        suggest=form if form == "ontology-term" else "",
        pick=file_schema(field) is not None,
    )


def _kind(kinds: list[str], field: Mapping[str, Any], items: Mapping[str, Any], value: Any) -> Kind:
    if "enum" in field:
        return "select"
    if "array" in kinds:
        return "multi" if "enum" in items else "tags"
    if kinds == ["boolean"]:
        return "checkbox"
    if set(kinds) == {"boolean", "null"}:
        return "select"
    if kinds and set(kinds) <= {"integer", "number", "null"}:
        return "number"
    text = as_text(value)
    long = field.get("format") == "dna-sequence" or "object" in kinds or len(text) > LONG or "\n" in text
    return "textarea" if long else "text"
