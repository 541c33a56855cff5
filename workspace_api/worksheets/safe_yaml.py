"""Reads YAML that a stranger wrote: bounded in size, depth and what its aliases expand to."""

from __future__ import annotations

from typing import Any

import yaml

from workspace_api.worksheets.plain import plain

MAX_BYTES = 200_000
MAX_DEPTH = 30
MAX_VALUES = 50_000
KNOWN = ("str", "int", "float", "bool", "null", "map", "seq")
TAG = "tag:yaml.org,2002:"


class YamlError(Exception):
    """A text that cannot be used as YAML; the message reads after the file's name."""


class _Loader(yaml.CSafeLoader):
    """YAML of texts, numbers, truth values, lists and mappings; a date stays the text it is."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it from the class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{TAG}timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 - likewise
        tag: make
        for tag, make in yaml.CSafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(TAG) in KNOWN
    }


def load_yaml(text: bytes) -> Any:
    """Return what one YAML document holds, as JSON has it; YamlError, with the line, for what is refused."""
    if len(text) > MAX_BYTES:
        raise YamlError(f" is larger than {MAX_BYTES // 1000} kB and is not read")
    try:
        source = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError(" is not text in UTF-8") from None
    try:
        _check_depth(source)
        return _construct(source)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}," if error.problem_mark else ""
        raise YamlError(f"{line} is not YAML: {error.problem or error}") from None
    except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise YamlError(f" holds a value that cannot be used: {reason}") from None


def _check_depth(source: str) -> None:
    """Refuse deep nesting from the stream of events: building the nodes of it would overflow the stack."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlError(f" nests deeper than {MAX_DEPTH} levels")


def _construct(source: str) -> Any:
    loader = _Loader(source)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _expanded(node, MAX_DEPTH, MAX_VALUES) > MAX_VALUES:
            raise YamlError(f" holds more than {MAX_VALUES:,} values, or an alias within what it names")
        return plain(loader.construct_document(node))
    finally:
        loader.dispose()


def _expanded(node: yaml.Node, depth: int, most: int) -> int:
    """Return how many values a node has with every alias written out; past `most` or `depth`, some more."""
    if depth < 0:
        return most + 1
    count = 1
    inner = node.value if isinstance(node, yaml.CollectionNode) else []
    for child in inner:
        for part in child if isinstance(child, tuple) else (child,):
            count += _expanded(part, depth - 1, most - count)
            if count > most:
                return count
    return count
