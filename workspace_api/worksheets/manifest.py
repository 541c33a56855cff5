"""Reads `workspace.yaml`: what it says is checked part by part, and each problem is told in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from workspace_api.genomes import CHROMOSOMES
from workspace_api.worksheets.checking import PatternError, matches
from workspace_api.worksheets.safe_yaml import YamlError, load_yaml

NAME = "workspace.yaml"
ASSEMBLIES = tuple(CHROMOSOMES)
KEYS = ("title", "area", "summary", "worksheets", "resources")
WORKSHEET_KEYS = ("notebook", "title", "summary", "parameters")
RESOURCE_KEYS = ("cpu", "memory", "minutes")


@dataclass(frozen=True)
class WorksheetEntry:
    """What the manifest says of one notebook."""

    notebook: str
    title: str | None
    summary: str | None
    parameters: Mapping[str, dict[str, Any]]


@dataclass
class Manifest:
    """What the manifest says, as far as it can be used, and what in it cannot."""

    title: str | None = None
    area: str | None = None
    summary: str | None = None
    worksheets: list[WorksheetEntry] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_manifest(text: bytes, notebooks: Iterable[str]) -> Manifest:
    """Read `workspace.yaml` of a repository that has `notebooks`; it never fails, it lists problems."""
    manifest = Manifest()
    try:
        content = load_yaml(text)
    except YamlError as error:
        manifest.problems.append(f"{NAME}{error}.")
        return manifest
    if content is None:
        return manifest
    if not isinstance(content, dict):
        manifest.problems.append(f"{NAME} must hold settings such as “title: …”, not {_kind(content)}.")
        return manifest
    _unknown(content, KEYS, "", manifest.problems)
    for key in ("title", "area", "summary"):
        setattr(manifest, key, _text(content, key, "", manifest.problems))
    manifest.resources = _resources(content.get("resources"), manifest.problems)
    manifest.worksheets = _worksheets(content.get("worksheets"), set(notebooks), manifest.problems)
    return manifest


def memory_gib(value: Any) -> float | None:
    """Return an amount such as `4G` or `512M` in GiB; None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value > 0 else None
    units = {"M": 1 / 1024, "G": 1.0, "T": 1024.0}
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    try:
        amount = float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError):
        return None
    return amount if amount > 0 else None


def _worksheets(content: Any, notebooks: set[str], problems: list[str]) -> list[WorksheetEntry]:
    if content is None:
        return []
    if not isinstance(content, list):
        problems.append(f"{NAME}: worksheets must be a list of “- notebook: …”, not {_kind(content)}.")
        return []
    entries: list[WorksheetEntry] = []
    for number, entry in enumerate(content, start=1):
        where = f"worksheets[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("notebook"), str):
            problems.append(f"{NAME}: {where} must name its notebook: “notebook: analysis.ipynb”.")
            continue
        notebook = entry["notebook"]
        if PurePosixPath(notebook).is_absolute() or ".." in PurePosixPath(notebook).parts:
            problems.append(f"{NAME}: {where}: “{notebook[:80]}” leaves the repository.")
        elif notebook not in notebooks:
            problems.append(f"{NAME}: {where}: there is no notebook “{notebook[:80]}” in the repository.")
        elif notebook in [known.notebook for known in entries]:
            problems.append(f"{NAME}: {where}: “{notebook[:80]}” is named twice; the first counts.")
        else:
            entries.append(_entry(entry, where, problems))
    return entries


def _entry(entry: Mapping[str, Any], where: str, problems: list[str]) -> WorksheetEntry:
    _unknown(entry, WORKSHEET_KEYS, f"{where}: ", problems)
    given = entry.get("parameters") or {}
    parameters = {}
    if not isinstance(given, dict):
        problems.append(
            f"{NAME}: {where}: parameters must map each name to a JSON Schema, not {_kind(given)}."
        )
        given = {}
    for name, schema in given.items():
        problem = _schema_problem(schema)
        if problem:
            problems.append(f"{NAME}: {where}: parameter {name}: {problem}")
        else:
            parameters[str(name)] = dict(schema)
    title, summary = (_text(entry, key, f"{where}: ", problems) for key in ("title", "summary"))
    return WorksheetEntry(entry["notebook"], title, summary, parameters)


def _schema_problem(schema: Any) -> str | None:
    if not isinstance(schema, dict):
        return f"must be a JSON Schema such as {{type: string}}, not {_kind(schema)}."
    if "$ref" in str(schema):
        return "a schema here may not refer to another ($ref)."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is not a JSON Schema: {error.message[:200]}."
    return _pattern_problem(schema) or _assembly_problem(schema)


def _pattern_problem(schema: Any) -> str | None:
    """Return what is wrong with a pattern anywhere in a schema."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and isinstance(schema.get("pattern"), str):
        try:
            matches(schema["pattern"], "")
        except PatternError as error:
            return f"{error}."
    return next(filter(None, map(_pattern_problem, parts)), None)


def _assembly_problem(schema: Mapping[str, Any]) -> str | None:
    assembly = schema.get("x-assembly", ASSEMBLIES[0])
    if assembly in ASSEMBLIES:
        return None
    return f"x-assembly {str(assembly)[:80]!r} is not known; it is one of {', '.join(ASSEMBLIES)}."


def _resources(content: Any, problems: list[str]) -> dict[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        problems.append(f"{NAME}: resources must be settings such as {{cpu: 2, memory: 4G, minutes: 30}}.")
        return {}
    _unknown(content, RESOURCE_KEYS, "resources: ", problems)
    found = {}
    for key in ("cpu", "minutes"):
        value = content.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            found[key] = float(value)
        elif value is not None:
            problems.append(f"{NAME}: resources: {key} must be a number above 0, not {value!r}.")
    if "memory" in content:
        amount = memory_gib(content["memory"])
        if amount is None:
            problems.append(
                f"{NAME}: resources: memory must be an amount such as 4G, not {content['memory']!r}."
            )
        else:
            found["memory_gib"] = amount
    return found


def _unknown(content: Mapping[str, Any], known: Iterable[str], where: str, problems: list[str]) -> None:
    names = list(known)
    for key in content:
        if key not in names:
            problems.append(f"{NAME}: {where}“{str(key)[:80]}” is not known here; it has {', '.join(names)}.")


def _text(content: Mapping[str, Any], key: str, where: str, problems: list[str]) -> str | None:
    value = content.get(key)
    if value is None or isinstance(value, str):
        return value[:2000] if value else None
    problems.append(f"{NAME}: {where}{key} must be text, not {_kind(value)}.")
    return None


def _kind(value: Any) -> str:
    names = {
        list: "a list",
        dict: "settings",
        str: "text",
        bool: "yes or no",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)
