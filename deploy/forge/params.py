"""Parameters of a call, wherever they came: query, form or JSON, as GitLab's clients send them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from deploy.forge.errors import invalid, missing


class Params(Mapping[str, Any]):
    """The merged parameters: body over query; `name[]` collects into lists."""

    def __init__(self, query: Iterable[tuple[str, str]], body: Mapping[str, Any]) -> None:
        self._values: dict[str, Any] = {}
        for name, value in query:
            if name.endswith("[]"):
                self._values.setdefault(name[:-2], []).append(value)
            else:
                self._values[name] = value
        self._values.update(body)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str, default: str | None = None, *, limit: int = 100_000) -> str:
        """Return a text; refuses one that is missing, without a default, or too long."""
        value = self._values.get(name)
        if value is None or value == "":
            if default is None:
                raise missing(name)
            return default
        if not isinstance(value, str | int | float) or len(str(value)) > limit or "\0" in str(value):
            raise invalid(name)
        return str(value)

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number; refuses what is none."""
        text = self.text(name, None if default is None else str(default))
        try:
            return int(text)
        except ValueError:
            raise invalid(name) from None

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a truth value; clients write `true`, `True` or `1`."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        word = str(value).lower()
        if word not in ("true", "false", "1", "0"):
            raise invalid(name)
        return word in ("true", "1")

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """Return one of `choices`."""
        value = self.text(name, default)
        if value not in choices:
            raise invalid(name)
        return value

    def date(self, name: str) -> dt.date | None:
        """Return a day, or None where there is none."""
        text = self.text(name, "")
        try:
            return dt.date.fromisoformat(text[:10]) if text else None
        except ValueError:
            raise invalid(name) from None

    def words(self, name: str) -> list[str]:
        """Return a list of texts, given as a list or separated by commas."""
        value = self._values.get(name) or []
        parts = value if isinstance(value, list) else str(value).split(",")
        return [str(part).strip() for part in parts if str(part).strip()]
