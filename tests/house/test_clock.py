"""The system clock is set back or forward by hours: nothing rests, nothing happens twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import SystemClock
from bot.delivery.rate_limits import Budget
from bot.schedule.clock_watch import ClockWatch
from bot.schedule.outcomes import Done, Turn
from bot.schedule.recurring import Finish, Recurring, RecurringWork
from bot.schedule.scheduler import Scheduler
from bot.schedule.workers import Workers
from storage import work
from storage.database import Database
from storage.models import WorkItem
from tests.sandbox_slack.conftest import until

HOURS = 3 * 3600.0


class JumpingClock(SystemClock):
    """The machine's clock, which somebody sets."""

    def __init__(self) -> None:
        self._off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off

    def jump(self, seconds: float) -> None:
        self._off += timedelta(seconds=seconds)


class House:
    """One check, one timer lane, and the watch over the clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = JumpingClock()
        self.checks = 0
        self.fired: list[str] = []
        self.workers = Workers(database, self.clock, "a")
        self.recurring = RecurringWork(
            "check",
            database,
            self.clock,
            {"probe": Recurring("probe", timedelta(seconds=0.2), self._look)},
        )
        self.workers.add("check", self.recurring.run, concurrency=2)
        self.workers.add("timer", self._fire, concurrency=2)
        self.workers.add("message", self._fire, concurrency=2)
        self.scheduler = Scheduler(self.workers)
        self.scheduler.wake_every(1.0)
        self.watch = ClockWatch(database, self.clock, (self.recurring,), self.scheduler)

    async def _look(self) -> Finish | None:
        self.checks += 1
        return None

    async def _fire(self, item: WorkItem) -> Turn:
        self.fired.append(item.key)
        return Done()

    async def start(self) -> None:
        await self.recurring.plan()
        await self.workers.start()
        self.scheduler.start()
        self.watch.start()

    async def stop(self) -> None:
        self.watch.stop()
        self.scheduler.stop()
        await self.workers.stop()

    async def add(self, kind: str, key: str, after: float, *, counts: bool = False) -> None:
        """`counts`: from this moment, as an escalation does; else it is an appointment."""

        def unit(session: Session) -> None:
            now = self.clock.now()
            due = now + timedelta(seconds=after)
            payload = {"since": now.isoformat()} if counts else {}
            work.enqueue(session, kind=kind, key=key, payload=payload, due=due, now=now)

        await self.database.write(unit)

    async def goes_on(self) -> None:
        """The check runs some more times."""
        wanted = self.checks + 2
        async with asyncio.timeout(10):
            await until(lambda: self.checks >= wanted)


async def test_checks_and_messages_go_on_when_the_clock_was_set_back(database: Database) -> None:
    house = House(database)
    await house.start()
    await house.goes_on()
    house.clock.jump(HOURS)
    await house.goes_on()
    await house.add("message", "retry", 5)  # a pause of some seconds, in the wrong future
    await house.add("timer", "reminder", 0.5)
    await until(lambda: house.fired == ["reminder"])
    await house.add("timer", "later", 1, counts=True)
    house.clock.jump(-HOURS)
    await house.goes_on()
    await until(lambda: "later" in house.fired)
    due = await database.read(
        lambda s: s.scalar(select(WorkItem.due).where(WorkItem.key == "retry"))
    )
    assert due is not None
    assert due <= house.clock.now() + timedelta(seconds=6)
    assert sorted(house.fired) == ["later", "reminder"], "no timer fires twice"
    await house.stop()


async def test_a_clock_set_back_while_nothing_ran_is_mended_at_the_start(
    database: Database,
) -> None:
    house = House(database)
    house.clock.jump(HOURS)
    await house.start()
    await house.goes_on()
    await house.stop()
    again = House(database)
    await again.start()
    await again.goes_on()
    await again.stop()


async def test_what_counts_from_a_moment_goes_back_with_it_and_an_appointment_stays(
    database: Database,
) -> None:
    """Forty seconds: less than any pause could tell; it is known by how much the clock was set."""
    house = House(database)
    await house.add("timer", "escalation", 60, counts=True)
    await house.add("timer", "tomorrow", 90)
    before = await _timers(database)
    at = house.clock.now()
    house.clock.jump(-40)
    back = work.SetBack(timedelta(seconds=40), at - timedelta(minutes=5))
    await database.write(lambda s: work.bring_near(s, house.clock.now(), back))
    after = await _timers(database)
    forty = timedelta(seconds=40)
    assert after["escalation"].due == before["escalation"].due - forty
    counted = datetime.fromisoformat(before["escalation"].payload["since"]) - forty
    assert after["escalation"].payload["since"] == counted.isoformat()
    assert after["tomorrow"].due == before["tomorrow"].due


async def _timers(database: Database) -> dict[str, WorkItem]:
    def unit(session: Session) -> dict[str, WorkItem]:
        found = {one.key: one for one in session.scalars(select(WorkItem))}
        session.expunge_all()
        return found

    return await database.read(unit)


async def test_a_waiting_message_is_brought_near(database: Database) -> None:
    """Its due time was written by a clock that ran hours ahead."""
    house = House(database)
    await house.add("message", "held", HOURS)
    moved = await database.write(lambda s: work.bring_near(s, house.clock.now()))
    assert moved == 1
    await house.add("timer", "tomorrow", 24 * 3600)
    assert await database.write(lambda s: work.bring_near(s, house.clock.now())) == 0


def test_the_budget_goes_back_with_the_clock() -> None:
    """Slack's limits are counted in real time; a set clock must not use them up for hours."""
    budget, now = Budget(), datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    ahead = now + timedelta(hours=3)
    while budget.take("chat.update", ahead) is None:
        pass
    budget.hold("chat.postMessage", ahead + timedelta(seconds=30))
    free = budget.take("chat.update", now)
    assert free is not None
    assert free <= now + timedelta(minutes=2)
    held = budget.take("chat.postMessage", now)
    assert held == now + timedelta(seconds=30)


async def test_a_wait_does_not_grow_when_the_clock_is_set_back() -> None:
    """A tenth of a second until Slack's limit is free must not become an hour."""

    class SetBack(SystemClock):
        asked = 0

        def now(self) -> datetime:
            self.asked += 1
            return super().now() - timedelta(hours=1) * (self.asked > 1)

    async with asyncio.timeout(5):
        await SetBack().sleep_until(datetime.now(UTC) + timedelta(seconds=0.1))
