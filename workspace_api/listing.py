"""How a list is asked for page by page, and how one page of it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, Self, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from workspace_api.paging import MAX_PER_PAGE, Page

Item = TypeVar("Item")
View = TypeVar("View")


@dataclass(frozen=True)
class PageRequest:
    """Which page of a list is wanted (from 1), and how many items are on one."""

    page: Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1.")] = 1
    per_page: Annotated[int, Query(ge=1, le=MAX_PER_PAGE, description="Items on a page.")] = 30


Paging = Annotated[PageRequest, Depends()]


class Listing(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    total: int
    page: int
    per_page: int

    @classmethod
    def of(cls, page: Page[View], convert: Callable[[View], Item]) -> Self:
        """Answer `page`, each item through `convert`."""
        return cls(
            items=[convert(item) for item in page.items],
            total=page.total,
            page=page.page,
            per_page=page.per_page,
        )
