"""Units of work, reads, group commit, the lock and the key."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.engines import FROZEN_SECONDS
from storage.errors import (
    AlreadyRunning,
    CannotOpen,
    StorageUnavailable,
    TooLate,
    WrongKey,
    WrongSchema,
)
from storage.models import HouseFact, WorkItem
from storage.upgrade import upgrade
from storage.work import NewWork
from tests.conftest import KEY

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def new(key: str) -> NewWork:
    return NewWork(kind="intake", key=key, payload={}, now=NOW, owner="me", secret={"a": "秘密"})


def count(session: Session) -> int:
    return session.execute(select(func.count()).select_from(WorkItem)).scalar_one()


async def test_what_a_unit_raises_is_raised_and_nothing_of_it_stands(database: Database) -> None:
    def unit(session: Session) -> None:
        session.add(HouseFact(key="x", value={}))
        session.flush()
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.write(unit)
    assert await database.read(lambda s: s.get(HouseFact, "x")) is None


async def test_units_run_off_the_event_loop_and_reads_cannot_write(database: Database) -> None:
    threads = {
        await database.write(lambda s: threading.current_thread().name),
        await database.read(lambda s: threading.current_thread().name),
    }
    assert threading.current_thread().name not in threads
    with pytest.raises((StorageUnavailable, DBAPIError)):
        await database.read(lambda s: (s.add(HouseFact(key="x", value={})), s.flush()))
    assert await database.read(lambda s: s.get(HouseFact, "x")) is None


async def test_deliveries_go_before_waiting_units(sqlite_url: str) -> None:
    database = Database.open(sqlite_url, key=KEY)
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def blocking(session: Session) -> None:
        entered.set()
        leave.wait(5)

    def unit(session: Session) -> None:
        order.append(f"unit sees {count(session)}")

    def urgent(session: Session) -> None:
        order.append("urgent")

    first = asyncio.create_task(database.write(blocking))
    await asyncio.to_thread(entered.wait, 5)
    waiting = [asyncio.create_task(database.write(unit)) for _ in range(2)]
    waiting.append(asyncio.create_task(database.write(urgent, urgent=True)))
    stores = [asyncio.create_task(database.store(new(f"k{n}"))) for n in range(30)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # what came in in one turn of the loop is stored after it
    leave.set()
    await asyncio.gather(first, *waiting, *stores)
    assert order == ["urgent", "unit sees 30", "unit sees 30"]
    await database.close()


async def test_units_give_way_while_deliveries_wait_for_their_acknowledgement(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held, a unit waits; let go, or after a moment, it runs; a delivery is stored all the same."""
    with monkeypatch.context() as longer:
        longer.setattr("storage.executor._HELD_AT_MOST", 60.0)
        database.hold_units()
    unit = asyncio.create_task(database.write(count))
    assert await database.store(new("k1"))
    assert not unit.done()
    database.let_units_go()
    assert await unit == 1
    database.hold_units()  # and nobody lets go
    assert await database.write(count) == 1


async def test_one_bad_row_does_not_spoil_its_group(database: Database) -> None:
    bad = NewWork(kind="intake", key="bad", payload={"x": object()}, now=NOW, owner="me")
    results = await asyncio.gather(
        database.store(new("a")),
        database.store(bad),
        database.store(new("b")),
        return_exceptions=True,
    )
    assert isinstance(results[0], int)
    assert isinstance(results[1], Exception)
    assert isinstance(results[2], int)
    assert await database.read(count) == 2


async def test_what_cannot_be_stored_in_time_is_not_stored_at_all(sqlite_url: str) -> None:
    database = Database.open(sqlite_url, key=KEY)
    entered, leave = threading.Event(), threading.Event()

    def blocking(session: Session) -> None:
        entered.set()
        leave.wait(5)

    first = asyncio.create_task(database.write(blocking))
    await asyncio.to_thread(entered.wait, 5)
    with pytest.raises(TooLate):
        await database.store(new("late"), within=0.05)
    leave.set()
    await first
    assert await database.store(new("next")) is not None
    assert await database.read(lambda s: list(s.scalars(select(WorkItem.key)))) == ["next"]
    await database.close()


async def test_a_row_that_was_committed_too_late_leaves_no_trace(sqlite_url: str) -> None:
    """The file is locked by another until the caller's time is over; then the commit succeeds.

    The copy beside it is refused too, and what Slack sends again is taken.
    """
    database = Database.open(sqlite_url, key=KEY)
    await database.read(count)
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")
        late = asyncio.create_task(database.store(new("late"), within=0.3))
        copy = asyncio.create_task(database.store(new("late"), within=0.3))
        await asyncio.sleep(0.5)  # the time that the delivery has is what is tested
        other.execute("rollback")
        outcomes = await asyncio.gather(late, copy, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TooLate, TooLate]
    assert await database.read(count) == 0
    assert isinstance(await database.store(new("late")), int)
    await database.close()


