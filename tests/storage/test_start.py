"""A bot that starts: claimed first, then upgraded; one that fails leaves no claim behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import AlreadyRunning, WrongKey
from storage.lock import InstanceLock
from tests.conftest import KEY


def test_the_schema_of_a_running_bot_is_left_alone(tmp_path: Path) -> None:
    """A second one is refused before it has changed anything."""
    path = tmp_path / "muster.db"
    running = InstanceLock.take(path)
    with pytest.raises(AlreadyRunning):
        Database.start(f"sqlite:///{path}", key=KEY)
    assert not path.exists(), "the refused one has made the schema"
    running.release()
    Database.start(f"sqlite:///{path}", key=KEY).close_now()


def test_a_start_that_fails_gives_its_claim_back(sqlite_url: str) -> None:
    """It need not be looked for which process has the file."""
    Database.start(sqlite_url, key=KEY).close_now()
    with pytest.raises(WrongKey):
        Database.start(sqlite_url, key=bytes(32))
    Database.start(sqlite_url, key=KEY).close_now()
