"""Listing database: the rows of listings as tables of one SQLite database of ours, in memory.

How large it becomes is bounded by what is read; no customer's data comes to a disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase

T = TypeVar("T")
_TYPES = {"money": "INTEGER", "integer": "INTEGER", "flag": "INTEGER", "instant": "DATETIME"}
_SOUGHT = ("key", "instant", "text")  # types by which rows of one table are found from another


class ListingDatabase(ShopDatabase):
    """Asked like the shop's own. One connection, so one question or one writing at a time."""

    called = "what was read of its listings"
    counts_stand = False  # they are few, and others after each reading

    def __init__(self, mapping: EntitiesMapping, *, timeout: float = 20.0) -> None:
        self._turn = Lock()
        self._connection = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA temp_store = MEMORY")
        engine = create_engine(
            "sqlite://",
            creator=lambda: self._connection,
            poolclass=StaticPool,
            hide_parameters=True,
        )
        super().__init__(engine, mapping, timeout=timeout)
        for name, one in mapping.entities.items():
            self._create(name, tuple(one.fields))
        self._unread: dict[str, str] = {}
        self._read_at: dict[str, datetime] = {}

    def _create(self, entity: str, fields: Iterable[str]) -> None:
        kinds = entities()[entity].fields
        columns = ", ".join(f'"{one}" {_TYPES.get(kinds[one].type, "TEXT")}' for one in fields)
        with self._writing() as connection:
            connection.execute(f'CREATE TABLE "{entity}" ({columns})')
            for one in fields:
                if kinds[one].type in _SOUGHT:
                    connection.execute(f'CREATE INDEX "{entity}_{one}" ON "{entity}" ("{one}")')

    def put(
        self, entity: str, rows: Sequence[tuple[Any, ...]], unread: str | None, at: datetime
    ) -> None:
        """In place of the rows that were there. `unread`: what of them could not be read."""
        fields = tuple(self.mapping.entities[entity].fields)
        marks = ", ".join("?" * len(fields))
        with self._writing() as connection:
            connection.execute(f'DELETE FROM "{entity}"')  # noqa: S608 - our own names
            connection.executemany(f'INSERT INTO "{entity}" VALUES ({marks})', rows)  # noqa: S608
        self._read_at[entity] = at
        self._unread.pop(entity, None)
        if unread is not None:
            self._unread[entity] = unread

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            connection = self._connection
            connection.set_progress_handler(None, 0)
            connection.execute("PRAGMA query_only = 0")
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            finally:
                connection.execute("PRAGMA query_only = 1")

    def read_now(self, query: Callable[[Connection], T]) -> T:
        with self._turn:
            return super().read_now(query)

    def unreadable(self, asked: Iterable[str]) -> str | None:
        return next((self._unread[name] for name in asked if name in self._unread), None)

    def read_at(self, asked: Iterable[str]) -> datetime | None:
        return min((self._read_at[name] for name in asked if name in self._read_at), default=None)

    def close(self) -> None:
        with self._turn:
            super().close()
            self._connection.close()