async def test_a_read_is_one_look(database: Database) -> None:
    """What is committed between two of its questions is seen by neither."""
    asked, go_on = threading.Event(), threading.Event()

    def twice(session: Session) -> tuple[int, int]:
        first = count(session)
        asked.set()
        go_on.wait(5)
        return first, count(session)

    looking = asyncio.create_task(database.read(twice))
    await asyncio.to_thread(asked.wait, 5)
    await database.store(new("between"))
    go_on.set()
    assert await looking == (0, 0)
    assert await database.read(count) == 1


async def test_reads_do_not_wait_for_the_writer(database: Database) -> None:
    entered, leave = threading.Event(), threading.Event()

    def blocking(session: Session) -> None:
        session.add(HouseFact(key="x", value={}))
        session.flush()
        entered.set()
        leave.wait(5)

    writing = asyncio.create_task(database.write(blocking))
    await asyncio.to_thread(entered.wait, 5)
    assert await asyncio.wait_for(database.read(lambda s: s.get(HouseFact, "x")), 2) is None
    leave.set()
    await writing
    assert await database.read(lambda s: s.get(HouseFact, "x")) is not None


async def test_a_conflict_is_raised_or_decided_anew(database: Database) -> None:
    """On PostgreSQL another replica may be quicker to insert: the unit runs again and sees it."""
    runs: list[bool] = []

    def unit(session: Session) -> bool:
        exists = session.scalar(select(HouseFact).where(HouseFact.key == "number")) is not None
        runs.append(exists)
        if not exists:
            if len(runs) == 1:
                other = Session(database.writing_engine)
                if not database.embedded:
                    with other:
                        other.add(HouseFact(key="number", value={}))
                        other.commit()
            session.add(HouseFact(key="number", value={}))
            session.flush()
        return exists

    assert await database.write(unit) is (not database.embedded)
    assert runs == ([False] if database.embedded else [False, True])
    if database.embedded:
        with pytest.raises(IntegrityError):
            await database.write(lambda s: (s.add(HouseFact(key="number", value={})), s.flush()))


async def test_a_lost_connection_is_opened_again(pg_url: str) -> None:
    database = Database.open(pg_url, key=KEY)
    await database.write(count)

    def others(session: Session) -> None:
        session.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        )

    await database.write(lambda s: None)
    await database.read(lambda s: None)
    await database.write(others)
    for _ in range(8):
        assert await database.write(count) == 0
        assert await database.read(count) == 0
    assert await database.store(new("k")) is not None
    await database.close()


async def test_a_process_that_is_frozen_amid_a_transaction_locks_nobody_out(pg_url: str) -> None:
    """The server ends its transaction, the rows are free, and once awake it does the unit anew."""
    frozen, other = Database.open(pg_url, key=KEY), Database.open(pg_url, key=KEY)
    locked, awake = threading.Event(), threading.Event()
    seen: list[object] = []

    def unit(session: Session) -> None:
        row = session.get_one(HouseFact, "x", with_for_update=True)
        seen.append(row.value)
        if not locked.is_set():
            allowed = session.scalar(text("show idle_in_transaction_session_timeout"))
            seen.append(allowed)
            session.execute(text("set local idle_in_transaction_session_timeout = '200ms'"))
            locked.set()
            awake.wait(10)
        row.value = {"by": "frozen"}

    def takes_over(session: Session) -> None:
        session.get_one(HouseFact, "x", with_for_update=True).value = {"by": "other"}

    await other.write(lambda s: s.add(HouseFact(key="x", value={"by": "nobody"})))
    waiting = asyncio.create_task(frozen.write(unit))
    await asyncio.to_thread(locked.wait, 10)
    async with asyncio.timeout(5):
        await other.write(takes_over)
    awake.set()
    await waiting
    assert seen == [{"by": "nobody"}, f"{FROZEN_SECONDS}s", {"by": "other"}]
    assert await other.read(lambda s: s.get_one(HouseFact, "x").value) == {"by": "frozen"}
    await frozen.close()
    await other.close()


async def test_a_locked_file_is_unavailable_for_a_while_and_then_works(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engines.BUSY_MILLISECONDS", 50)
    database = Database.open(sqlite_url, key=KEY)
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StorageUnavailable):
            await database.write(count)
        with pytest.raises(StorageUnavailable):
            await database.store(new("k"))
        other.execute("rollback")
    assert await database.write(count) == 0
    assert await database.store(new("k")) is not None
    await database.close()


