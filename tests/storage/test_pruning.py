"""What is deleted after some days, what stays, and that nothing else waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bot.schedule.housekeeping import housekeeping
from storage import work
from storage.database import Database
from storage.models import WorkItem
from tests.actions.clock import SteppedClock

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
KEEP = timedelta(days=7)


async def fill(database: Database, rows: list[dict[str, Any]], *, at: datetime) -> None:
    """Items that were finished, or are in the state they name."""

    def unit(session: Session) -> None:
        for row in rows:
            state = row.pop("state", "done")
            payload = {"do": row.pop("do")} if "do" in row else {}
            item = work.enqueue(session, payload=payload, due=at, now=at, **row)
            assert item is not None
            session.get_one(WorkItem, item).state = state

    await database.write(unit)


async def prune(database: Database, now: datetime) -> None:
    clock = SteppedClock()
    clock.advance((now - clock.now()).total_seconds())
    job = housekeeping(database, clock, keep_deliveries=KEEP)["prune"]
    finish = await job.job()
    assert finish is None


async def keys(database: Database) -> set[str]:
    return await database.read(lambda s: set(s.scalars(select(WorkItem.key))))


async def test_what_nobody_looks_up_again_goes_and_posts_stay(database: Database) -> None:
    passing = ["ephemeral", "respond", "view", "home", "twins"]
    lasting = ["post", "direct", "file"]
    old = SteppedClock().now()
    await fill(
        database,
        [
            *({"kind": kind, "key": kind} for kind in ("intake", "timer", "action")),
            *({"kind": "message", "key": do, "do": do} for do in passing + lasting),
            {"kind": "message", "key": "parked", "do": "respond", "state": "parked"},
            {"kind": "timer", "key": "waits", "state": "pending"},
        ],
        at=old,
    )
    await fill(database, [{"kind": "intake", "key": "young"}], at=old + timedelta(days=2))
    await prune(database, old + timedelta(days=8))
    assert await keys(database) == {*lasting, "parked", "waits", "young"}


async def test_each_unit_deletes_a_few_rows_by_their_ids(database: Database) -> None:
    """A thousand old rows never keep the writer for long, and no statement scans the table."""
    old = SteppedClock().now()
    await fill(
        database, [{"kind": "intake", "key": f"i{number}"} for number in range(1200)], at=old
    )
    deleted: list[int] = []
    plans: list[str] = []

    def executed(
        connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any
    ) -> None:
        if statement.startswith("DELETE"):
            deleted.append(cursor.rowcount)
            word = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
            raw = connection.connection.cursor()
            raw.execute(word + statement, parameters)
            plans.extend(str(tuple(row)) for row in raw.fetchall())

    event.listen(database.writing_engine, "after_cursor_execute", executed)
    await prune(database, old + timedelta(days=8))
    assert await keys(database) == set()
    assert sum(deleted) == 1200
    assert max(deleted) <= 500
    if database.embedded:
        assert plans
        assert all("SCAN work" not in plan for plan in plans)  # the others hold few rows
