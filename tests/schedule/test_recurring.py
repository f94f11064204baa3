"""Recurring work: once across replicas, once after a downtime, whatever the job does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.clock import DrivenClock, SystemClock
from bot.clock_control import ControlPort
from bot.schedule.housekeeping import housekeeping
from bot.schedule.recurring import Finish, Job, Recurring, RecurringWork
from bot.schedule.scheduler import Scheduler
from bot.schedule.workers import Workers
from storage import audit, work
from storage.database import Database
from storage.models import AuditEntry, HouseFact, WorkItem
from tests.sandbox_slack.conftest import until

MINUTE = timedelta(minutes=1)


class Jobs:
    """Recurring work under a driven clock."""

    def __init__(self, database: Database, recurring: Mapping[str, Recurring]) -> None:
        self.clock = DrivenClock()
        self.database = database
        self.workers = Workers(database, self.clock, "a")
        self.clock.on_advance(self.workers.wake)
        self.recurring = RecurringWork("check", database, self.clock, recurring)
        self.workers.add("check", self.recurring.run, concurrency=4)

    async def start(self) -> None:
        await self.recurring.plan()
        await self.workers.start()

    async def rows(self) -> dict[str, WorkItem]:
        def unit(session: Session) -> dict[str, WorkItem]:
            return {row.key: row for row in session.scalars(select(WorkItem))}

        return await self.database.read(unit)


async def test_after_a_downtime_it_runs_once(database: Database) -> None:
    runs: list[int] = []

    async def job() -> Finish:
        runs.append(1)
        return lambda session: session.add(HouseFact(key=f"run{len(runs)}", value={}))

    jobs = Jobs(database, {"probe": Recurring("probe", MINUTE, job)})
    await jobs.start()
    await until(lambda: len(runs) == 1)
    for expected in (2, 3):
        await until(lambda: not jobs.workers.in_hand["check"])
        jobs.clock.advance(60.5)
        await until(lambda n=expected: len(runs) == n)
    await until(lambda: not jobs.workers.in_hand["check"])
    jobs.clock.advance(20 * 60)
    await until(lambda: len(runs) == 4)
    await until(lambda: not jobs.workers.in_hand["check"])
    assert len(runs) == 4
    [row] = (await jobs.rows()).values()
    assert (row.state, row.attempts, row.last_error) == ("pending", 0, None)
    assert row.due > jobs.clock.now()
    assert await database.read(lambda s: s.get(HouseFact, "run4")) is not None
    await jobs.workers.stop()


async def test_a_job_that_fails_or_hangs_recurs_all_the_same(database: Database) -> None:
    runs: list[str] = []

    async def fails() -> Finish | None:
        runs.append("fails")
        raise ConnectionError("the shop is gone")

    async def hangs() -> Finish | None:
        runs.append("hangs")
        await asyncio.Event().wait()
        return None

    deadline = timedelta(seconds=0.05)
    jobs = Jobs(
        database,
        {
            "fails": Recurring("fails", MINUTE, fails),
            "hangs": Recurring("hangs", MINUTE, hangs, deadline),
        },
    )
    await jobs.start()
    for count in (1, 2, 3):
        await until(lambda n=count: runs.count("fails") == n and runs.count("hangs") == n)
        await until(lambda: not jobs.workers.in_hand["check"])
        jobs.clock.advance(61)
    await jobs.workers.stop()


async def test_what_cannot_be_written_is_said_and_the_job_recurs(database: Database) -> None:
    """Also when it cannot even be said: it is due again at its time, as after any other run."""
    runs: list[str] = []

    def broken(session: Session) -> None:
        session.add(HouseFact(key="half of it", value={}))
        session.flush()
        raise KeyError("no such section")

    def job(name: str) -> Job:
        async def look() -> Finish:
            runs.append(name)
            return broken

        return look

    def said(error: str) -> Finish:
        return lambda session: session.add(HouseFact(key=f"said {runs}", value={"error": error}))

    jobs = Jobs(
        database,
        {
            "said": Recurring("said", MINUTE, job("said"), instead=said),
            "unsaid": Recurring("unsaid", MINUTE, job("unsaid"), instead=lambda error: broken),
        },
    )
    await jobs.start()
    for count in range(1, 4):
        await until(lambda n=count: runs.count("said") == n and runs.count("unsaid") == n)
        await until(lambda: not jobs.workers.in_hand["check"])
        jobs.clock.advance(61)
    await jobs.workers.stop()
    facts = await database.read(lambda s: list(s.scalars(select(HouseFact))))
    told = [fact.value["error"] for fact in facts if fact.key.startswith("said")]
    assert len(told) == 3
    assert set(told) == {"an error of Muster, KeyError"}
    assert "half of it" not in [fact.key for fact in facts]


async def test_what_left_the_configuration_ends_and_comes_back(database: Database) -> None:
    runs: list[int] = []

    async def job() -> None:
        runs.append(1)

    recurring = {"probe": Recurring("probe", MINUTE, job)}
    first = Jobs(database, recurring)
    await first.start()
    await until(lambda: len(runs) == 1)
    await first.workers.stop()

    without = Jobs(database, {})
    without.clock.advance(120)
    await without.start()
    await until(lambda: _done(without))
    await without.workers.stop()

    again = Jobs(database, recurring)
    await again.start()
    await until(lambda: len(runs) == 2)
    await again.workers.stop()


async def _done(jobs: Jobs) -> bool:
    return all(row.state == "done" for row in (await jobs.rows()).values())


def test_the_next_turn_stays_in_step_and_is_never_in_the_past() -> None:
    now = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert work.following(now - timedelta(seconds=2), MINUTE, now) == now + timedelta(seconds=58)
    assert work.following(now - timedelta(hours=5), MINUTE, now) == now + MINUTE


async def test_housekeeping_deletes_old_deliveries_and_seals_the_audit_log(
    database: Database,
) -> None:
    clock = DrivenClock()

    def before(session: Session) -> None:
        now = clock.now()
        for key, age in (("old", 8), ("young", 6)):
            at = now - timedelta(days=age)
            item = work.enqueue(session, kind="intake", key=key, payload={}, due=at, now=at)
            assert item is not None
            session.get_one(WorkItem, item).state = "done"
        for key in ("ahead", "left behind"):
            work.enqueue(
                session, kind="message", key=key, payload={}, due=now, now=now, order_key="INC-1"
            )
        session.execute(update(WorkItem).where(WorkItem.key == "ahead").values(state="done"))
        audit.record(
            session, chain="INC-1", incident_id=None, actor="a", roles=[], action="x", object="y",
            result="done", data={}, now=now,
        )  # fmt: skip

    await database.write(before)
    for job in housekeeping(database, clock, keep_deliveries=timedelta(days=7)).values():
        finish = await job.job()
        if finish is not None:
            await database.write(finish)
    keys = await database.read(lambda s: set(s.scalars(select(WorkItem.key))))
    assert keys == {"young", "ahead", "left behind"}
    items = await database.write(
        lambda s: work.claim(s, "message", owner="a", now=clock.now(), limit=9)
    )
    assert [item.key for item in items] == ["left behind"]
    sealed = await database.read(
        lambda s: s.scalar(select(AuditEntry).where(AuditEntry.action == "audit.sealed"))
    )
    assert sealed is not None
    assert list(sealed.data["heads"]) == ["INC-1"]


async def test_the_scheduler_wakes_the_workers(sqlite_url: str) -> None:
    from tests.conftest import KEY

    database = Database.open(sqlite_url, key=KEY)
    workers = Workers(database, SystemClock(), "a")
    woken: list[object] = []
    workers.wake = lambda kinds=None: woken.append(kinds)  # type: ignore[method-assign]
    scheduler = Scheduler(workers)
    scheduler.wake_every(0.02, "check")
    scheduler.wake_every(0.02)
    scheduler.start()
    await until(lambda: ("check",) in woken and None in woken)
    scheduler.stop()
    await database.close()


async def test_the_control_port_drives_the_clock() -> None:
    clock = DrivenClock()
    pending = {"intake": 0, "message": 2}

    async def work_left() -> dict[str, int]:
        return pending

    port = ControlPort(clock, work_left)
    url = await port.start()
    waiting = asyncio.create_task(clock.sleep_until(clock.now() + timedelta(hours=1)))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/idle") as response:
            assert await response.json() == {"idle": False, "pending": pending}
        pending["message"] = 0
        async with session.get(f"{url}/idle") as response:
            assert (await response.json())["idle"] is True
        async with session.post(f"{url}/clock", json={"advance": 3600}) as response:
            assert (await response.json())["ok"] is True
        await asyncio.wait_for(waiting, 2)
        async with session.get(f"{url}/clock") as response:
            moment = datetime.fromisoformat((await response.json())["now"])
        assert abs(moment - clock.now()) < timedelta(seconds=5)
        for wrong in ({"advance": -1}, {"advance": "soon"}, {}, [1]):
            async with session.post(f"{url}/clock", json=wrong) as response:
                assert response.status == 400
    await port.stop()
    with pytest.raises(ValueError, match="backward"):
        clock.advance(-1)


def test_what_ran_while_the_clock_was_set_back_is_due_one_turn_from_now() -> None:
    """It had been claimed in the wrong future; its next turn is not hours away."""
    now, every = DrivenClock().now(), timedelta(seconds=30)
    assert work.following(now + timedelta(hours=3), every, now) == now + every
    assert work.following(now - timedelta(seconds=10), every, now) == now + timedelta(seconds=20)
    assert work.following(now - timedelta(hours=3), every, now) == now + every
