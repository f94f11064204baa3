"""Listings: what stands in no database, fetched once for all checks of the same moment.

What was read stands for `every` seconds and is never shown older; what could not be read is said
to each check that asks, and is tried again soon.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from checks.exchange import ProblemOf
from checks.listings.csv_rows import csv_rows
from checks.listings.http_pages import NotFetched, Pace, Sleep, http_pages
from checks.listings.joined_place import JoinedPlace, joined_place
from checks.listings.kept_mapping import as_kept, in_listings, standing_apart
from checks.listings.listing_database import ListingDatabase
from checks.listings.listing_settings import CsvFile, HttpListing
from checks.listings.listing_values import Marks, OtherForm, RowReader
from checks.queries.compiled_query import Query
from checks.queries.entity_mapping import EntitiesMapping, EntityMapping
from checks.queries.query_cache import compiled
from checks.shop.source import ShopDatabase, ShopUnavailable

_FAULT_STANDS = 30  # seconds, or `every` where that is less


@dataclass(frozen=True)
class Fetch:
    """What came of reading a listing once. `fault`: one sentence; None: it was read whole."""

    at: datetime
    until: datetime  # from when on it is read anew
    rows: int = 0
    pages: int = 0
    fault: str | None = None
    unread: str | None = None


@dataclass
class _Read:
    """The values of all rows so far."""

    reader: RowReader
    most: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    pages: int = 0

    def add(self, rows: Iterable[tuple[str, Any]]) -> None:
        """One page. Raises NotFetched, OtherForm."""
        for at, row in rows:
            self.rows.append(self.reader.read(row, at))
            if len(self.rows) > self.most:
                raise NotFetched(
                    f"there are more than {self.most} rows: list fewer, or raise most_rows"
                )
        self.pages += 1

    def whole(self) -> list[tuple[Any, ...]]:
        """Each row once: while pages are turned, what is listed moves from one to the next."""
        fields = list(self.reader.mapped.fields)
        if self.pages < 2 or "key" not in fields:
            return self.rows
        at = fields.index("key")
        by_key = {row[at]: row for row in self.rows if row[at] is not None}
        return [*by_key.values(), *(row for row in self.rows if row[at] is None)]

    def unread(self) -> str | None:
        if not self.reader.unreadable:
            return None
        some = "; ".join(self.reader.places)
        more = " …" if self.reader.unreadable > len(self.reader.places) else ""
        verb = "value is" if self.reader.unreadable == 1 else "values are"
        return (
            f"{self.reader.unreadable} {verb} unreadable in {self.reader.mapped.place} "
            f"({self.reader.entity}): {some}{more}"
        )


class Listings:
    """All listings of a shop, and the database in which their rows are asked."""

    def __init__(
        self,
        mapping: EntitiesMapping,
        currency: str,
        http: httpx.AsyncClient,
        problem_of: ProblemOf,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._whole = as_kept(mapping)
        self._mapping = mapping
        self._currency = currency
        self._http, self._problem_of = http, problem_of
        self._database = ListingDatabase(in_listings(mapping))
        self._fetches: dict[str, Fetch] = {}
        self._under_way: dict[str, asyncio.Task[Fetch]] = {}
        self._paces = {
            name: Pace(one.http.per_minute, sleep)
            for name, one in mapping.entities.items()
            if one.http is not None
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._database.mapping.entities)

    def maps(self, entity: str) -> bool:
        """Whether the shop maps it at all, wherever it stands."""
        return entity in self._mapping.entities

    def needs(self, text: str) -> Query:
        """A query over all that the shop maps, wherever it stands. Raises QueryError."""
        return compiled(text, self._whole, self._currency)

    def apart(self, asked: Iterable[str]) -> str | None:
        """Why these cannot be asked together; None: they can."""
        return standing_apart(asked, self._mapping)

    def place(self, entity: str) -> str:
        return self._mapping.entities[entity].place

    def may_be_empty(self, entity: str) -> bool:
        listing = self._mapping.entities[entity].listing
        return listing is not None and listing.may_be_empty

    async def read(self, asked: Iterable[str], now: datetime) -> ListingDatabase:
        """The database with the rows of these as they are now. Raises ShopUnavailable."""
        for name in asked:
            fetch = await self.fetched(name, now)
            if fetch.fault is not None:
                raise ShopUnavailable(fetch.fault, f"shop.mapping.{name}")
        return self._database

    async def joined(self, shop: ShopDatabase, asked: Iterable[str], now: datetime) -> JoinedPlace:
        """The shop's database with the rows of these as they are now. Raises ShopUnavailable."""
        listed = [name for name in asked if name in self.names]
        return await joined_place(shop, await self.read(listed, now), listed)

    async def fetched(self, name: str, now: datetime) -> Fetch:
        """What stands of the listing, or what is read of it now: once, whoever asks meanwhile."""
        known = self._fetches.get(name)
        if known is not None and known.at <= now < known.until:
            return known
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._fetch(name, now))
            self._under_way[name] = task
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return await asyncio.shield(task)  # a check that gives up leaves it to the others

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._database.close()

    async def _fetch(self, name: str, now: datetime) -> Fetch:
        mapped = self._mapping.entities[name]
        listing = mapped.listing
        assert listing is not None  # noqa: S101 - it is one of them
        stands = timedelta(seconds=listing.every)
        try:
            async with asyncio.timeout(listing.timeout):
                read = await self._rows(name, mapped, now)
                unread = read.unread()
                rows = await asyncio.to_thread(read.whole)
                await asyncio.to_thread(self._database.put, name, rows, unread, now)
            made = Fetch(now, now + stands, len(rows), read.pages, unread=unread)
        except (NotFetched, OtherForm, TimeoutError, sqlite3.Error) as error:
            why = str(error) or f"it was not read whole within {listing.timeout:g} s"
            wait = error.wait if isinstance(error, NotFetched) else 0.0
            again = max(min(stands, timedelta(seconds=_FAULT_STANDS)), timedelta(seconds=wait))
            fault = f"{name} cannot be read from {listing.place}: {why}"
            made = Fetch(now, now + again, fault=fault)
        self._fetches[name] = made
        return made

    async def _rows(self, name: str, mapped: EntityMapping, now: datetime) -> _Read:
        listing = mapped.listing
        if isinstance(listing, CsvFile):
            marks = Marks(listing.decimal, listing.thousands)
            read = _Read(RowReader(name, mapped, self._currency, marks), listing.most_rows)
            columns = {str(one.column) for one in mapped.fields.values()} - {*listing.optional}
            await asyncio.to_thread(lambda: read.add(csv_rows(listing, sorted(columns), now)))
            return read
        assert isinstance(listing, HttpListing)  # noqa: S101 - there are two kinds
        read = _Read(RowReader(name, mapped, self._currency), listing.most_rows)
        async for rows in http_pages(self._http, listing, self._paces[name], self._problem_of):
            page = read.pages + 1
            placed = [(f"row {at} of page {page}", row) for at, row in enumerate(rows, 1)]
            await asyncio.to_thread(read.add, placed)
        return read
