"""Joined place: the shop's database with the rows of listings, for a query that asks of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from checks.listings.listing_database import ListingDatabase
from checks.listings.sent_rows import MOST, field_types, value_name, with_listings, written
from checks.queries.compiled_query import Bind, Query
from checks.queries.query_cache import compiled
from checks.shop.source import ShopDatabase, ShopUnavailable

T = TypeVar("T")


async def joined_place(
    shop: ShopDatabase, listings: ListingDatabase, asked: Iterable[str]
) -> JoinedPlace:
    """With the rows of these listings. Raises ShopUnavailable, also where they are too many."""
    await shop.know()
    await listings.know()
    values = {}
    for name in asked:
        mapped = listings.mapping.entities[name]
        rows = await listings.read(partial(_rows, entity=name))
        if len(rows) > MOST:
            raise ShopUnavailable(
                f"{name} lists more than {MOST} rows, and no more are held against the shop's "
                "database at once: list fewer in its address",
                f"shop.mapping.{name}",
            )
        values[name] = written(rows, field_types(name, mapped, shop.column_type))
    return JoinedPlace(shop, listings, values)


def _rows(connection: Connection, entity: str) -> list[dict[str, Any]]:
    asked = text(f'SELECT * FROM "{entity}" LIMIT {MOST + 1}')  # noqa: S608 - our own name
    return [dict(row) for row in connection.execute(asked).mappings()]


class JoinedPlace:
    """Asked like either of the two, whose types are known. `values`: the rows, by entity."""

    def __init__(
        self, shop: ShopDatabase, listings: ListingDatabase, values: Mapping[str, str]
    ) -> None:
        self._shop = shop
        self._listings = listings
        self._values = values
        self.words_seen = shop.words_seen
        self.mapping = with_listings(
            shop.entities, listings.entities, shop.engine_name, shop.column_type
        )

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._shop.read(query)

    async def know(self) -> None:
        await self._shop.know()

    def query(self, asked: str, currency: str) -> Query:
        """Over both, with the rows of the listings that it asks of. Raises QueryError."""
        found = compiled(asked, self.mapping, currency)
        sent = {
            value_name(name): Bind(value=self._values[name])
            for name in found.needs
            if name in self._values
        }
        return replace(found, binds={**found.binds, **sent})

    async def strange_word(self, entity: str, field: str) -> str | None:
        if entity in self._listings.mapping.entities:
            return await self._listings.strange_word(entity, field)
        return await self._shop.strange_word(entity, field)

    def maps(self, entity: str, field: str) -> bool:
        return field in self.mapping.entities[entity].fields

    def any_field(self, entity: str) -> str:
        return next(iter(self.mapping.entities[entity].fields))

    def home(self, entity: str) -> ShopDatabase:
        listed = entity in self._listings.mapping.entities
        return self._listings if listed else self._shop

    def unreadable(self, asked: Iterable[str]) -> str | None:
        return self._listings.unreadable(asked)

    def read_at(self, asked: Iterable[str]) -> datetime | None:
        return self._listings.read_at(asked)
