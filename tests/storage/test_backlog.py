"""A long backlog: what stands behind others costs a claim nothing, and none of it is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from storage import work
from storage.cipher import AesCipher
from storage.database import Database
from storage.engines import writing_engine
from storage.models import WorkItem
from storage.upgrade import alembic_config, upgrade
from tests.conftest import KEY
from tests.storage.test_work import add, claim, expire_leases

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HEADS, BEHIND = 5, 400


async def threads(database: Database) -> None:
    """A few threads with ten log lines each."""
    for number in range(HEADS):
        for line in range(10):
            await add(database, f"INC-{number}/log/{line}", order_key=f"INC-{number}")


async def many_more(database: Database) -> None:
    """Two thousand lines behind them, as enqueueing marks them."""

    def unit(session: Session) -> None:
        marked = session.execute(select(WorkItem).where(WorkItem.key == "INC-0/log/1")).scalar_one()
        assert marked.behind
        columns = [c.name for c in WorkItem.__table__.columns if c.name != "id"]
        row = {name: getattr(marked, name) for name in columns}
        session.execute(
            insert(WorkItem),
            [
                row | {"key": f"INC-{n}/more/{line}", "order_key": f"INC-{n}"}
                for n in range(HEADS)
                for line in range(BEHIND)
            ],
        )

    await database.write(unit)


async def effort(database: Database, unit: Callable[[Session], Any]) -> int:
    """How much the engine does for it: steps of SQLite's machine, rows that PostgreSQL reads."""

    def measured(session: Session) -> int:
        if database.embedded:
            steps = [0]

            def count() -> int:
                steps[0] += 1
                return 0

            driver: Any = session.connection().connection.driver_connection
            driver.set_progress_handler(count, 1)
            unit(session)
            driver.set_progress_handler(None, 1)
            return steps[0]
        unit(session)
        read = "coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        source = text(f"select {read} from pg_stat_xact_user_tables where relname = 'work'")
        return int(session.execute(source).scalar_one())

    if not database.embedded:
        await database.write(lambda s: s.execute(text("analyze work")) and None)
    return await database.read(measured)


async def test_what_stands_behind_others_costs_a_claim_nothing(database: Database) -> None:
    """Two thousand more behind the same few: the search for work takes no longer."""

    def search(session: Session) -> None:
        work.candidates(session, "message", now=NOW, limit=16)
        work.next_due(session, "message", NOW)

    await threads(database)
    few = await effort(database, search)
    await many_more(database)
    many = await effort(database, search)
    assert many < 2 * few + 100, (few, many)
    heads = await claim(database, limit=100)
    assert sorted(item.key for item in heads) == [f"INC-{n}/log/0" for n in range(HEADS)]
    held = [item.id for item in heads]
    again = await effort(
        database, lambda s: work.candidates(s, "message", now=NOW, limit=16, held=held)
    )
    assert again < 2 * few + 100, (few, again)
    assert await claim(database, limit=100) == []


@pytest.mark.parametrize("ending", ["complete", "park", "set_aside"])
async def test_every_end_lets_the_next_one_go(database: Database, ending: str) -> None:
    for number in range(4):
        await add(database, f"log/{number}", order_key="INC-1")
    for number in range(4):
        [item] = await claim(database)
        assert item.key == f"log/{number}"

        def end(session: Session, item: WorkItem = item) -> bool:
            if ending == "set_aside":
                return work.set_aside(session, item.id, "unreadable")
            if ending == "park":
                return work.park(session, item.id, item.epoch, "channel gone")
            return work.complete(session, item.id, item.epoch, NOW)

        assert await database.write(end)
    assert await claim(database) == []


