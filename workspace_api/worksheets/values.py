"""Checks the values of a worksheet's parameters against its schema, field by field."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema.exceptions import ValidationError

from workspace_api.errors import FieldError, InvalidInputError, TooLargeError
from workspace_api.worksheets.checking import problem_of
from workspace_api.worksheets.formats import FORMATS, FormatError, shown
from workspace_api.worksheets.plain import plain

MAX_BYTES = 1_000_000
MAX_UNKNOWN = 20
MAX_CHOICES = 20
EXACT = 2**53  # whole numbers up to here are the same as int and as float
GROUPED = re.compile(r"([+-]?[0-9]{1,3}(?:([,_ ])[0-9]{3})(?:\2[0-9]{3})*)(\.[0-9]*)?")
COMMA = re.compile(r"[,\n]")
COMMA_OF_LIST = re.compile(r",(?![0-9]{3}(?![0-9]))|\n")  # not that of 36,201,698
Schema = Mapping[str, Any]
CHOICES = ("anyOf", "oneOf")
WORDS = {
    "minimum": "{value} is too small; the least is {limit}{unit}.",
    "maximum": "{value} is too large; the most is {limit}{unit}.",
    "exclusiveMinimum": "{value} must be more than {limit}{unit}.",
    "exclusiveMaximum": "{value} must be less than {limit}{unit}.",
    "multipleOf": "{value} must be a multiple of {limit}{unit}.",
    "minLength": "This needs at least {limit} characters.",
    "maxLength": "This has more than {limit} characters.",
    "minItems": "Choose at least {limit}.",
    "maxItems": "Choose at most {limit}; there are {count}.",
    "uniqueItems": "Something is named twice.",
    "pattern": "{value} does not have the form {limit}.",
    "enum": "{value} is not a choice. Choose one of {limit}.",
    "type": "{value} must be {limit}.",
}
KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "yes or no",
    "array": "a list",
    "object": "a set of names and values",
    "null": "empty",
}
TRUE, FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0", "")


def resolve_values(schema: Schema, given: Mapping[str, Any], *, from_form: bool = False) -> dict[str, Any]:
    """Return the value of every parameter: what was given, in its proper form, or the default.

    With `from_form` the values are texts (lists of texts for fields that repeat) and are turned into their
    types. Raises InvalidInputError with one FieldError for each wrong value, TooLargeError past 1 MB in all.
    """
    if _is_too_large(given):
        raise TooLargeError("The values are larger than 1 MB together. Put large data into a file.")
    properties = schema["properties"]
    unknown = [name for name in given if name not in properties]
    errors = [FieldError(name, _unknown(name, properties)) for name in unknown[:MAX_UNKNOWN]]
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
    proper = _formatted(field, _plain(typed))
    if (problem := problem_of(field, proper)) is not None:
        raise FormatError(_in_words(problem))
    return proper


def _is_too_large(given: Mapping[str, Any]) -> bool:
    try:
        return len(json.dumps(given, default=str)) > MAX_BYTES
    except (ValueError, RecursionError):  # what cannot be written at all is told beside its field
        return False


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except (ValueError, TypeError) as error:
        named = shown(value) if isinstance(value, float) else "This value"
        raise FormatError(f"{named} cannot be used: {error}.") from None


def _unknown(name: str, properties: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, properties, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" It has {', '.join(properties) or 'none'}."
    return f"This worksheet has no parameter {shown(name)}.{hint}"


def types_of(field: Schema) -> list[str]:
    """Return the JSON types that a field allows; none where it says nothing of them."""
    kinds = field.get("type", [])
    named = [kinds] if isinstance(kinds, str) else list(kinds)
    return named or list(dict.fromkeys(kind for option in _options(field) for kind in types_of(option)))


def is_blank_null(field: Schema) -> bool:
    """Whether a form that leaves the field empty means `None`."""
    kinds = types_of(field)
    return "null" in kinds or (not kinds and field.get("default", "") is None)


def _options(field: Schema) -> list[Schema]:
    """Return the schemas of which a value has to fit one; none where the field is not such a choice."""
    return [option for key in CHOICES for option in field.get(key, ()) if isinstance(option, dict)]


def _fitting(field: Schema, value: Any, *, from_form: bool) -> Any:
    """Return a value in the proper form of the first option that it fits."""
    rest = {key: said for key, said in field.items() if key not in CHOICES}
    refusals = []
    for option in _options(field):
        try:
            return resolve_value({**rest, **option}, value, from_form=from_form)
        except FormatError as refusal:
            if types_of(option) != ["null"]:
                refusals.append(refusal)
    if len(refusals) == 1:
        raise refusals[0]
    raise FormatError(f"{shown(value)} must be {_article(types_of(field))}, of a form that fits here.")


def _typed(field: Schema, value: Any) -> Any:
    """Turn what a form sends into the field's type."""
    if is_blank_null(field) and _is_blank(value):
        return None
    if _options(field):
        return _fitting(field, value, from_form=True)
    kinds = types_of(field)
    if "array" in kinds:
        return _listed(field, value)
    text = value[-1] if isinstance(value, list) and value else value
    return _typed_text(field, kinds, text) if isinstance(text, str) else text


