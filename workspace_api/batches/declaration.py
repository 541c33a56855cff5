"""What a worksheet says of itself that can take batches, and how that is kept in its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "x-batch"


@dataclass(frozen=True)
class Declaration:
    """The parameters that take the table and the journal, and the value by which rows are ranked.

    `retry` is the parameter that is true when a batch is continued, where the notebook wants to know.
    """

    table: str
    journal: str
    rank: str | None = None
    retry: str | None = None
    assembly: str = "hg38"

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters that a batch fills in itself."""
        return tuple(name for name in (self.table, self.journal, self.retry) if name)


def declared(schema: Mapping[str, Any]) -> Declaration | None:
    """Return what a worksheet's schema says of batches; None where it takes none."""
    said = schema.get(KEY)
    if not isinstance(said, Mapping):
        return None
    field = schema["properties"][said["table"]]
    return Declaration(
        table=said["table"],
        journal=said["journal"],
        rank=said.get("rank"),
        retry=said.get("retry"),
        assembly=str(field.get("x-assembly", "hg38")),
    )


def without_own(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the values that whoever starts a batch chooses."""
    batch = declared(schema)
    hidden = batch.own if batch else ()
    chosen = {name: field for name, field in schema["properties"].items() if name not in hidden}
    return {**schema, "properties": chosen}
