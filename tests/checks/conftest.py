"""Servers of the tests' own, for shops that keep their orders in MariaDB or in ClickHouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import clickhouse, mariadb


@pytest.fixture(scope="session")
def mariadb_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a fresh server; the test counts as not run where MariaDB is not installed."""
    if mariadb.programs() is None:
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail("MariaDB is not installed, and MUSTER_REQUIRE_ALL is set")
        pytest.skip("not run: MariaDB is not installed")
    with mariadb.running(tmp_path_factory.mktemp("mariadb")) as socket:
        yield socket


@pytest.fixture
def mariadb_url(mariadb_socket: Path) -> str:
    """An empty database."""
    return mariadb.empty(mariadb_socket)


@pytest.fixture(scope="session")
def clickhouse_port() -> Iterator[int]:
    """The port of a fresh server; the test counts as not run where the extra is missing."""
    if not clickhouse.installed():
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail("the extra chdb is not installed, and MUSTER_REQUIRE_ALL is set")
        pytest.skip("not run: the extra chdb is not installed")
    with clickhouse.running() as port:
        yield port


@pytest.fixture
def clickhouse_url(clickhouse_port: int) -> str:
    """An empty database."""
    return clickhouse.empty(clickhouse_port)


# The fixture of the engine's address; None is a file of SQLite's.
ENGINES = [
    pytest.param(None, id="sqlite"),
    pytest.param("pg_url", id="postgresql"),
    pytest.param("mariadb_url", id="mariadb"),
    pytest.param("clickhouse_url", id="clickhouse", marks=pytest.mark.slow),
]


def address_of(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of an empty database on the engine that a test is asked for."""
    if request.param is None:
        return f"sqlite:///{folder / 'laden.db'}"
    return str(request.getfixturevalue(request.param))
