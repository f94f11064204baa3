"""Query place: what a query is asked of, the shop's database, listings, or both together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy import Connection

from checks.queries.compiled_query import Query
from checks.queries.entity_mapping import EntitiesMapping

if TYPE_CHECKING:
    from checks.shop.source import ShopDatabase

T = TypeVar("T")


class QueryPlace(Protocol):
    """All that a check that is a query needs. Each raises ShopUnavailable where it cannot look."""

    mapping: EntitiesMapping
    words_seen: dict[tuple[str, str], datetime]

    async def read(self, query: Callable[[Connection], T]) -> T: ...

    async def know(self) -> None: ...

    def query(self, text: str, currency: str, /) -> Query: ...

    async def strange_word(self, entity: str, field: str) -> str | None: ...

    def maps(self, entity: str, field: str) -> bool: ...

    def any_field(self, entity: str) -> str: ...

    def home(self, entity: str) -> ShopDatabase:
        """Where the rows of an entity stand, to be counted there."""
        ...

    def unreadable(self, asked: Iterable[str]) -> str | None: ...

    def read_at(self, asked: Iterable[str]) -> datetime | None: ...
