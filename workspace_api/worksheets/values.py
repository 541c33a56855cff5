"""Checks the values of a worksheet's parameters against its schema, field by field."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from workspace_api.errors import FieldError, InvalidInputError, TooLargeError
from workspace_api.worksheets.checking import problem_of
from workspace_api.worksheets.formats import FORMATS, FormatError, shown

MAX_BYTES = 1_000_000
Schema = Mapping[str, Any]
TRUE, FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0", "")


def resolve_values(schema: Schema, given: Mapping[str, Any], *, from_form: bool = False) -> dict[str, Any]:
    """Return the value of every parameter: what was given, in its proper form, or the default.

    With `from_form` the values are texts (lists of texts for fields that repeat) and are turned into their
    types. Raises InvalidInputError with one FieldError for each wrong value, TooLargeError past 1 MB in all.
    """
    if len(json.dumps(given, default=str)) > MAX_BYTES:
        raise TooLargeError("The values are larger than 1 MB together. Put large data into a file.")
    properties = schema["properties"]
    errors = [FieldError(name, _unknown(name, properties)) for name in given if name not in properties]
    values = {}
    for name, field in properties.items():
        try:
            values[name] = resolve_value(
                field, given.get(name, field.get("default")), from_form=from_form and name in given
            )
        except FormatError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise InvalidInputError("Some values cannot be used; see each.", errors)
    return values


def resolve_value(field: Schema, value: Any, *, from_form: bool) -> Any:
    """Return one value in its proper form; raises FormatError with words for whoever typed it."""
    typed = _typed(field, value) if from_form else value
    proper = _formatted(field, typed)
    if (problem := problem_of(field, proper)) is not None:
        raise FormatError(_in_words(problem))
    return proper


def _unknown(name: str, properties: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, properties, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" It has {', '.join(properties) or 'none'}."
    return f"This worksheet has no parameter {shown(name)}.{hint}"


def types_of(field: Schema) -> list[str]:
    """Return the JSON types that a field allows."""
    kinds = field.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _typed(field: Schema, value: Any) -> Any:
    """Turn what a form sends into the field's type."""
    kinds = types_of(field)
    if "array" in kinds:
        return _listed(field, value)
    text = value[-1] if isinstance(value, list) and value else value
    if not isinstance(text, str):
        return text
    if not text.strip() and "null" in kinds:
        return None
    if "boolean" in kinds and text.strip().lower() in (*TRUE, *FALSE):
        return text.strip().lower() in TRUE
    if "integer" in kinds or "number" in kinds:
        return _number(text, whole="integer" in kinds and "number" not in kinds)
    if "object" in kinds:
        try:
            return json.loads(text)
        except ValueError:
            raise FormatError(f'{shown(text)} is not JSON. Write it like {{"name": 1}}.') from None
    if not kinds and "enum" in field:
        return next((choice for choice in field["enum"] if str(choice) == text), text)
    return text


def _listed(field: Schema, value: Any) -> list[Any]:
    parts = value if isinstance(value, list) else [value]
    pieces = [piece.strip() for part in parts for piece in str(part).replace("\n", ",").split(",")]
    items = field.get("items", {})
    return [_typed(items, piece) for piece in pieces if piece]


def _number(text: str, *, whole: bool) -> int | float:
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    try:
        return int(plain) if whole else float(plain)
    except ValueError:
        kind = "a whole number" if whole else "a number"
        raise FormatError(f"{shown(text)} is not {kind}.") from None


def _formatted(field: Schema, value: Any) -> Any:
    """Bring texts into the proper form of their format, also those in a list."""
    if isinstance(value, list) and isinstance(field.get("items"), dict):
        return [_formatted(field["items"], item) for item in value]
    check = FORMATS.get(str(field.get("format")))
    return check(value, field) if check is not None and isinstance(value, str) else value


def _in_words(error: ValidationError) -> str:
    """Say what JSON Schema found, for a person."""
    value, limit = error.instance, error.validator_value
    unit = f" {error.schema['x-unit']}" if isinstance(error.schema, dict) and "x-unit" in error.schema else ""
    words = {
        "minimum": f"{shown(value)} is too small; the least is {limit}{unit}.",
        "maximum": f"{shown(value)} is too large; the most is {limit}{unit}.",
        "exclusiveMinimum": f"{shown(value)} must be more than {limit}{unit}.",
        "exclusiveMaximum": f"{shown(value)} must be less than {limit}{unit}.",
        "multipleOf": f"{shown(value)} must be a multiple of {limit}{unit}.",
        "minLength": f"This needs at least {limit} characters.",
        "maxLength": f"This has more than {limit} characters.",
        "minItems": f"Choose at least {limit}.",
        "maxItems": f"Choose at most {limit}; there are {len(value) if isinstance(value, list) else 0}.",
        "uniqueItems": "Something is named twice.",
        "pattern": f"{shown(value)} does not have the form {limit}.",
        "enum": f"{shown(value)} is not a choice. Choose one of {_choices(limit)}.",
        "type": f"{shown(value)} must be {_article(limit)}.",
    }
    return words.get(str(error.validator), f"{shown(value)}: {error.message[:200]}")


def _choices(choices: Any) -> str:
    return ", ".join(str(choice) for choice in choices) if isinstance(choices, list) else str(choices)


def _article(kinds: Any) -> str:
    names = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "yes or no",
             "array": "a list", "object": "a set of names and values", "null": "empty"}  # fmt: skip
    return " or ".join(names.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))
