"""What every connection is given, whatever the engine."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from storage.database import Database
from storage.engines import FROZEN_SECONDS, sqlite_path
from storage.errors import StorageUnavailable


async def test_an_error_that_is_logged_holds_nothing_of_a_row(database: Database) -> None:
    """Rule 9: what stands in a statement's parameters may be what somebody wrote."""
    asked = text("select :said from nowhere")
    with pytest.raises((DBAPIError, StorageUnavailable)) as raised:
        await database.write(lambda s: s.execute(asked, {"said": "0912 345 678"}) and None)
    assert "nowhere" in str(raised.value)
    assert "0912" not in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.postgres
async def test_a_server_that_is_gone_is_noticed_within_seconds(pg_url: str) -> None:
    """Frozen amid a transaction, or cut off: neither keeps rows from the others for long."""
    database = Database.open(pg_url, key=bytes(range(32)))
    try:
        with database.writing_engine.connect() as connection:
            idle = connection.scalar(text("show idle_in_transaction_session_timeout"))
            given = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
        assert idle == f"{FROZEN_SECONDS}s"
        assert int(given["tcp_user_timeout"]) <= 10_000
        patience = int(given["keepalives_idle"]) + int(given["keepalives_interval"]) * int(
            given["keepalives_count"]
        )
        assert patience <= 15
    finally:
        database.close_now()


async def test_a_disk_that_gives_half_a_page_is_a_database_that_is_away(
    sqlite_url: str,
) -> None:
    """SQLite says "malformed" by another class of error than "disk I/O error"."""
    database = Database.open(sqlite_url, key=bytes(range(32)))
    try:
        file = sqlite_path(make_url(sqlite_url))
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(StorageUnavailable, match="malformed"):
            await database.write(lambda s: s.execute(text("select * from work")).all() and None)
        file.write_bytes(whole)
        assert await database.read(lambda s: s.scalar(text("select count(*) from work"))) == 0
    finally:
        database.close_now()
