"""The loops over the work table: waking, order of ends, failures, stopping."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bot.clock import DrivenClock
from bot.schedule.outcomes import Done, Park, Retry, Turn, Unclear
from bot.schedule.workers import Workers, pause_after
from storage import work
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.models import WorkItem
from tests.sandbox_slack.conftest import until

Make = Callable[..., Workers]


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
async def workers(database: Database, clock: DrivenClock) -> AsyncIterator[Make]:
    made: list[Workers] = []

    def make(owner: str = "a") -> Workers:
        made.append(Workers(database, clock, owner))
        clock.on_advance(made[-1].wake)
        return made[-1]

    yield make
    for each in made:
        await each.stop(within=0.5)


async def add(database: Database, clock: DrivenClock, key: str, **values: Any) -> None:
    now = clock.now()
    defaults: dict[str, Any] = {"kind": "timer", "payload": {}, "due": now, "now": now}

    def unit(session: Session) -> None:
        work.enqueue(session, key=key, **(defaults | values))

    await database.write(unit)


async def states(database: Database) -> dict[str, str]:
    def unit(session: Session) -> dict[str, str]:
        return {row.key: row.state for row in session.scalars(select(WorkItem))}

    return await database.read(unit)


async def test_a_commit_wakes_the_worker_at_once(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    seen: list[str] = []

    async def run(item: WorkItem) -> Turn:
        seen.append(item.key)
        return Done({"x": 1})

    mine = workers()
    mine.add("timer", run, concurrency=2)
    await mine.start()
    await until(lambda: not mine.in_hand["timer"])
    for number in range(5):
        await add(database, clock, f"t{number}")
        await until(lambda n=number: len(seen) == n + 1, seconds=2.0)
    await until(lambda: _all(database, "done"))


async def _all(database: Database, state: str) -> bool:
    return set((await states(database)).values()) == {state}


async def test_what_is_due_later_runs_when_the_clock_says_so(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    seen: list[str] = []

    async def run(item: WorkItem) -> Turn:
        seen.append(item.key)
        return Done()

    mine = workers()
    mine.add("timer", run, concurrency=2)
    await mine.start()
    await add(database, clock, "in an hour", due=clock.now() + timedelta(hours=1))
    await add(database, clock, "soon", due=clock.now() + timedelta(seconds=0.3))
    await until(lambda: seen == ["soon"])  # by real time, with nothing else to wake it
    clock.advance(3600)
    await until(lambda: seen == ["soon", "in an hour"])


async def test_every_end_of_a_turn_is_written(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    later = clock.now() + timedelta(hours=1)
    ends: dict[str, Turn] = {
        "done": Done({"a": 1}),
        "retry": Retry(later, "429"),
        "unclear": Unclear(later, "no reply"),
        "park": Park("is_archived"),
    }

    async def run(item: WorkItem) -> Turn:
        return ends[item.key]

    mine = workers()
    mine.add("timer", run, concurrency=4)
    await mine.start()
    for key in ends:
        await add(database, clock, key)
    await until(lambda: not mine.in_hand["timer"])
    expected = {"done": "done", "retry": "pending", "unclear": "unclear", "park": "parked"}
    await until(lambda: _same(database, expected))


async def _same(database: Database, expected: dict[str, str]) -> bool:
    return await states(database) == expected


async def test_a_poison_item_is_set_aside_and_the_rest_goes_on(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    tries: list[int] = []

    async def run(item: WorkItem) -> Turn:
        if item.key == "poison":
            tries.append(item.attempts)
            raise ZeroDivisionError("poison")
        return Done()

    mine = workers()
    mine.add("timer", run, concurrency=1)
    await mine.start()
    await add(database, clock, "poison", order_key="x")
    await add(database, clock, "after it", order_key="x")
    await add(database, clock, "other")
    for number in range(1, 9):
        await until(lambda n=number: len(tries) == n)
        await until(lambda: not mine.in_hand["timer"])
        clock.advance(120)
    await until(lambda: _same(database, {"poison": "parked", "after it": "done", "other": "done"}))
    assert tries == list(range(1, 9))


async def test_tried_again_after_it_was_parked_it_looks_first_where_it_may_have_had_its_effect(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    tries: dict[str, list[bool]] = {"timer": [], "message": []}

    async def run(item: WorkItem) -> Turn:
        tries[item.kind].append(item.epoch - 1 != item.settled_epoch)
        if len(tries[item.kind]) <= 8:
            raise ZeroDivisionError("poison")
        return Done()

    mine = workers()
    mine.add("timer", run, concurrency=1)
    mine.add("message", run, concurrency=1, unclear_on_error=True)
    await mine.start()
    await add(database, clock, "timer")
    await add(database, clock, "message", kind="message")
    for number in range(1, 9):
        await until(lambda n=number: all(len(seen) == n for seen in tries.values()))
        await until(lambda: not any(mine.in_hand.values()))
        clock.advance(120)
    await until(lambda: _all(database, "parked"))
    await database.write(lambda s: work.unpark_all(s, clock.now()))
    await until(lambda: _all(database, "done"))
    assert tries["timer"][-1] is False
    assert tries["message"][-1] is True


@pytest.mark.parametrize("unclear_on_error", [False, True])
async def test_waiting_is_no_failing(
    database: Database, clock: DrivenClock, workers: Make, unclear_on_error: bool
) -> None:
    """After a database that was away for long, the first error is the first of eight."""
    seen: list[int] = []

    async def run(item: WorkItem) -> Turn:
        seen.append(item.attempts)
        if len(seen) <= 10:
            raise StorageUnavailable("locked")
        if len(seen) == 11:
            return Retry(clock.now(), "its turn will come", waited=True)
        if len(seen) == 12:
            raise ZeroDivisionError("once")
        return Done()

    mine = workers()
    mine.add("timer", run, concurrency=1, unclear_on_error=unclear_on_error)
    await mine.start()
    await add(database, clock, "x")
    for number in range(1, 14):
        await until(lambda n=number: len(seen) >= n)
        await until(lambda: not mine.in_hand["timer"])
        clock.advance(5)
    await until(lambda: _all(database, "done"))
    assert seen == [1] * 12 + [2]


async def test_a_turn_that_hangs_is_broken_off_at_its_deadline(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    async def hang(item: WorkItem) -> Turn:
        await asyncio.Event().wait()
        return Done()

    mine = workers()
    mine.add("timer", hang, concurrency=1, deadline=0.1)
    mine.add("action", hang, concurrency=1, deadline=0.1, unclear_on_error=True)
    await mine.start()
    await add(database, clock, "check")
    await add(database, clock, "action", kind="action")
    await until(lambda: _same(database, {"check": "pending", "action": "unclear"}))


async def test_an_unavailable_database_does_not_lose_the_end_of_a_turn(
    database: Database, clock: DrivenClock, workers: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    failing = 3
    whole = database.write

    async def run(item: WorkItem) -> Turn:
        runs.append(item.key)
        monkeypatch.setattr(database, "write", sometimes)
        return Done()

    async def sometimes(unit: Any, **options: Any) -> Any:
        nonlocal failing
        if failing > 0:
            failing -= 1
            raise StorageUnavailable("database or disk is full")
        return await whole(unit, **options)

    mine = workers()
    mine.add("timer", run, concurrency=1)
    await mine.start()
    await add(database, clock, "x")
    await until(lambda: _all(database, "done"))
    assert runs == ["x"]
    assert failing == 0


async def test_two_replicas_share_the_work_and_do_each_item_once(
    pg_url: str, clock: DrivenClock
) -> None:
    from tests.conftest import KEY

    seen: list[tuple[str, str]] = []
    replicas = []
    for owner in ("a", "b"):
        database = Database.open(pg_url, key=KEY)
        replica = Workers(database, clock, owner)

        async def run(item: WorkItem, owner: str = owner) -> Turn:
            seen.append((owner, item.key))
            await asyncio.sleep(0)
            return Done()

        replica.add("timer", run, concurrency=2)
        await replica.start()
        replicas.append((database, replica))
    first = replicas[0][0]

    def many(session: Session) -> None:
        for number in range(60):
            work.enqueue(
                session, kind="timer", key=f"t{number}", payload={}, due=clock.now(),
                now=clock.now(), order_key=f"o{number % 7}",
            )  # fmt: skip

    await first.write(many)
    for _, replica in replicas:
        replica.wake()
    await until(lambda: _all(first, "done"), seconds=15)
    keys = [key for _, key in seen]
    assert sorted(keys) == sorted(f"t{n}" for n in range(60))
    for order in range(7):  # within an order key one after the other, whoever did it
        numbers = [int(key[1:]) for key in keys if int(key[1:]) % 7 == order]
        assert numbers == sorted(numbers)
    for database, replica in replicas:
        await replica.stop()
        await database.close()


async def test_stopping_lets_turns_end_and_marks_what_was_broken_off(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def run(item: WorkItem) -> Turn:
        if item.key == "hangs":
            await asyncio.Event().wait()
        begun.set()
        await go.wait()
        return Done()

    mine = workers()
    mine.add("timer", run, concurrency=2)
    await mine.start()
    await add(database, clock, "hangs")
    await add(database, clock, "ends")
    await add(database, clock, "waits")
    await begun.wait()
    asyncio.get_running_loop().call_later(0.05, go.set)
    await mine.stop(within=0.5)
    assert await states(database) == {"hangs": "claimed", "ends": "done", "waits": "pending"}
    [left] = [
        item
        for item in await database.write(
            lambda s: work.claim(s, "timer", owner="b", now=clock.now(), limit=9)
        )
        if item.key == "hangs"
    ]
    assert left.epoch - 1 != left.settled_epoch  # whether it had its effect is to be looked up


async def test_what_is_being_taken_when_the_stop_comes_is_given_back(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    """Its commit stands: it is neither stranded until its lease ends, nor counted as begun. What
    an earlier try left unclear stays so."""
    await add(database, clock, "earlier", kind="message")
    [item] = await database.write(
        lambda s: work.claim(s, "message", owner="b", now=clock.now(), limit=1)
    )
    await database.write(lambda s: work.unclear(s, item.id, item.epoch, clock.now(), "?"))
    await add(database, clock, "fresh", kind="message")
    begun: list[str] = []

    async def run(item: WorkItem) -> Turn:
        begun.append(item.key)
        return Done()

    mine = workers()
    mine.add("message", run, concurrency=4)
    committing, go = hold_claims(database)
    await mine.start()
    await until(committing.is_set)
    stopping = asyncio.create_task(mine.stop(within=5.0))
    asyncio.get_running_loop().call_soon(go.set)
    await stopping
    assert begun == []
    again = await database.write(
        lambda s: work.claim(s, "message", owner="c", now=clock.now(), limit=9)
    )
    ambiguous = {item.key: item.epoch - 1 != item.settled_epoch for item in again}
    assert ambiguous == {"earlier": True, "fresh": False}


def hold_claims(database: Database) -> tuple[threading.Event, threading.Event]:
    """A claim stops right before its commit (told by the first event) until the second is set."""
    committing, go = threading.Event(), threading.Event()
    claiming: set[Any] = set()

    def executed(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE work") and "epoch=(work.epoch" in statement:
            claiming.add(connection)

    def commits(connection: Any) -> None:
        if connection in claiming:
            committing.set()
            go.wait(5)

    event.listen(database.writing_engine, "after_cursor_execute", executed)
    event.listen(database.writing_engine, "commit", commits)
    return committing, go


async def test_a_stop_ends_every_claim_of_its_process(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    """Also one that it does not know to hold, because the answer to its claim was lost."""
    await add(database, clock, "x")
    mine = workers()
    mine.add("timer", _never, concurrency=1)
    await database.write(lambda s: work.claim(s, "timer", owner="a", now=clock.now(), limit=1))
    await mine.stop(within=0.5)
    [taken] = await database.write(
        lambda s: work.claim(s, "timer", owner="b", now=clock.now(), limit=1)
    )
    assert (taken.owner, taken.epoch) == ("b", 2)


async def _never(item: WorkItem) -> Turn:
    raise AssertionError(item.key)


async def test_an_unclear_item_is_looked_at_when_it_is_due(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    """Its new due time is noticed by the commit itself: nothing else wakes this worker."""
    seen: list[int] = []

    async def run(item: WorkItem) -> Turn:
        seen.append(item.epoch)
        soon = clock.now() + timedelta(seconds=0.1)
        return Unclear(soon, "no reply") if len(seen) == 1 else Done()

    mine = workers()
    mine.add("message", run, concurrency=1)
    await mine.start()
    await add(database, clock, "x", kind="message")
    await until(lambda: seen == [1, 2])


def test_a_database_that_is_away_for_days_is_asked_every_few_seconds() -> None:
    """However often it failed, the loops go on: the pause is never too big a number."""
    pauses = [pause_after(failures) for failures in (1, 2, 10, 100, 5000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.4, 5.0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_how_an_urgent_turn_ended_is_written_before_other_units(
    database: Database, clock: DrivenClock, workers: Make
) -> None:
    """Behind them, what a person asked for looked undone for a second after it had been done."""
    order: list[str] = []
    entered, leave, ended = asyncio.Event(), threading.Event(), asyncio.Event()

    async def run(item: WorkItem) -> Turn:
        entered.set()
        await ended.wait()
        return Done()

    def slow(_: Session) -> None:
        leave.wait(10)

    def routine(session: Session) -> None:
        order.append(str(session.scalar(select(WorkItem.state))))

    mine = workers()
    mine.add("timer", run, concurrency=1, urgent=True)
    await mine.start()
    await add(database, clock, "asked")
    await entered.wait()
    units = [asyncio.create_task(database.write(slow))]
    units += [asyncio.create_task(database.write(routine)) for _ in range(3)]
    lane = database._units
    await until(lambda: len(lane._units) == 3)
    ended.set()
    await until(lambda: len(lane._urgent) == 1)
    leave.set()
    await asyncio.gather(*units)
    assert order == ["done"] * 3