async def test_a_full_disk_is_unavailable_and_harmless(sqlite_url: str) -> None:
    database = Database.open(sqlite_url, key=KEY)
    pages = await database.write(lambda s: s.execute(text("pragma page_count")).scalar_one())
    await database.write(lambda s: s.execute(text(f"pragma max_page_count = {pages}")) and None)

    def big(session: Session) -> None:
        session.add(HouseFact(key="big", value={"x": "y" * 200_000}))
        session.flush()

    with pytest.raises(StorageUnavailable, match="full"):
        await database.write(big)
    assert await database.read(lambda s: s.get(HouseFact, "big")) is None
    await database.write(big)  # the connection was opened anew, without the limit
    await database.close()


def test_the_wrong_key_is_said_at_the_start(database_url: str) -> None:
    with pytest.raises(WrongKey, match="MUSTER_KEY is not the key"):
        Database.open(database_url, key=b"x" * 32)
    with pytest.raises(WrongKey, match="MUSTER_KEY is not the key"):
        upgrade(database_url, b"x" * 32)
    with pytest.raises(WrongKey, match="31 bytes"):
        Database.open(database_url, key=b"x" * 31)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("nonsense", "is not an address"),
        ("mysql://x/y", "sqlite or postgresql"),
        ("sqlite://", "names no file"),
        ("sqlite:////nowhere/at/all/muster.db", "does not exist; muster run makes it"),
        ("postgresql://nobody@127.0.0.1:1/none", "does not open"),
    ],
)
def test_an_unusable_address_is_one_sentence(url: str, part: str) -> None:
    with pytest.raises(CannotOpen, match=part):
        Database.open(url, key=KEY)


async def test_a_second_run_on_sqlite_is_refused_and_maintenance_works_beside(
    sqlite_url: str,
) -> None:
    database = Database.open(sqlite_url, key=KEY)
    database.run_alone()
    code = (
        "import sys\nfrom storage.database import Database\n"
        f"d = Database.open({sqlite_url!r}, key=bytes(range(32)))\n"
        "from sqlalchemy import text\n"
        "print(d.read_now(lambda s: s.execute(text('select count(*) from work')).scalar_one()))\n"
        "try:\n    d.run_alone()\nexcept Exception as e:\n    print(type(e).__name__, e)\n"
        "d.close_now()\n"
    )

    def second() -> str:
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout

    said = await asyncio.to_thread(second)
    assert said.startswith("0\nAlreadyRunning another muster run (process ")
    assert "PostgreSQL" in said
    await database.close()
    assert await asyncio.to_thread(second) == "0\n"
    with pytest.raises(StorageUnavailable):
        await database.write(count)


async def test_several_run_on_postgresql(pg_url: str) -> None:
    one, two = Database.open(pg_url, key=KEY), Database.open(pg_url, key=KEY)
    one.run_alone()
    two.run_alone()
    await one.close()
    await two.close()


def test_a_lock_of_a_dead_process_does_not_stand_in_the_way(sqlite_url: str) -> None:
    code = (
        "import os, signal\nfrom storage.database import Database\n"
        f"Database.open({sqlite_url!r}, key=bytes(range(32))).run_alone()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    database = Database.open(sqlite_url, key=KEY)
    database.run_alone()
    other = Database.open(sqlite_url, key=KEY)
    with pytest.raises(AlreadyRunning):
        other.run_alone()
    database.close_now()
    other.close_now()


def test_a_newer_schema_is_refused(database_url: str) -> None:
    database = Database.open(database_url, key=KEY)
    database.write_now(lambda s: s.execute(text("update alembic_version set version_num='9999'")))
    database.close_now()
    with pytest.raises(WrongSchema, match="9999"):
        upgrade(database_url, KEY)
    with pytest.raises(WrongSchema, match="9999 and this version of Muster needs"):
        Database.open(database_url, key=KEY)


def test_an_upgrade_that_cannot_be_is_one_sentence() -> None:
    for url, part in (
        ("sqlite:////nowhere/at/all/muster.db", "the folder /nowhere/at/all does not exist"),
        ("postgresql://nobody@127.0.0.1:1/none", "was not brought up to date"),
    ):
        with pytest.raises(CannotOpen, match=part) as raised:
            upgrade(url, KEY)
        assert "\n" not in str(raised.value)


def test_personal_data_is_not_readable_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    upgrade(f"sqlite:///{path}", KEY)
    database = Database.open(f"sqlite:///{path}", key=KEY)

    async def store() -> None:
        await database.store(new("k"))

    asyncio.run(store())
    database.close_now()
    content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert "秘密".encode() not in content
    assert b"\\u79d8" not in content


def test_a_unit_takes_about_a_commit(sqlite_url: str) -> None:
    """A guard against a slow path (deferred BEGIN, a connection per unit): very generous."""
    database = Database.open(sqlite_url, key=KEY)
    started = time.perf_counter()
    for number in range(50):
        database.write_now(lambda s, n=number: s.add(HouseFact(key=f"f{n}", value={})))
    assert (time.perf_counter() - started) / 50 < 0.1
    database.close_now()
