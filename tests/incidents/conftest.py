from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.incidents.world import World


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    made = World.open(sqlite_url)
    yield made
    made.close()


@pytest.fixture
def either(database_url: str) -> Iterator[World]:
    """The same world, once on SQLite and once on PostgreSQL."""
    made = World.open(database_url)
    yield made
    made.close()
