"""A real process that is killed at its commits and at random, or frozen past its leases."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import ActionAttempt, AttemptState, HouseFact, WorkItem, WorkState
from tests.actions.book import write_attempt
from tests.actions.tiny_shop import TinyShop, pretty
from tests.delivery.conftest import Postbox, open_postbox
from tests.faults.classes import WAYS, Way
from tests.faults.conftest import each
from tests.faults.intakes import Hands
from tests.faults.processes import Process
from tests.faults.table import Case
from tests.intake.conftest import CONFIG, Workspace
from tests.sandbox_slack.conftest import Hand, until

POINTS = ["before:1", "after:1", "before:2", "after:2", "before:3", "after:3", "before:4"]
_RANDOM = 4  # kills of one cell
_LIVES = 12.0  # seconds after which a process that still lives has done its work


class House:
    """A sandbox Slack, a shop, a database, and the bot process on them."""

    def __init__(self, postbox: Postbox, process: Process, shop: TinyShop) -> None:
        self.postbox = postbox
        self.process = process
        self.started = [process]  # all that must have ended with the test
        self.shop = shop

    @property
    def database(self) -> Database:
        return self.postbox.database

    async def run_out(self, seconds: float = 240) -> None:
        """Everything that is due within these seconds is done."""
        for _ in range(int(seconds / 15)):
            await self.process.advance(15, self.postbox.sandbox)

    async def end_leases(self) -> None:
        """As if the 30 s of a lease had passed on the server's clock."""

        if self.database.embedded:
            return  # nobody else may take its work, and it may be frozen with the writer's lock

        def past(session: Session) -> None:
            session.execute(
                update(WorkItem)
                .where(WorkItem.state == WorkState.CLAIMED)
                .values(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
            )

        await self.database.write(past)

    async def left(self) -> list[tuple[str, str]]:
        """Work that is not done."""
        return await self.database.read(
            lambda s: [
                (row.key, row.state)
                for row in s.execute(
                    select(WorkItem.key, WorkItem.state).where(WorkItem.state != WorkState.DONE)
                )
            ]
        )


@pytest.fixture
async def house(case: Case, url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        postbox = await stack.enter_async_context(open_postbox(url, CONFIG))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        shop = TinyShop(honours_keys=case.column.id == "keys")
        await shop.start()
        stack.push_async_callback(shop.stop)
        wish = {
            "url": url,
            "slack": postbox.sandbox.url,
            "shop": shop.url,
            "contract": case.column.id if case.column.group == "action" else "keys",
            "socket": case.column.group in ("intake", "form"),
            "product": case.column.group == "form",
            "modal": case.column.id == "view",
        }
        process = Process(wish, session)
        found = House(postbox, process, shop)
        yield found
        for each_one in found.started:
            each_one.send(signal.SIGCONT)
            if each_one.process is not None:
                await each_one.kill()


async def _kill_at_commits(house: House) -> None:
    """One process after the other, each ended at the next commit point of what is to be done."""
    for point in POINTS:
        if await house.process.start(kill=point):
            await until(house.process.idle_or_dead, seconds=_LIVES)
            await _ahead(house)
            await house.process.kill()
        assert house.process.process is not None
        code = house.process.process.returncode
        assert code == -signal.SIGKILL, house.process.errors
        if not house.postbox.database.embedded:
            await house.end_leases()
    await house.process.start()


async def _ahead(house: House) -> None:
    """What waits (a settle time, a look) becomes due, if the process still lives."""
    try:
        for _ in range(2):
            await house.process.advance(8, house.postbox.sandbox)
    except (aiohttp.ClientError, AssertionError):
        return


async def _kill_at_random(house: House) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    house.postbox.sandbox.world.latency = 0.05
    for _ in range(_RANDOM):
        started = asyncio.create_task(house.process.start())
        await until(lambda: house.process.process is not None)
        await asyncio.wait({started}, timeout=8)
        await asyncio.sleep(chance.uniform(0.0, 0.25))  # the moment is what is random
        await house.process.kill()
        house.process.ahead += 8
        house.postbox.sandbox.world.clock.advance(8)
        if not house.postbox.database.embedded:
            await house.end_leases()
    house.postbox.sandbox.world.latency = 0.0
    assert await house.process.start(), f"seed {seed}: {house.process.errors}"


async def _freeze(house: House, under_way: Callable[[], Any]) -> None:
    """Frozen with its request out until its lease is over; another takes over, where it may."""
    await house.process.start()
    await until(under_way, seconds=10)
    house.process.send(signal.SIGSTOP)
    await until(lambda: not _unanswered(house), seconds=10)
    await house.end_leases()
    other = Process(house.process.wish, house.process.session, house.process.ahead)
    house.started.append(other)
    started = await other.start()
    assert started != house.database.embedded, other.errors
    house.postbox.sandbox.world.latency = 0.0
    if started:
        for _ in range(8):
            await other.advance(15, house.postbox.sandbox)
        house.process.send(signal.SIGCONT)
        await until(house.process.idle, seconds=15)
        await house.process.kill()
        house.process = other
    else:
        # Refused in a sentence: for the other's sake, or since that one sleeps in its transaction.
        assert any(why in other.errors[-1] for why in ("stop it first", "database is locked"))
        house.process.send(signal.SIGCONT)
        await until(house.process.idle, seconds=15)


def _unanswered(house: House) -> int:
    return sum(1 for e in house.postbox.sandbox.world.log.requests if e.answered is None)


async def _suffer(case: Case, house: House, under_way: Callable[[], Any]) -> None:
    ordeals: dict[str, Callable[[], Awaitable[None]]] = {
        "kill_at_commit": lambda: _kill_at_commits(house),
        "kill_at_random": lambda: _kill_at_random(house),
        "stop_past_lease": lambda: _freeze(house, under_way),
    }
    await ordeals[case.fault.id]()
    await house.run_out()


@each("test_process.test_delivery")
async def test_delivery(case: Case, house: House) -> None:
    """Whatever ends the process on the way, the message stands once and in its place."""
    way: Way = WAYS[case.column.id]()
    postbox = house.postbox
    await way.prepare(postbox)
    await way.act(postbox)
    if case.fault.id == "stop_past_lease":
        postbox.sandbox.world.latency = 0.3
    before = postbox.calls(way.method)
    await _suffer(case, house, lambda: postbox.calls(way.method) > before)
    seen = await way.seen(postbox)
    assert seen == way.wanted or (way.at_most_once and seen == [])
    assert await house.left() == []


@each("test_process.test_intake")
async def test_intake(case: Case, house: House) -> None:
    """What was acknowledged is carried out, each delivery once; no event is lost."""
    slack = Workspace(
        house.postbox.sandbox,
        Hand(house.postbox.sandbox.url, house.process.session),
        house.postbox.client,
        "socket",
    )
    shown = 0
    if case.fault.id == "stop_past_lease":
        shown += await _act_on_frozen(case, house, slack)
    else:
        chance = random.Random(random.SystemRandom().randrange(10**6))
        points = [1.0] * 4 if case.fault.id == "kill_at_random" else POINTS[:5]
        for point in points:
            shown += await _act_and_die(case, house, slack, point, chance)
        await house.process.start()
    for seconds in (1, 60, 300):
        await house.process.advance(seconds, house.postbox.sandbox)
    await house.run_out(30)
    facts, deliveries = await house.database.read(_intake)
    assert facts == deliveries, "each stored delivery once"
    sent = {e.payload.get("event_id") for e in slack.sandbox.world.log.deliveries} - {None}
    if case.column.id == "event":
        assert facts == len(sent), "an event was lost"
    else:
        assert facts >= shown, "acknowledged and lost"
    assert await house.left() == []


def _intake(session: Session) -> tuple[int, int]:
    facts = select(func.count()).where(HouseFact.key.like("effect:%"))
    rows = select(func.count()).where(
        WorkItem.kind == "intake", WorkItem.key.not_like("start:%"), WorkItem.result.is_(None)
    )
    return session.scalar(facts) or 0, session.scalar(rows) or 0


async def _act_and_die(
    case: Case, house: House, slack: Workspace, point: str | float, chance: random.Random
) -> bool:
    """A person acts on a process that ends at that commit (or moment) of the delivery."""
    named = isinstance(point, str)
    assert await house.process.start(kill=point if named else None, armed_later=named)
    hands = Hands(case.column.id, slack)
    await hands.prepare()
    house.process.send(signal.SIGUSR1) if named else None
    acting = asyncio.create_task(hands.act())
    if not named:
        await asyncio.sleep(chance.uniform(0.0, 0.06))  # the moment is what is random
        await house.process.kill()
    ok = await acting
    if named and house.process.alive:
        await until(house.process.idle_or_dead, seconds=_LIVES)
        await house.process.kill()
    await house.process.ended()
    if not house.database.embedded:
        await house.end_leases()
    return ok and case.column.id != "event"


async def _act_on_frozen(case: Case, house: House, slack: Workspace) -> bool:
    await house.process.start()
    hands = Hands(case.column.id, slack)
    await hands.prepare()
    house.process.send(signal.SIGSTOP)
    ok = await hands.act()
    await house.end_leases()
    if case.column.id != "event":
        assert not ok, "acknowledged by a process that is frozen"
    house.process.send(signal.SIGCONT)
    await until(house.process.idle, seconds=15)
    again = Hands(case.column.id, slack)
    await again.prepare()
    ok = await again.act()
    assert ok
    return case.column.id != "event"


@each("test_process.test_action")
async def test_action(case: Case, house: House) -> None:
    """One effect a key, never a blind repetition, and the database says what the shop shows."""
    shop, contract = house.shop, case.column.id

    def write(session: Session) -> int:
        session.query(HouseFact).delete()
        from storage.models import Incident

        session.query(Incident).delete()
        return write_attempt(session, house.postbox.clock.now())

    attempt_id = await house.database.write(write)
    if case.fault.id == "stop_past_lease":
        shop.pause = 0.3
    await _suffer(case, house, shop.arrived.is_set)
    shop.pause = 0.0
    attempt = await house.database.read(lambda s: s.get_one(ActionAttempt, attempt_id))
    state = AttemptState(attempt.state)
    assert len(shop.applied) <= 1, pretty(shop.asked)
    assert (state is AttemptState.DONE) == (shop.applied == ["key-1"]), pretty(shop.asked)
    if contract == "keys":
        assert state is AttemptState.DONE
    else:
        assert shop.asked.count("PUT key-1") <= 1, "repeated blindly"
        assert state in (AttemptState.DONE, AttemptState.FAILED, AttemptState.UNKNOWN)
    await house.run_out(60)
    unfinished = [key for key, _ in await house.left() if not key.endswith("/later")]
    assert unfinished == []
