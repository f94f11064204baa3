"""Store: the shop's SQLite file, one writer thread, one reader thread, never the event loop."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sandbox.shop.schema import SCHEMA

__all__ = ["Row", "Store", "get", "next_value", "one", "put", "rows"]

T = TypeVar("T")
Row = dict[str, Any]
Work = Callable[[sqlite3.Connection], T]


class Store:
    """WAL, so that others read the file while the shop writes it. Each write is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="shop-writer")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="shop-reader")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy address of the file, for those who read it."""
        return f"sqlite:///{self.path.resolve().as_posix()}"

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._write_thread, self._open_writer)
        await loop.run_in_executor(self._read_thread, self._open_reader)

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in one transaction; when it raises, nothing of it stays."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._write_thread, self._write, work)

    async def read(self, work: Work[T]) -> T:
        """Runs `work` over one consistent view; it never waits for the writer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_thread, self._read, work)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for thread, connection in (
            (self._read_thread, self._reader),
            (self._write_thread, self._writer),
        ):
            if connection is not None:
                await loop.run_in_executor(thread, connection.close)
            thread.shutdown(wait=True)

    def _open_writer(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _connect(self.path)
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.execute("PRAGMA synchronous=NORMAL")
        self._writer.executescript(SCHEMA)

    def _open_reader(self) -> None:
        self._reader = _connect(self.path)
        self._reader.execute("PRAGMA query_only=1")

    def _write(self, work: Work[T]) -> T:
        return _within(self._writer, "BEGIN IMMEDIATE", work)

    def _read(self, work: Work[T]) -> T:
        return _within(self._reader, "BEGIN", work)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


def _within(connection: sqlite3.Connection | None, begin: str, work: Work[T]) -> T:
    if connection is None:
        raise RuntimeError("the store is not open")
    connection.execute(begin)
    try:
        result = work(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return result


def rows(c: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    return [dict(row) for row in c.execute(sql, values)]


def one(c: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> Row | None:
    row = c.execute(sql, values).fetchone()
    return None if row is None else dict(row)


def get(c: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """A setting, kept as JSON."""
    row = c.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return default if row is None else json.loads(row[0])


def put(c: sqlite3.Connection, key: str, value: Any) -> None:
    c.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value, ensure_ascii=False)),
    )


def next_value(c: sqlite3.Connection, name: str, start: int = 1) -> int:
    """The next number of a sequence; the first is `start`."""
    row = c.execute(
        "INSERT INTO sequences VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        (name, start),
    ).fetchone()
    return int(row[0])
