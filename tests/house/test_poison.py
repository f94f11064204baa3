"""A row that cannot be read is set aside and shown; everything beside it goes on."""

from __future__ import annotations

import sqlalchemy
import structlog
from sqlalchemy.orm import Session

from bot.clock import DrivenClock
from bot.schedule.outcomes import Done, Turn
from bot.schedule.workers import Workers
from storage import work
from storage.database import Database
from storage.models import WorkItem
from tests.sandbox_slack.conftest import until

_DAMAGES = {
    "payload": "update work set payload = '{\"do\": \"po' where key = 'b'",
    "secret": "update work set secret = :junk where key = 'b'",
}


async def _fill(database: Database, clock: DrivenClock) -> None:
    def unit(session: Session) -> None:
        now = clock.now()
        for key in ("a", "b", "c"):
            work.enqueue(
                session, kind="message", key=key, payload={"do": "post"}, due=now, now=now,
                order_key="INC-1", secret={"data": 1},
            )  # fmt: skip

    await database.write(unit)


async def _damage(database: Database, what: str) -> None:
    await database.write(
        lambda s: s.execute(
            sqlalchemy.text(_DAMAGES[what]), {"junk": b"junk"} if what == "secret" else {}
        )
    )


async def _states(database: Database) -> dict[str, str]:
    columns = sqlalchemy.select(WorkItem.key, WorkItem.state)
    return await database.read(lambda s: {row.key: row.state for row in s.execute(columns)})


async def _set_aside(database: Database, what: str) -> None:
    clock = DrivenClock()
    done: list[str] = []

    async def run(item: WorkItem) -> Turn:
        done.append(item.key)
        return Done()

    await _fill(database, clock)
    await _damage(database, what)
    workers = Workers(database, clock, "a")
    workers.add("message", run, concurrency=4)
    with structlog.testing.capture_logs() as logs:
        await workers.start()
        await until(lambda: done == ["a", "c"])
        await until(lambda: not workers.in_hand["message"])
        await workers.stop()
    assert await _states(database) == {"a": "done", "b": "parked", "c": "done"}
    shown = [entry for entry in logs if entry["event"] == "work_parked"]
    assert len(shown) == 1
    assert "cannot be read" in shown[0]["why"]
    error = await database.read(
        lambda s: s.scalar(sqlalchemy.select(WorkItem.last_error).where(WorkItem.key == "b"))
    )
    assert "cannot be read" in str(error)


async def test_a_payload_that_is_no_json(database: Database) -> None:
    await _set_aside(database, "payload")


async def test_a_secret_that_cannot_be_decrypted(database: Database) -> None:
    await _set_aside(database, "secret")


async def test_it_does_not_keep_the_next_start_from_working(sqlite_url: str) -> None:
    """A row that was damaged while a dead process had it is freed without being read."""
    from tests.conftest import KEY

    database = Database.open(sqlite_url, key=KEY)
    clock = DrivenClock()
    await _fill(database, clock)
    await database.write(lambda s: work.claim(s, "message", owner="dead", now=clock.now(), limit=1))
    await database.write(
        lambda s: s.execute(sqlalchemy.text("update work set payload = '{' where key = 'a'"))
    )
    done: list[str] = []

    async def run(item: WorkItem) -> Turn:
        done.append(item.key)
        return Done()

    workers = Workers(database, clock, "b")
    workers.add("message", run, concurrency=4)
    await workers.start()
    await until(lambda: done == ["b", "c"])
    await workers.stop()
    assert (await _states(database))["a"] == "parked"
    await database.close()
