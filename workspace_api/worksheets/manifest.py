"""Reads `workspace.yaml`: what it says is checked part by part, and each problem is told in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from hub.workbench.outputs import keeps_outputs
from workspace_api.genomes import CHROMOSOMES
from workspace_api.worksheets.checking import PatternError, matches
from workspace_api.worksheets.safe_yaml import YamlError, load_yaml

NAME = "workspace.yaml"
ASSEMBLIES = tuple(CHROMOSOMES)
KEYS = ("title", "area", "summary", "worksheets", "resources", "outputs")
OUTPUTS = ("keep", "strip")
WORKSHEET_KEYS = ("notebook", "title", "summary", "parameters", "batch")
BATCH_KEYS = ("table", "journal", "rank", "retry")
RESOURCE_KEYS = ("cpu", "memory", "minutes")
MAX_PROBLEMS = 50
REFUSED = ("patternProperties",)  # its expressions have no time limit


@dataclass(frozen=True)
class WorksheetEntry:
    """What the manifest says of one notebook."""

    notebook: str
    title: str | None
    summary: str | None
    parameters: Mapping[str, dict[str, Any]]
    batch: Mapping[str, str] | None = None


@dataclass
class Manifest:
    """What the manifest says, as far as it can be used, and what in it cannot."""

    title: str | None = None
    area: str | None = None
    summary: str | None = None
    worksheets: list[WorksheetEntry] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    outputs: str = OUTPUTS[0]
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
    manifest.outputs = _outputs(text, content, manifest.problems)
    manifest.worksheets = _worksheets(content.get("worksheets"), set(notebooks), manifest.problems)
    more = len(manifest.problems) - MAX_PROBLEMS
    if more > 0:
        manifest.problems[MAX_PROBLEMS:] = [f"{NAME}: there are {more:,} more problems."]
    return manifest


def memory_gib(value: Any) -> float | None:
    """Return an amount such as `4G` or `512M` in GiB; None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 < value < math.inf else None
    units = {"M": 1 / 1024, "G": 1.0, "T": 1024.0}
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    try:
        amount = float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError):
        return None
    return amount if 0 < amount < math.inf else None


def _outputs(text: bytes, content: Mapping[str, Any], problems: list[str]) -> str:
    """Return whether versions keep outputs; *Save version* reads the same line without reading YAML."""
    said = content.get("outputs")
    if said is None:
        return OUTPUTS[0]
    if said not in OUTPUTS:
        problems.append(f"{NAME}: outputs must be {' or '.join(OUTPUTS)}, not {str(said)[:80]!r}.")
        return OUTPUTS[0]
    if keeps_outputs(text) != (said == OUTPUTS[0]):
        problems.append(f"{NAME}: outputs must stand on a line of its own: “outputs: {said}”.")
    return str(said)


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
    given = entry.get("parameters")
    parameters = {}
    if given is None:
        given = {}
    if not isinstance(given, dict):
        problems.append(
            f"{NAME}: {where}: parameters must map each name to a JSON Schema, not {_kind(given)}."
        )
        given = {}
    for name, schema in given.items():
        problem = _schema_problem(schema)
        if problem:
            problems.append(f"{NAME}: {where}: parameter {name[:80]}: {problem}")
        else:
            parameters[name] = dict(schema)
        if isinstance(schema, dict) and "default" in schema:
            problems.append(
                f"{NAME}: {where}: parameter {name[:80]}: its default is what the notebook's parameters cell "
                "says; change it there."
            )
    title, summary = (_text(entry, key, f"{where}: ", problems) for key in ("title", "summary"))
    batch = _batch(entry.get("batch"), parameters, where, problems)
    return WorksheetEntry(entry["notebook"], title, summary, parameters, batch)


def _batch(
    content: Any, parameters: Mapping[str, Any], where: str, problems: list[str]
) -> dict[str, str] | None:
    """Return what a worksheet declares of batches: two of its parameters that take files, and a rank."""
    if content is None:
        return None
    told = f"{NAME}: {where}: batch"
    if not isinstance(content, dict):
        problems.append(
            f"{told} must be settings such as {{table: variants, journal: journal, rank: effect}}."
        )
        return None
    _unknown(content, BATCH_KEYS, f"{where}: batch: ", problems)
    said = {key: value for key, value in content.items() if key in BATCH_KEYS and isinstance(value, str)}
    for key in ("table", "journal"):
        field = parameters.get(said.get(key, ""), {})
        if field.get("format") != "file":
            problems.append(f"{told}: {key} must name a parameter with “format: file” above it.")
            return None
    if said["table"] == said["journal"]:
        problems.append(f"{told}: table and journal are two parameters.")
        return None
    if "rank" in content and "rank" not in said:
        problems.append(f"{told}: rank must be the name of a value, not {_kind(content['rank'])}.")
    if "retry" in content and parameters.get(said.get("retry", ""), {}).get("type") != "boolean":
        problems.append(f"{told}: retry must name a parameter with “type: boolean” above it.")
        said.pop("retry", None)
    return said


def _schema_problem(schema: Any) -> str | None:
    if not isinstance(schema, dict):
        return f"must be a JSON Schema such as {{type: string}}, not {_kind(schema)}."
    for part in _parts(schema):
        refused = next((key for key in part if key.startswith("$") or key in REFUSED), None)
        if refused is not None:
            return f"a schema here stands alone and may not use “{refused[:80]}”."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is not a JSON Schema: {error.message[:200]}."
    return next((problem for part in _parts(schema) if (problem := _part_problem(part))), None)


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Give every mapping in a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in inner:
        yield from _parts(part)


def _part_problem(part: Mapping[str, Any]) -> str | None:
    """Return what is wrong with what one mapping in a schema says beside plain JSON Schema."""
    pattern, assembly = part.get("pattern"), part.get("x-assembly", ASSEMBLIES[0])
    if isinstance(pattern, str):
        try:
            matches(pattern, "")
        except PatternError as error:
            return f"{error}."
    if assembly not in ASSEMBLIES:
        return f"x-assembly {str(assembly)[:80]!r} is not known; it is one of {', '.join(ASSEMBLIES)}."
    lengths, longest = part.get("x-lengths", []), part.get("x-max-length", 1)
    if not isinstance(lengths, list) or not all(map(_is_length, lengths)):
        return f"x-lengths must be a list of lengths such as [16384, 131072], not {str(lengths)[:80]!r}."
    if not _is_length(longest):
        return f"x-max-length must be a whole number above 0, not {str(longest)[:80]!r}."
    return None


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


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
            problems.append(f"{NAME}: resources: {key} must be a number above 0, not {str(value)[:80]!r}.")
    if "memory" in content:
        amount = memory_gib(content["memory"])
        if amount is None:
            said = str(content["memory"])[:80]
            problems.append(f"{NAME}: resources: memory must be an amount such as 4G, not {said!r}.")
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
        return (value or "").strip()[:2000] or None
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
        type(None): "nothing",
    }
    return names.get(type(value), type(value).__name__)
