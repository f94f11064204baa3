"""Every intake: what was acknowledged is carried out once, what comes again is recognised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import AlreadyRunning
from tests.conftest import KEY
from tests.faults.conftest import each
from tests.faults.intakes import KINDS, Hands, register
from tests.faults.outages import broken, take_backup
from tests.faults.table import Case
from tests.intake.conftest import Bot, Connect, Workspace
from tests.sandbox_slack.conftest import until

_KINDS = {"retry_after_600": "rate_limited"}
_RETRIES = (1, 60, 300)  # seconds after which Slack has sent an event again


@pytest.fixture
async def slack(bot: Bot, connect: Connect) -> Workspace:
    register(bot)
    made: Workspace = await connect(connections=1)
    return made


@pytest.fixture
async def hands(case: Case, slack: Workspace) -> Hands:
    made = Hands(case.column.id, slack)
    await made.prepare()
    return made


async def _is(bot: Bot, effects: int) -> bool:
    return await bot.effects() == effects and await bot.settled()


async def _again(slack: Workspace, bot: Bot, effects: int) -> None:
    """Slack sends an event that was not acknowledged again, at last after 5 minutes."""
    for seconds in _RETRIES:
        slack.sandbox.world.clock.advance(seconds)
        try:
            await until(lambda: _is(bot, effects), seconds=1.0)
        except AssertionError:
            continue
        return
    await until(lambda: _is(bot, effects))


@each("test_intake.test_an_answer_of_slack")
async def test_an_answer_of_slack(case: Case, bot: Bot, slack: Workspace, hands: Hands) -> None:
    """The connection is cut and Slack answers the next one so: shown as failed, or carried out."""
    fault, world = case.fault.id, slack.sandbox.world
    if fault == "slack_down":
        world.faults.add({"method": "*", "kind": "down"})
        await slack.hand.post("faults", method="socket", kind="down")
    else:
        more = {"retry_after": {"retry_after_600": 600}.get(fault, 3), "seconds": 0.5}
        wish = {"method": "apps.connections.open", "kind": _KINDS.get(fault, fault), **more}
        world.faults.add(wish)
        await slack.hand.post("socket", do="cut")
    await until(lambda: len(world.sockets) == 0)
    acknowledged = int(await hands.act())
    if fault == "retry_after_600":
        await until(lambda: _asked(slack) == 2)
        bot.clock.advance(590)
        await asyncio.wait_for(asyncio.shield(_quiet(slack)), 5)
        assert _asked(slack) == 2, "asked again before its time"
        bot.clock.advance(15)
    elif fault == "slack_down":
        for _ in range(20):
            bot.clock.advance(180)
        world.faults.remove()
    await until(lambda: _connected_by(bot, slack, 5), seconds=10)
    if case.column.id == "event":
        await _again(slack, bot, 1)
        return
    assert acknowledged == 0, "nobody was there"
    assert await hands.act(), "the person presses again"
    await until(lambda: _is(bot, 1))


def _connected_by(bot: Bot, slack: Workspace, seconds: float) -> bool:
    """Whether it is connected again; if not, the time goes on by these seconds."""
    connected = len(slack.sandbox.world.sockets) == 1
    if not connected:
        bot.clock.advance(seconds)
    return connected


def _asked(slack: Workspace) -> int:
    log = slack.sandbox.world.log.requests
    return sum(1 for entry in log if entry.method == "apps.connections.open")


async def _quiet(slack: Workspace) -> None:
    """A few turns of the loop, each with a round trip to the sandbox."""
    for _ in range(5):
        await slack.hand.get("options")


@each("test_intake.test_a_redelivery")
async def test_a_redelivery(case: Case, bot: Bot, slack: Workspace, hands: Hands) -> None:
    gap = {"twice_at_once": 0, "twice_3_s_apart": 3, "after_restart": 45}[case.fault.id]
    rule = {"redeliver": KINDS[case.column.id], "twice": True, "gap": gap}
    await slack.hand.post("delivery", **rule)
    assert await hands.act()
    await until(lambda: _is(bot, 1))
    if case.fault.id == "after_restart":
        await slack.restart(bot)
    slack.sandbox.world.clock.advance(gap)
    await until(lambda: bot.intake.counts.duplicates == 1)
    await until(lambda: _is(bot, 1))
    assert len(bot.done) == 1


@each("test_intake.test_the_database")
async def test_the_database(
    case: Case, bot: Bot, slack: Workspace, hands: Hands, url: str, tmp_path: Path
) -> None:
    """What cannot be stored is not acknowledged; what a backup holds as done is not done again."""
    if case.fault.id == "restored":
        await _restored(case, bot, slack, hands, url, tmp_path)
        return
    with broken(case.fault.id, url):
        acknowledged = await hands.act()
        if case.column.id == "event":
            await until(lambda: slack.sandbox.world.log.deliveries)
        else:
            assert not acknowledged, "shown as done although nothing was stored"
    if case.column.id == "event":
        await _again(slack, bot, 1)
        return
    await until(lambda: bot.intake.counts.refused >= 1, seconds=10)
    await until(lambda: _is(bot, 0), seconds=10)  # stored too late is taken back
    assert await hands.act(), "the person presses again"
    await until(lambda: _is(bot, 1))


async def _restored(
    case: Case, bot: Bot, slack: Workspace, hands: Hands, url: str, folder: Path
) -> None:
    assert await hands.act()
    await until(lambda: _is(bot, 1))
    row = (await bot.rows())[-1]
    assert slack.socket_mode is not None
    await slack.socket_mode.stop()
    await bot.workers.stop(within=1.0)
    await bot.database.close()
    put_back = take_backup(url, folder)
    put_back(KEY)
    bot.database = Database.open(url, key=KEY)
    bot.compose(slack.client)
    await bot.workers.start()
    await slack.connect_again(bot, connections=1)
    body = row.secret.get("payload", row.secret)
    reply = await bot.intake.receive(body, "{}")  # the same delivery once more
    assert reply.acknowledge
    assert bot.intake.counts.duplicates == 1
    await hands.prepare()
    assert await hands.act(), "and the next one is taken in"
    await until(lambda: _is(bot, 2))


@pytest.fixture(autouse=True)
async def _closed(bot: Bot) -> AsyncIterator[None]:
    """A database that a test has opened anew is closed too."""
    yield
    await bot.database.close()


@each("test_intake.test_a_second_replica")
async def test_a_second_replica(
    case: Case, bot: Bot, slack: Workspace, hands: Hands, url: str
) -> None:
    """The same payload to two processes at the same moment: one of them carries it out."""
    second = Database.open(url, key=KEY)
    if second.embedded:
        bot.database.run_alone()
        with pytest.raises(AlreadyRunning):
            second.run_alone()
        assert await hands.act()
        await until(lambda: _is(bot, 1))
        await second.close()
        return
    other = Bot(second, registry=bot.registry)
    other.compose(slack.client)
    await other.workers.start()
    beside = Workspace(slack.sandbox, slack.hand, slack.client, "socket")
    await beside.connect_again(other, connections=1)
    await slack.hand.post("delivery", redeliver=KINDS[case.column.id], twice=True)
    assert await hands.act()
    seen = [bot.intake.counts, other.intake.counts]
    await until(lambda: sum(one.received for one in seen) == 2)
    await until(lambda: _is(bot, 1))
    assert sum(one.duplicates for one in seen) == 1
    assert beside.socket_mode is not None
    await beside.socket_mode.stop()
    await other.workers.stop(within=1.0)
    await second.close()
