"""Session with the shop's database: read-only, in UTC, with a deadline that the server keeps.

Neither the server's settings nor the account's decide what a time means or how long a question may
take. What cannot be had so is said in one sentence, and nothing is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, event

from checks.shop import clickhouse_session
from checks.shop.clickhouse_types import CLICKHOUSE

_NAME = "muster"
_STEPS = 20_000  # of SQLite's machine between two looks at the clock: some milliseconds


_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def address(url: URL) -> URL:
    """The address at which it is opened: by the driver that Muster brings where none is named, a
    SQLite file read-only and never made, whatever its name holds."""
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    path = url.database
    if url.get_backend_name() != "sqlite" or not path or path == ":memory:":
        return url
    return url.set(database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})


def prepare(engine: Engine, timeout: float) -> None:
    """Every connection of the engine begins as the checks need it."""
    if engine.dialect.name == CLICKHOUSE:
        clickhouse_session.prepare(engine, timeout)
        return
    begin = _BEGIN.get(engine.dialect.name)
    if begin is not None:
        event.listen(engine, "connect", lambda connection, _: begin(connection, timeout))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", lambda connection, *_: _watch(connection, timeout))


def _postgresql(connection: Any, timeout: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET statement_timeout = {round(timeout * 1000)}")
        cursor.execute(f"SET application_name = '{_NAME}'")
    connection.commit()


def _mysql(connection: Any, timeout: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("SELECT version()")
        mariadb = "mariadb" in str(cursor.fetchone()[0]).lower()
        limit = (
            f"max_statement_time = {timeout:g}"
            if mariadb
            else f"max_execution_time = {round(timeout * 1000)}"
        )
        cursor.execute(f"SET SESSION {limit}")


def _sqlite(connection: Any, _timeout: float) -> None:
    connection.execute("PRAGMA query_only = 1")


def _watch(connection: Any, timeout: float) -> None:
    """A question that takes longer is broken off, and says so as an interrupted one."""
    end = time.monotonic() + timeout
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)


_BEGIN: dict[str, Callable[[Any, float], None]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
}
