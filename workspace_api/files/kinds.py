"""Which parameters of a worksheet are files, and what their names end with."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
PACKED = (".gz", ".bgz")
PLACES = ("~/", "/shared/")  # how the proper form of a file's path begins; others came with the project
MORE = {"text/csv": (".csv",), "text/tab-separated-values": (".tsv", ".tab"), "text/x-vcf": (".vcf",),
        "text/x-bed": (".bed",), "application/vnd.apache.parquet": (".parquet",)}  # fmt: skip


def file_schema(field: Schema) -> Schema | None:
    """Return the part of a parameter's schema that says `format: file`, or None: of itself or its items."""
    items = field.get("items")
    parts = [field, *([items] if isinstance(items, dict) else [])]
    parts += [
        option for key in ("anyOf", "oneOf") for option in field.get(key, ()) if isinstance(option, dict)
    ]
    return next((part for part in parts if part.get("format") == "file"), None)


def endings(field: Schema) -> tuple[str, ...]:
    """Return how names of files of this kind end; none where every name will do."""
    schema = file_schema(field)
    if schema is None:
        return ()
    said = schema.get("x-endings")
    if isinstance(said, list):
        return tuple(str(ending).lower() for ending in said)
    kind = str(schema.get("contentMediaType", ""))
    known = MORE.get(kind) or tuple(sorted(mimetypes.guess_all_extensions(kind))) if kind else ()
    return tuple(ending + packed for ending in known for packed in ("", *PACKED))


def chosen_files(schema: Schema, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (parameter, path) for each file of a home or share that is among the values."""
    for name, field in schema["properties"].items():
        if file_schema(field) is None:
            continue
        value = parameters.get(name)
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, str) and path.startswith(PLACES):
                yield name, path
