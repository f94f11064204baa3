"""The database faults of the table, on both engines: locked, gone, full, restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from storage.backup import backup, restore, restored_elsewhere
from tests.faults.disk import bad_disk

_FULL = """
create function no_space() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file: No space left on device' using errcode = '53100';
end $$;
create trigger no_space before insert or update on work
for each statement execute function no_space();
create trigger no_space before insert or update on house
for each statement execute function no_space();
"""


def is_embedded(url: str) -> bool:
    return url.startswith("sqlite")


def path_of(url: str) -> Path:
    """The file of a SQLite address."""
    return Path(str(make_url(url).database))


@contextmanager
def broken(fault: str, url: str) -> Iterator[None]:
    """The fault holds for the length of the block."""
    kinds = {"database_locked": locked, "database_gone": gone, "disk_full": full}
    with kinds[fault](url):
        yield


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else holds the one writer's lock, or the tables."""
    if is_embedded(url):
        with closing(sqlite3.connect(path_of(url), isolation_level=None)) as other:
            other.execute("begin immediate")
            yield
            other.execute("rollback")
        return
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as other_side:
        other_side.execute(text("lock table work in access exclusive mode"))
        yield
        other_side.rollback()
    engine.dispose()


@contextmanager
def gone(url: str) -> Iterator[None]:
    """The disk is not there any more; the server takes no connection and ends those it has."""
    if is_embedded(url):
        with bad_disk(path_of(url), gone=True):
            yield
        return
    name = make_url(url).database
    admin(url, f"alter database {name} allow_connections false")
    _end_sessions(url)
    try:
        yield
    finally:
        admin(url, f"alter database {name} allow_connections true")


@contextmanager
def full(url: str) -> Iterator[None]:
    """No room for a page more; the server says so by its own code."""
    if is_embedded(url):
        with bad_disk(path_of(url), gone=False):
            yield
        return
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(_FULL)
        try:
            yield
        finally:
            connection.exec_driver_sql("drop function no_space cascade")
    engine.dispose()


def take_backup(url: str, folder: Path) -> Callable[[bytes], None]:
    """Copies the database as it is; what is returned puts the copy in its place again.

    On PostgreSQL nobody may have the database open at either time.
    """
    if is_embedded(url):
        copy = folder / "older.db"
        backup(url, copy)
        return lambda key: restore(url, copy, key=key)
    name = str(make_url(url).database)
    _end_sessions(url)
    admin(url, f"create database {name}_older template {name}")

    def put_back(key: bytes) -> None:
        admin(url, f"drop database {name} with (force)")
        admin(url, f"alter database {name}_older rename to {name}")
        restored_elsewhere(url, key=key)  # what `muster db restored` does after pg_restore

    return put_back


def admin(url: str, statement: str) -> None:
    """Executes it on the server, from another database."""
    parsed = make_url(url).set(drivername="postgresql+psycopg", database="postgres")
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _end_sessions(url: str) -> None:
    name = make_url(url).database
    admin(
        url,
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )
