"""A MariaDB server of the tests' own, for shops that keep their orders there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mariadb


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
