"""Reads the parameters of a notebook from its `parameters` cell; nothing of it is executed."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace_api.worksheets.plain import plain

MAX_NOTEBOOK_BYTES = 20_000_000
TAG = "parameters"
MAX_CELL = 200_000
MAX_DEPTH = 20
MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError)
JsonSchema = dict[str, Any]

TYPES: Mapping[str, JsonSchema] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "tuple": {"type": "array"},
    "set": {"type": "array"},
    "frozenset": {"type": "array"},
    "List": {"type": "array"},
    "Tuple": {"type": "array"},
    "Set": {"type": "array"},
    "Sequence": {"type": "array"},
    "Iterable": {"type": "array"},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Mapping": {"type": "object"},
}
TUPLES = ("tuple", "Tuple")


class NotebookError(Exception):
    """A notebook that cannot be a worksheet; the message says why, for its author."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, what its cell says of its type, its default, and the comment beside it."""

    name: str
    schema: JsonSchema
    default: Any
    help: str


def read_notebook(text: bytes) -> dict[str, Any]:
    """Return a notebook's JSON; NotebookError where it is too large or none."""
    if len(text) > MAX_NOTEBOOK_BYTES:
        raise NotebookError(f"it is larger than {MAX_NOTEBOOK_BYTES // 1_000_000} MB")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise NotebookError("it is not a notebook: its text is not JSON") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise NotebookError("it is not a notebook of format 4: it has no list of cells")
    return notebook


def language_of(notebook: Mapping[str, Any]) -> str:
    """Return the language of a notebook's kernel, `python` where it does not say."""
    metadata = notebook.get("metadata")
    for section, key in (("kernelspec", "language"), ("language_info", "name")):
        said = metadata.get(section) if isinstance(metadata, dict) else None
        if isinstance(said, dict) and said.get(key):
            return str(said[key]).lower()
    return "python"


def parameters_cell(notebook: Mapping[str, Any]) -> str | None:
    """Return the source of the first cell that is tagged `parameters`, or None."""
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        if isinstance(tags, list) and TAG in tags:
            source = cell.get("source", "")
            return "".join(map(str, source)) if isinstance(source, list) else str(source)
    return None


def python_parameters(source: str) -> list[Parameter]:
    """Return what a Python cell assigns, in its order; NotebookError for a cell that is not Python."""
    if len(source) > MAX_CELL:
        raise NotebookError(f"its parameters cell is larger than {MAX_CELL // 1000} kB")
    try:
        module, comments = _parsed(source)
    except UNREADABLE as error:
        reason = str(error) or "it nests too deeply"
        raise NotebookError(f"its parameters cell cannot be read: {reason}") from None
    found = {}
    for statement in module.body:
        target, annotation, value = _assignment(statement)
        if target is None or value is None:
            continue
        default, known = _literal(value)
        if not known:
            continue
        schema, implied = schema_of(annotation) if annotation is not None else {}, _implied(default)
        if not schema or schema == {"type": implied.get("type")}:
            schema = implied
        found[target] = Parameter(target, schema, default, _help(statement, comments))
    return list(found.values())


def _parsed(source: str) -> tuple[ast.Module, dict[int, tuple[str, bool]]]:
    """Return a cell's statements and comments; magics are left out where it cannot be read with them."""
    try:
        return ast.parse(source), _comments(source)
    except SyntaxError:
        python = MAGIC.sub("pass", source)
        return ast.parse(python), _comments(python)


def inspected_parameters(source: str, language: str) -> list[Parameter]:
    """Return what a cell in another language assigns, as papermill reads it: nothing where it cannot."""
    from nbformat.v4 import new_code_cell
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    try:
        translator = papermill_translators.find_translator(language, language.upper())  # R is “R” there
        found = translator.inspect(new_code_cell(source))  # type: ignore[no-untyped-call]
    except (PapermillException, NotImplementedError):
        return []
    parameters = []
    for row in found:
        default, known = _literal_text(row.default)
        value = default if known else row.default
        parameters.append(Parameter(row.name, _implied(value), value, row.help or ""))
    return parameters


def schema_of(annotation: ast.expr, depth: int = MAX_DEPTH) -> JsonSchema:
    """Return the JSON Schema of a type annotation, empty where it says nothing that we know."""
    if depth == 0:
        return {}
    if isinstance(annotation, ast.Constant):
        if annotation.value is None:
            return {"type": "null"}
        if isinstance(annotation.value, str):
            try:
                return schema_of(ast.parse(annotation.value, mode="eval").body, depth - 1)
            except UNREADABLE:
                return {}
    if isinstance(annotation, ast.Name):
        return dict(TYPES.get(annotation.id, {}))
    if isinstance(annotation, ast.Attribute):
        return dict(TYPES.get(annotation.attr, {}))
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _either(schema_of(annotation.left, depth - 1), schema_of(annotation.right, depth - 1))
    if isinstance(annotation, ast.Subscript):
        return _subscript(annotation, depth - 1)
    return {}


