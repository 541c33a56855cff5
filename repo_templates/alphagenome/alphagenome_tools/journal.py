"""What a batch has finished, on disk after each variant, so that it can be cut off and continued."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = (
    "measure",
    "tissue",
    "term",
    "gene",
    "gene_id",
    "gene_strand",
    "track",
    "strand",
    "score",
    "quantile",
)
NUMBERS = ("score", "quantile")
DONE, FAILED = "done", "failed"
TABLES = """
create table if not exists question (name text primary key, value text not null);
create table if not exists variants (
    variant text primary key, state text not null, message text not null, passing integer not null,
    model text not null
);
create table if not exists scores (variant text not null, {columns});
create index if not exists scores_of_variant on scores (variant);
""".format(columns=", ".join(f"{name} {'real' if name in NUMBERS else 'text'}" for name in COLUMNS))


class JournalError(RuntimeError):
    """A journal cannot be used; the message says why and what to do."""


class Journal:
    """A SQLite file: one transaction for each variant, so that a cut leaves a variant whole or not at all.

    ``question`` is what is asked of every variant; a journal of another question is refused, and so is one
    that another process writes. Without a path it is kept in memory. Raises JournalError.
    """

    def __init__(self, path: str | Path | None, question: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path or ":memory:", timeout=0, check_same_thread=False)
        try:
            # The lock stays with this process until it ends, however it ends.
            self._database.execute("pragma locking_mode = exclusive")
            self._database.execute("pragma synchronous = full")
            self._database.executescript(TABLES)
            self._check(question)
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise _unusable(self.path, error) from error
        except JournalError:
            self._database.close()
            raise

    def _check(self, question: Mapping[str, Any]) -> None:
        asked = {name: json.dumps(value, sort_keys=True) for name, value in question.items()}
        kept = dict(self._database.execute("select name, value from question").fetchall())
        if not kept:
            with self._database:
                self._database.executemany("insert into question values (?, ?)", asked.items())
        elif kept != asked:
            other = next(name for name in [*kept, *asked] if kept.get(name) != asked.get(name))
            raise JournalError(
                f"{self.path} belongs to another question: its {other} is {kept.get(other)}, not "
                f"{asked.get(other)}. Give this batch a journal of its own, or remove that file."
            )

    def states(self) -> pd.DataFrame:
        """Return one row per variant that was asked about: variant, state, message, passing and model."""
        return pd.read_sql_query("select * from variants order by rowid", self._database)

    def scores(self) -> pd.DataFrame:
        """Return all scores, with the variant in the first column, in the order in which they came."""
        table = pd.read_sql_query("select * from scores order by rowid", self._database)
        return table.astype(dict.fromkeys(NUMBERS, float))

    def forget(self, *, other_than: str | None = None, failed: str = "") -> None:
        """Forget the answers of models other than the named one, and ``passing`` or ``all`` failures."""
        conditions = {"passing": "state = 'failed' and passing = 1", "all": "state = 'failed'"}
        with self._database:
            if other_than is not None:
                where = "where variant in (select variant from variants where state = 'done' and model <> ?)"
                self._database.execute(f"delete from scores {where}", (other_than,))  # noqa: S608
                self._database.execute(
                    "delete from variants where state = 'done' and model <> ?", (other_than,)
                )
            if failed:
                self._database.execute(f"delete from variants where {conditions[failed]}")  # noqa: S608

    def keep(self, variant: str, scores: pd.DataFrame, model: str) -> None:
        """Keep the scores of one variant; they are on the disk when this returns."""
        rows = scores.reindex(columns=COLUMNS).astype(object)
        rows = rows.where(rows.notna(), None)
        marks = ", ".join("?" for _ in COLUMNS)
        with self._writing():
            self._put(variant, DONE, "", False, model)
            self._database.executemany(
                f"insert into scores values (?, {marks})",  # noqa: S608
                [(variant, *row) for row in rows.itertuples(index=False, name=None)],
            )

    def keep_failure(self, variant: str, message: str, *, passing: bool) -> None:
        """Keep that a variant failed, and whether asking again may help."""
        with self._writing():
            self._put(variant, FAILED, message, passing, "")

    def _put(self, variant: str, state: str, message: str, passing: bool, model: str) -> None:
        values = (variant, state, message, int(passing), model)
        self._database.execute("insert into variants values (?, ?, ?, ?, ?)", values)

    def _writing(self) -> _Writing:
        return _Writing(self._database, self.path)

    def close(self) -> None:
        """Let others have the file."""
        self._database.close()


class _Writing:
    """A transaction whose failure, such as a full disk, is told with the file's name."""

    def __init__(self, database: sqlite3.Connection, path: Path | None) -> None:
        self._database, self._path = database, path

    def __enter__(self) -> None:
        self._database.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._database.__exit__(kind, error, trace)
        except sqlite3.DatabaseError as refused:
            raise _unusable(self._path, refused) from refused
        if isinstance(error, sqlite3.DatabaseError):
            raise _unusable(self._path, error) from error


def _unusable(path: Path | None, error: sqlite3.Error) -> JournalError:
    if "locked" in str(error):
        words = "is being written by another notebook or run. Wait for it, or stop it"
        return JournalError(f"The journal {path} {words}.")
    return JournalError(f"The journal {path} cannot be used: {error}. Make room, or choose another place.")


def names_of(variants: Iterable[Any]) -> list[str]:
    """Return variants as texts, each once, in their order."""
    return list(dict.fromkeys(str(variant) for variant in variants))