async def test_a_parked_one_that_is_tried_again_goes_before_those_it_had_let_go(
    database: Database,
) -> None:
    """Whoever is ahead is looked at when it is claimed, whatever was marked."""
    for key in ("first", "second", "third"):
        await add(database, key, order_key="INC-1")
    [first] = await claim(database)
    await database.write(lambda s: work.park(s, first.id, first.epoch, "channel gone"))
    assert await database.write(lambda s: work.unpark(s, first.id, NOW))
    [again] = await claim(database)
    assert again.key == "first"
    assert await database.write(lambda s: work.complete(s, again.id, again.epoch, NOW))
    [second] = await claim(database)
    await expire_leases(database)
    [second] = await claim(database, owner="b")
    assert await database.write(lambda s: work.complete(s, second.id, second.epoch, NOW))
    assert [item.key for item in await claim(database)] == ["third"]


async def test_a_refresh_that_takes_over_its_successor_lets_go_what_was_behind_it(
    database: Database,
) -> None:
    def refresh(session: Session) -> None:
        work.refresh(
            session, kind="message", key="card", payload={}, due=NOW, now=NOW, order_key="card"
        )

    await database.write(refresh)
    [card] = await claim(database)
    await database.write(refresh)
    await add(database, "after", order_key="card")
    assert await database.write(lambda s: work.retry(s, card.id, card.epoch, NOW, "429"))
    [again] = await claim(database)
    assert again.id == card.id
    assert await database.write(lambda s: work.complete(s, again.id, again.epoch, NOW))
    assert [item.key for item in await claim(database)] == ["after"]


async def test_whoever_was_left_behind_is_found(database: Database) -> None:
    """A replica of an older version ends an item and knows nothing of marks."""
    await add(database, "first", order_key="INC-1")
    second = await add(database, "second", order_key="INC-1")
    await add(database, "third", order_key="INC-1")
    assert await database.read(work.left_behind) == []
    done = text("update work set state = 'done' where key = 'first'")
    await database.write(lambda s: s.execute(done) and None)
    assert await claim(database) == []
    assert await database.read(work.left_behind) == [second]
    await database.write(lambda s: work.let_go(s, [second] if second else []))
    assert [item.key for item in await claim(database)] == ["second"]


async def test_adding_behind_one_that_ends_at_the_same_moment_is_not_forgotten(
    database: Database,
) -> None:
    """PostgreSQL: the end waits for the adding, or the adding sees the end."""
    for number in range(30):
        key = f"INC-{number}"
        await add(database, f"{key}/first", order_key=key)
        [first] = await claim(database)
        ending = database.write(
            lambda s, i=first: work.complete(s, i.id, i.epoch, NOW)  # type: ignore[misc]
        )
        _, done = await asyncio.gather(add(database, f"{key}/second", order_key=key), ending)
        assert done
        [second] = await claim(database)
        assert second.key == f"{key}/second"


def test_an_upgrade_marks_what_waits(tmp_path: Path) -> None:
    """A backlog of the older schema drains in its order under the new one."""
    url = f"sqlite:///{tmp_path}/old.db"
    engine = writing_engine(make_url(url), AesCipher(KEY))
    added = text(
        "insert into work (id, kind, key, order_key, priority, due, state, epoch, settled_epoch,"
        " attempts, payload, created_at) values (:id, 'message', :key, :order_key, 5, :at,"
        " 'pending', 0, 0, 0, '{}', :at)"
    )
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0002")
        for number, order_key in enumerate(("a", "a", "b", None, "a"), 1):
            row = {"id": number, "key": f"k{number}", "order_key": order_key}
            connection.execute(added, row | {"at": "2026-11-24 04:00:00.000000"})
    engine.dispose()
    upgrade(url, KEY)
    database = Database.open(url, key=KEY)
    marked = select(WorkItem.id).filter_by(behind=True)
    assert database.read_now(lambda s: list(s.scalars(marked))) == [2, 5]
    first = database.write_now(lambda s: work.claim(s, "message", owner="a", now=LATER, limit=9))
    assert [item.key for item in first] == ["k1", "k3", "k4"]
    database.close_now()