def _subscript(annotation: ast.Subscript, depth: int) -> JsonSchema:
    whole = annotation.value
    name = whole.attr if isinstance(whole, ast.Attribute) else getattr(whole, "id", "")
    inner = annotation.slice
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        choices = [value for value, known in map(_literal, parts) if known]
        return {**_either(*map(schema_of_value, choices)), "enum": choices} if choices else {}
    if name == "Optional":
        return _either(schema_of(inner, depth), {"type": "null"})
    if name == "Union":
        return _either(*(schema_of(part, depth) for part in parts))
    if name == "Annotated" and parts:
        return schema_of(parts[0], depth)
    schema = dict(TYPES.get(name, {}))
    if schema.get("type") == "array":
        kinds = [schema_of(part, depth) for part in parts if not _is_ellipsis(part)]
        alike = len(kinds) == 1 if name not in TUPLES else all(kind == kinds[0] for kind in kinds)
        if alike and kinds and kinds[0]:
            schema["items"] = kinds[0]
    return schema


def _is_ellipsis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is ...


def _either(*schemas: JsonSchema) -> JsonSchema:
    """Return the schema of what fits one of `schemas`: a list of types where no more needs to be said."""
    if not all(schemas):
        return {}
    distinct: list[JsonSchema] = []
    for schema in schemas:
        distinct += [option for option in schema.get("anyOf", [schema]) if option not in distinct]
    if len(distinct) == 1:
        return distinct[0]
    detailed = [schema for schema in distinct if set(schema) != {"type"}]
    others = [schema for schema in distinct if schema not in detailed]
    if len(detailed) > 1 or (detailed and others != [{"type": "null"}]):
        return {"anyOf": distinct}
    merged = {**(detailed[0] if detailed else {}), "type": _types(distinct)}
    if "enum" in merged and None not in merged["enum"]:
        merged["enum"] = [*merged["enum"], None]
    return merged


def _types(schemas: Sequence[JsonSchema]) -> list[str]:
    named = [schema["type"] for schema in schemas]
    flat = [kind for types in named for kind in (types if isinstance(types, list) else [types])]
    return list(dict.fromkeys(flat))


def _implied(default: Any) -> JsonSchema:
    """Return what a default says of its parameter's type: `None` says nothing."""
    return {} if default is None else schema_of_value(default)


def schema_of_value(value: Any) -> JsonSchema:
    """Return the JSON Schema that a default implies."""
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, list):
        schemas = [schema_of_value(item) for item in value]
        if schemas and all(schema.get("type") in ("integer", "number") for schema in schemas):
            schemas.sort(key=lambda schema: schema["type"] == "integer")
            return {"type": "array", "items": schemas[0]}
        same = bool(schemas) and all(schema == schemas[0] for schema in schemas)
        return {"type": "array", "items": schemas[0]} if same and schemas[0] else {"type": "array"}
    return {"type": "object"} if isinstance(value, dict) else {}


def _assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None, ast.expr | None]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.annotation, statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, None, statement.value
    return None, None, None


def _literal(value: ast.expr) -> tuple[Any, bool]:
    try:
        return plain(ast.literal_eval(value)), True
    except (*UNREADABLE, TypeError):
        return None, False


def _literal_text(text: str) -> tuple[Any, bool]:
    try:
        return _literal(ast.parse(text, mode="eval").body)
    except UNREADABLE:
        return None, False


def _comments(source: str) -> dict[int, tuple[str, bool]]:
    """Return each line's comment, and whether the comment is all that the line holds."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip()
            found[token.start[0]] = (token.string.lstrip("#").strip(), alone)
    return found


def _help(statement: ast.stmt, comments: Mapping[int, tuple[str, bool]]) -> str:
    """Return the comment at the end of a statement, or the lines of comments right above it."""
    beside = comments.get(statement.end_lineno or statement.lineno)
    if beside is not None and not beside[1]:
        return beside[0]
    above: list[str] = []
    line = statement.lineno - 1
    while (comment := comments.get(line)) is not None and comment[1]:
        above.insert(0, comment[0])
        line -= 1
    return " ".join(above)
