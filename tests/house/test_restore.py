"""A backup beside a running bot, and a bot that starts on an older one than Slack has seen."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CheckResult, Finding
from storage import audit, audit_proof, work
from storage.backup import BackupError, backup, restore, restored_elsewhere
from storage.database import Database
from storage.errors import AlreadyRunning, WrongKey
from storage.models import ActionAttempt, HouseFact, WorkItem
from storage.restore_marks import mark_restored
from tests.conftest import KEY
from tests.delivery.conftest import open_postbox
from tests.incidents.world import MEI, World


async def test_what_was_sent_after_the_backup_is_found_and_not_sent_twice(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The card and a line wait in the backup; both went out after it."""
    copy = tmp_path / "older.db"
    async with open_postbox(sqlite_url) as postbox:
        await postbox.post("card", thread=None)
        await postbox.post("log/1")
        backup(sqlite_url, copy)
        await postbox.run(10)
        before = await postbox.texts()
        assert before == ["card", "log"]
        await postbox.database.close()
        restore(sqlite_url, copy, key=KEY)
        again = Database.open(sqlite_url, key=KEY)
        postbox.database = again
        postbox.boot += 1
        postbox.start()
        await again.write(lambda s: work.release_stale(s, f"boot-{postbox.boot}"))
        await postbox.run(200)
        assert await postbox.texts() == before
        assert postbox.calls("chat.postMessage") == 2
        assert set((await postbox.states()).values()) == {"done"}


async def test_a_card_that_shows_a_later_state_is_brought_back(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Slack shows what the restored database does not know; the database is the truth."""
    copy = tmp_path / "older.db"
    async with open_postbox(sqlite_url) as postbox:
        await postbox.post("card", thread=None)
        await postbox.run(10)
        backup(sqlite_url, copy)
        await postbox.refresh("card")
        await postbox.run(10)
        later = (await postbox.seen("C0INCIDENTS"))[0]["text"]
        await postbox.database.close()
        restore(sqlite_url, copy, key=KEY)
        postbox.database = Database.open(sqlite_url, key=KEY)
        postbox.start()
        await postbox.run(10)
        shown = (await postbox.seen("C0INCIDENTS"))[0]["text"]
        assert shown != later
        assert len(await postbox.seen("C0INCIDENTS")) == 1


def _mark_world(world: World) -> None:
    def unit(session: Session) -> None:
        work.enqueue(
            session, kind="intake", key="click", payload={}, due=world.now, now=world.now,
            secret={},
        )  # fmt: skip
        session.merge(HouseFact(key="incident_number", value={"next": 12}))

    world.write(unit)


def test_presses_under_way_are_left_to_people_and_numbers_are_not_given_twice(
    sqlite_url: str, tmp_path: Path
) -> None:
    world = World.open(sqlite_url)
    _mark_world(world)
    backup(sqlite_url, tmp_path / "older.db")
    world.close()
    marked = restore(sqlite_url, tmp_path / "older.db", key=KEY)
    assert marked.presses == 1
    database = Database.open(sqlite_url, key=KEY)
    row = database.read_now(lambda s: s.scalars(select(WorkItem)).one())
    assert (row.state, "press again" in str(row.last_error)) == ("parked", True)
    number = database.read_now(lambda s: s.get_one(HouseFact, "incident_number").value)
    assert number["next"] > 100
    assert database.read_now(audit_proof.verify) is None
    database.close_now()


def test_an_action_that_was_only_written_is_looked_up_before_it_is_sent(
    database_url: str,
) -> None:
    """After the backup it may have been sent: its key is asked for first."""
    world = World.open(database_url)
    finding = Finding("orders:paid", "order_state_stuck", facts={"state": "paid"})
    world.check(CheckResult("stuck-orders", world.now, findings=(finding,)))

    incident_id = world.incident().id
    world.write(
        lambda s: s.add(
            ActionAttempt(
                key="INC-1-k",
                incident_id=incident_id,
                action="x",
                params={},
                requested_by=MEI,
                requested_at=world.now,
            )
        )
    )
    assert world.write(lambda s: mark_restored(s, world.now)).actions == 1
    [attempt] = world.all(ActionAttempt)
    assert (attempt.state, attempt.sent_at) == ("sent", world.now)
    world.close()


def test_postgresql_is_marked_by_a_command_of_its_own(pg_url: str, tmp_path: Path) -> None:
    world = World.open(pg_url)
    _mark_world(world)
    world.close()
    for do in (
        lambda: backup(pg_url, tmp_path / "x"),
        lambda: restore(pg_url, tmp_path / "x", key=KEY),
    ):
        with pytest.raises(BackupError, match=r"use pg_(dump|restore)"):
            do()
    assert restored_elsewhere(pg_url, key=KEY).presses == 1


def test_a_backup_is_whole_and_ends_though_the_bot_writes_all_the_time(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Copied in steps it would begin anew with every commit."""
    database = Database.open(sqlite_url, key=KEY)

    def fill(session: Session, number: int) -> None:
        session.add(HouseFact(key=f"fill{number}", value={"x": "y" * 50_000}))
        audit.record(
            session, chain="INC-1", incident_id=None, actor="a", roles=[], action="x", object="y",
            result="done", data={}, now=datetime.now(UTC),
        )  # fmt: skip

    for number in range(200):  # ten megabytes: more than one step of pages
        database.write_now(lambda s, n=number: fill(s, n))
    stop = threading.Event()

    def load() -> None:
        number = 1000
        while not stop.is_set():
            database.write_now(lambda s, n=number: fill(s, n))
            number += 1

    writer = threading.Thread(target=load)
    writer.start()
    backup(sqlite_url, tmp_path / "copy.db")
    stop.set()
    writer.join()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("pragma integrity_check").fetchone()[0] == "ok"
    with pytest.raises(BackupError, match="exists"):
        backup(sqlite_url, tmp_path / "copy.db")
    database.close_now()
    restore(sqlite_url, tmp_path / "copy.db", key=KEY)
    restored = Database.open(sqlite_url, key=KEY)
    assert restored.read_now(audit_proof.verify) is None
    restored.close_now()
    assert Path(tmp_path / "muster.db.replaced").exists()


def test_nothing_is_restored_under_a_running_bot_or_with_another_key(
    sqlite_url: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    backup(sqlite_url, copy)
    database = Database.open(sqlite_url, key=KEY)
    database.run_alone()
    with pytest.raises(AlreadyRunning, match="stop it first"):
        restore(sqlite_url, copy, key=KEY)
    database.close_now()
    with pytest.raises(WrongKey):
        restore(sqlite_url, copy, key=bytes(32))
    Database.open(sqlite_url, key=KEY).close_now()


def test_a_damaged_database_is_replaced(sqlite_url: str, tmp_path: Path) -> None:
    """What a backup is for."""
    copy = tmp_path / "copy.db"
    backup(sqlite_url, copy)
    Path(tmp_path / "muster.db").write_bytes(b"not a database" * 1000)
    restore(sqlite_url, copy, key=KEY)
    Database.open(sqlite_url, key=KEY).close_now()
