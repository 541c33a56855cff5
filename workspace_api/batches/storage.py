"""The files of a batch in its owner's home: the checked table, and the journal that its runs write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from nfs import beneath
from nfs.beneath import UnsafePathError
from nfs.layout import StorageLayout
from workspace_api.batches.checking import MOST_ROWS, Row, lines_of, rows_in
from workspace_api.batches.journal import Journal, read_journal
from workspace_api.errors import ConflictError, NotFoundError
from workspace_api.people.views import Person

FOLDER, TABLE, JOURNAL = "batches", "variants.tsv", "journal.jsonl"
KEPT = 16
MOST_TABLE_BYTES = MOST_ROWS * 1_000


def path_of(batch_id: str, name: str) -> str:
    """Return how a person writes the path of a batch's file."""
    return f"~/{FOLDER}/{batch_id}/{name}"


class BatchFiles:
    """The folders `batches/<id>` of all homes; their owners may change anything in them at any moment."""

    def __init__(self, layout: StorageLayout) -> None:
        self._layout = layout
        self._known: dict[str, tuple[tuple[int, ...], Journal]] = {}

    def write(self, person: Person, batch_id: str, rows: list[Row], original: tuple[str, bytes]) -> None:
        """Keep the table as it was uploaded and as it was checked, with an empty journal, as the person's.

        Raises ConflictError where a link or a file stands in the way.
        """
        home = self._layout.ensure_home(person.name, person.uid, person.uid)
        owner = person.uid if os.geteuid() == 0 else None
        name, data = original
        files: Mapping[str, bytes] = {name: data, TABLE: lines_of(rows).encode(), JOURNAL: b""}
        try:
            with beneath.folder(home, FOLDER, batch_id, create=True, owner=owner) as at:
                for each, content in files.items():
                    beneath.write_new(at, each, content)
                if owner is not None:
                    beneath.give_to(at, owner)
        except UnsafePathError as error:
            raise ConflictError(
                f"The table could not be kept: in your home, “{FOLDER}” is a link or a file. Rename or "
                "remove it, and upload the table again."
            ) from error

    def remove(self, owner: str, batch_id: str) -> None:
        """Remove the folder of a batch that came to nothing."""
        with (
            suppress(FileNotFoundError, UnsafePathError),
            beneath.folder(self._layout.home(owner), FOLDER) as at,
        ):
            beneath.remove_tree(at, batch_id)

    def rows(self, owner: str, batch_id: str) -> list[Row]:
        """Return the checked rows; raises NotFoundError where the file is there no more."""
        try:
            with beneath.folder(self._layout.home(owner), FOLDER, batch_id) as at:
                return rows_in(beneath.read_plain(at, TABLE, MOST_TABLE_BYTES).decode("utf-8", "replace"))
        except (FileNotFoundError, UnsafePathError) as error:
            raise NotFoundError(
                f"The rows of this batch, {path_of(batch_id, TABLE)}, are there no more. Upload them again."
            ) from error

    def journal(self, owner: str, batch_id: str) -> Journal:
        """Return what became of the rows so far; nothing where there is no journal."""
        try:
            with beneath.folder(self._layout.home(owner), FOLDER, batch_id) as at:
                descriptor = beneath.open_plain(at, JOURNAL)
        except (FileNotFoundError, UnsafePathError):
            return Journal()
        try:
            return self._remembered(batch_id, descriptor)
        finally:
            os.close(descriptor)

    def _remembered(self, batch_id: str, descriptor: int) -> Journal:
        """Read a journal only when it has changed since it was read last."""
        status = os.fstat(descriptor)
        mark = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        known = self._known.get(batch_id)
        if known is not None and known[0] == mark:
            return known[1]
        journal = read_journal(descriptor)
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[batch_id] = (mark, journal)
        return journal
