"""ClickHouse for tests: the engine `chdb` behind its HTTP interface, and tables in its types."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    text,
)

NAME = "clickhousedb"
_databases = itertools.count(1)


def installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("chdb", "clickhouse_connect"))


@contextmanager
def running(zone: str = "UTC") -> Iterator[int]:
    """The port of a fresh server (`tests.clickhouse_server`) whose wall clock is of that zone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clickhouse_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TZ": zone},
    )
    with process:  # it ends with its standard input
        assert process.stdout is not None
        yield int(process.stdout.readline())


def empty(port: int, user: str = "default") -> str:
    """The address of an empty database on that server."""
    server = f"{NAME}://{{}}@127.0.0.1:{port}"
    name = f"shop_{next(_databases)}"
    engine = create_engine(f"{server.format('default')}/default")
    with engine.begin() as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return f"{server.format(user)}/{name}"


def in_process(folder: Path) -> str:
    """The address of an engine in whichever process opens it; one at a time may."""
    return f"{NAME}:///?interface=chdb&path={folder}"


def create(engine: Engine, metadata: MetaData) -> None:
    """Makes the tables anew, as a shop that keeps its orders there would have them."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(text(f'drop table if exists "{table.name}"'))
            columns = ", ".join(f'"{one.name}" {_type(one)}' for one in table.columns)
            keys = ", ".join(f'"{name}"' for name in _keys(table)) or "tuple()"
            connection.execute(
                text(
                    f'create table "{table.name}" ({columns}) engine = MergeTree order by ({keys})'
                )
            )


def insert(engine: Engine, table: Table, rows: list[dict[str, Any]]) -> None:
    """Rows as any client would write them: what is left out is nothing."""
    with engine.begin() as connection:
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            held = ", ".join(f":{name}" for name in row)
            connection.execute(text(f'insert into "{table.name}" ({names}) values ({held})'), row)


def _keys(table: Table) -> Iterator[str]:
    return (str(one.name) for one in table.columns if one.primary_key)


def _type(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, Integer):
        made = "Int64"
    elif isinstance(kind, Numeric):
        made = f"Decimal({kind.precision}, {kind.scale})"
    elif isinstance(kind, DateTime):
        made = "DateTime"
    else:
        assert isinstance(kind, String), kind
        words = column.info.get("words")
        listed = ", ".join(f"'{word}' = {at}" for at, word in enumerate(words or (), start=1))
        made = f"Enum8({listed})" if words else "String"
    if column.primary_key:
        return made
    few = made == "String" and column.type.length in (3, 4)  # type: ignore[attr-defined]
    return f"LowCardinality(Nullable({made}))" if few else f"Nullable({made})"
