"""One page of a list that can be long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

MAX_PER_PAGE = 100


@dataclass(frozen=True)
class Page(Generic[Item]):
    """`items` of page `page` (from 1), of `total` in all, at most `per_page` to a page."""

    items: Sequence[Item]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.per_page))