def _typed_text(field: Schema, kinds: list[str], text: str) -> Any:
    for choice in field.get("enum", ()):
        if choice is not None and str(choice) == text:
            return choice
    if "boolean" in kinds and text.strip().lower() in (*TRUE, *FALSE):
        return text.strip().lower() in TRUE
    if "integer" in kinds or "number" in kinds:
        try:
            return _number(text, whole="number" not in kinds)
        except FormatError:
            if "string" not in kinds:
                raise
    if "object" in kinds:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise FormatError(f'{shown(text)} is not JSON. Write it like {{"name": 1}}.') from None
    return text.replace("\r\n", "\n")  # browsers end lines so


def _is_blank(value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return all(isinstance(part, str) and not part.strip() for part in parts)


def _listed(field: Schema, value: Any) -> list[Any]:
    items = field.get("items")
    items = items if isinstance(items, dict) else {}
    parts = [str(part) for part in (value if isinstance(value, list) else [value])]
    if len(parts) == 1 and (as_json := _json_list(parts[0])) is not None:
        return as_json
    ticked = isinstance(value, list) and "enum" in items
    comma = COMMA_OF_LIST if str(items.get("format")).startswith("genomic-") else COMMA
    pieces = parts if ticked else [piece for part in parts for piece in comma.split(part)]
    return [_typed(items, piece.strip()) for piece in pieces if piece.strip()]


def _json_list(text: str) -> list[Any] | None:
    """Return a list that is written as JSON, None for every other text."""
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _number(text: str, *, whole: bool) -> int | float:
    written = text.strip()
    grouped = GROUPED.fullmatch(written)
    if grouped is not None:
        written = re.sub("[,_ ]", "", grouped[1]) + (grouped[3] or "")
    try:
        return int(written) if whole else float(written)
    except ValueError:
        kind = "a whole number" if whole else "a number"
        remedy = " Write decimals with a point." if "," in text and not whole else ""
        raise FormatError(f"{shown(text)} is not {kind}.{remedy}") from None


def _formatted(field: Schema, value: Any) -> Any:
    """Bring a value into its proper form: texts as their format has them, whole numbers as such."""
    if _options(field):
        return _fitting(field, value, from_form=False)
    if isinstance(value, list) and isinstance(field.get("items"), dict):
        if field["items"].get("format") == "file" and value == field.get("default"):
            return value  # files of the project itself
        return [_formatted(field["items"], item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _proper_number(types_of(field), value)
    check = FORMATS.get(str(field.get("format")))
    return check(value, field) if check is not None and isinstance(value, str) else value


def _proper_number(kinds: list[str], value: int | float) -> int | float:
    """Return 2.0 as 2 where whole numbers are wanted, and 2 as 2.0 where any are: one value, one form."""
    if "number" in kinds:
        return float(value) if "integer" not in kinds and abs(value) <= EXACT else value
    return int(value) if "integer" in kinds and float(value).is_integer() else value


def _in_words(error: ValidationError) -> str:
    """Say what JSON Schema found, for a person."""
    value: Any = error.instance
    limit: Any = error.validator_value
    unit = f" {error.schema['x-unit']}" if isinstance(error.schema, dict) and "x-unit" in error.schema else ""
    words = WORDS.get(str(error.validator))
    if words is None:
        return f"{shown(value)}: {error.message[:200]}"
    if error.validator == "enum":
        limit = _choices(limit)
    elif error.validator == "type":
        limit = _article(limit)
    count = len(value) if isinstance(value, list) else 0
    return words.format(value=shown(value), limit=limit, unit=unit, count=count)


def _choices(choices: Sequence[Any]) -> str:
    named = ", ".join(str(choice) for choice in choices[:MAX_CHOICES])
    return f"{named} and {len(choices) - MAX_CHOICES} more" if len(choices) > MAX_CHOICES else named


def _article(kinds: str | Sequence[str]) -> str:
    return " or ".join(KINDS.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))
