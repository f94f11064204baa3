"""Source: the connection to the shop's database, read-only, bounded in time, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from checks.shop.mapping import LogicalTable, ShopMapping

T = TypeVar("T")


class ShopUnavailable(Exception):
    """The shop's database could not be read; the sentence says why and what to do."""


class ShopDatabase:
    """Reads the shop's own tables. Raises ShopUnavailable for whatever the database says."""

    def __init__(self, url: str, mapping: ShopMapping, *, timeout: float = 20.0) -> None:
        self.mapping = mapping
        self._timeout = timeout
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                # Opened read-only by SQLite itself: a check can never change the shop.
                parsed = parsed.set(
                    database=f"file:{parsed.database}", query={"mode": "ro", "uri": "true"}
                )
            self._engine = create_engine(
                parsed, pool_pre_ping=True, pool_size=2, max_overflow=2, hide_parameters=True
            )
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise ShopUnavailable(
                f"shop.database_url cannot be used: {error}. Write it like "
                "postgresql+psycopg://user@host/shop or sqlite:////path/shop.db."
            ) from error
        if self._engine.dialect.name == "postgresql":
            event.listen(self._engine, "connect", _postgresql_read_only)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Runs the query in a thread. ShopUnavailable after `timeout` seconds or on an error."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self.read_now, query), self._timeout)
        except TimeoutError:
            raise ShopUnavailable(
                f"the shop's database did not answer within {self._timeout:.0f} s"
            ) from None

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """The same, in this thread."""
        try:
            with self._engine.connect() as connection:
                return query(connection)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise ShopUnavailable(f"the shop's database cannot be read: {reason}") from error

    def orders(self) -> LogicalTable:
        return LogicalTable(self.mapping.orders, "o", self.mapping.customers)

    def payments(self) -> LogicalTable:
        return self._mapped("payments", "p")

    def refunds(self) -> LogicalTable:
        return self._mapped("refunds", "r")

    def history(self) -> LogicalTable:
        return self._mapped("history", "h")

    def _mapped(self, name: str, alias: str) -> LogicalTable:
        mapping = getattr(self.mapping, name)
        if mapping is None:
            raise ShopUnavailable(
                f"shop.mapping.{name} is missing: this check needs it; map the table or "
                "remove the check."
            )
        return LogicalTable(mapping, alias)

    def close(self) -> None:
        self._engine.dispose()


def _postgresql_read_only(connection: object, record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    cursor.close()
    connection.commit()  # type: ignore[attr-defined]
