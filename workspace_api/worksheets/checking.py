"""JSON Schema 2020-12 with keywords whose time is bounded: schemas and values both come from strangers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from pydantic_core import SchemaError, SchemaValidator, core_schema
from pydantic_core import ValidationError as Mismatch


class PatternError(ValueError):
    """A regular expression that cannot be used."""


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`, in time linear in the text; PatternError for no such pattern.

    The engine has neither look-around nor back-references, which is what makes it linear.
    """
    try:
        _compiled(pattern).validate_python(text)
    except SchemaError:
        raise PatternError(
            f"the pattern {pattern[:80]!r} is none, or uses look-around or back-references"
        ) from None
    except Mismatch:
        return False
    return True


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _unique_items(_validator: Any, unique: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if unique and isinstance(value, list):
        written = [json.dumps(item, sort_keys=True) for item in value]
        if len(set(written)) < len(written):
            yield ValidationError(f"{value!r} has non-unique elements")


_extended: Any = validators.extend
_Bounded: Any = _extended(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})


def problem_of(schema: Mapping[str, Any], value: Any) -> ValidationError | None:
    """Return what is wrong with `value`, the outermost first; None where it fits."""
    errors: Iterator[ValidationError] = _Bounded(dict(schema)).iter_errors(value)
    return min(errors, key=lambda error: len(error.absolute_path), default=None)
