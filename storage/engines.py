"""SQLAlchemy engines as Muster needs them: SQLite by its rules, PostgreSQL by psycopg."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from storage.cipher import AesCipher
from storage.errors import CannotOpen

SYNCHRONOUS = "full"  # what is committed is on the disk before anybody is told so (decision 2)
BUSY_MILLISECONDS = 5000  # how long a maintenance command may hold the file
# A server that is gone without a word is noticed within some ten seconds, not after hours.
_LOST_HOST = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
FROZEN_SECONDS = 10  # without a word in an open transaction: its process is frozen or cut off


def database_url(url: str) -> URL:
    """The address, checked. CannotOpen names what is wrong with it."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise CannotOpen(
            "database.url is not an address; write sqlite:///muster.db or "
            "postgresql://user@host/name."
        ) from None
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise CannotOpen("database.url names no file; write it like sqlite:///muster.db.")
        return parsed.set(drivername="sqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise CannotOpen(
        f"database.url is of “{backend}”; Muster keeps its data in sqlite or postgresql."
    )


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite address."""
    return Path(url.database or "")


def writing_engine(url: URL, cipher: AesCipher) -> Engine:
    """An engine for units of work. On SQLite: WAL, FULL, BEGIN IMMEDIATE (decision 2)."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 5}
        )
        event.listen(engine, "connect", _sqlite_writer)
        event.listen(engine, "begin", _begin_immediate)
    else:
        engine = _postgres(url)
    return _with_cipher(engine, cipher)


def reading_engine(url: URL, cipher: AesCipher) -> Engine:
    """An engine whose connections cannot write."""
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url).absolute()
        # A URI, so that SQLite itself refuses to write: mode=ro.
        engine = create_engine(
            "sqlite://",
            poolclass=NullPool,
            hide_parameters=True,
            creator=lambda: sqlite3.connect(path.as_uri() + "?mode=ro", uri=True, timeout=5),
        )
        event.listen(engine, "connect", _sqlite_reader)
        event.listen(engine, "begin", _begin_deferred)
    else:
        # One look is one snapshot, as on SQLite: what commits between two of its questions is seen
        # by both or by neither.
        engine = _postgres(url).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return _with_cipher(engine, cipher)


def _postgres(url: URL) -> Engine:
    # psycopg prepares a statement that it sees often; connections live as long as their thread.
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,  # an error that is logged must not hold what a row holds (rule 9)
        connect_args={"connect_timeout": 5, "application_name": "muster", **_LOST_HOST},
    )
    event.listen(engine, "connect", _postgres_session)
    return engine


def _postgres_session(connection: Any, _record: Any) -> None:
    """A replica that is frozen amid a transaction must not keep its rows locked from the others.

    Longer than any unit of work, shorter than a lease: what it had claimed can be taken over.
    """
    connection.execute(f"set idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'").close()
    connection.commit()


def _with_cipher(engine: Engine, cipher: AesCipher) -> Engine:
    engine.dialect.muster_cipher = cipher  # type: ignore[attr-defined]
    return engine


def _sqlite_writer(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "journal_mode = wal",
        f"synchronous = {SYNCHRONOUS}",
        "foreign_keys = on",
        "temp_store = memory",
        "secure_delete = on",  # what is deleted is overwritten, not only left behind
        "cache_size = -8000",
    ):
        connection.execute(f"pragma {pragma}").close()


def _sqlite_reader(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"pragma busy_timeout = {BUSY_MILLISECONDS}").close()
    connection.execute("pragma query_only = on").close()


def _begin_immediate(connection: Any) -> None:
    # A deferred BEGIN that writes later fails "locked" at once instead of waiting.
    connection.exec_driver_sql("begin immediate")


def _begin_deferred(connection: Any) -> None:
    connection.exec_driver_sql("begin")
