"""Every delivery class under every answer of Slack, every database fault, beside a second replica.

In process, with the real parts over real sockets and a driven clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import AlreadyRunning
from tests.conftest import KEY
from tests.delivery.conftest import Postbox, open_postbox
from tests.faults.classes import WAYS, Way
from tests.faults.conftest import each
from tests.faults.outages import broken, take_backup
from tests.faults.table import Case
from tests.sandbox_slack.conftest import until

CLEAN = {"rate_limited", "no_retry_after"}  # certainly without effect, and soon over
_KINDS = {"retry_after_600": "rate_limited", "slack_down": "down"}
_RETRY_AFTER = {"rate_limited": 3, "retry_after_600": 600}
_LATE = 20.0  # seconds until what was given up lands


@pytest.fixture
async def postbox(url: str) -> AsyncIterator[Postbox]:
    async with open_postbox(url) as opened:
        yield opened


@pytest.fixture
def way(case: Case) -> Way:
    return WAYS[case.column.id]()


def _set(postbox: Postbox, way: Way, fault: str) -> None:
    kind = _KINDS.get(fault, fault)
    if kind == "down":
        postbox.fault("*", "down")
        return
    seconds = _LATE if kind == "late_effect" else 0
    retry_after = _RETRY_AFTER.get(fault, 1)
    more = {"match": way.match} if way.match else {}
    postbox.fault(way.method, kind, seconds=seconds, retry_after=retry_after, **more)


async def _pass(postbox: Postbox, way: Way, fault: str) -> None:
    """The fault happens, and is over."""
    if fault == "slack_down":
        for _ in range(20):
            await postbox.run(180)
            await way.meanwhile(postbox)
        asked = len(postbox.sandbox.world.log.requests)
        assert asked < 450, f"{asked} calls in an hour of outage"
        postbox.sandbox.world.faults.remove()
    elif fault == "late_effect":
        await postbox.run(8)
        await way.meanwhile(postbox)
        await postbox.run(_LATE - 2)
        await until(lambda: _landed(postbox))
    elif fault == "retry_after_600":
        await postbox.run(590)
        assert _effects(postbox, way, since=590) == 0, "asked again before its time"
        await postbox.run(30)
    await postbox.run(200)


def _landed(postbox: Postbox) -> bool:
    late = [e for e in postbox.sandbox.world.log.requests if e.fault == "late_effect"]
    return bool(late) and all(entry.effect for entry in late)


def _effects(postbox: Postbox, way: Way, *, since: float) -> int:
    """Calls of the method in the last `since` seconds that came after the refused one."""
    calls = [e for e in postbox.sandbox.world.log.requests if e.method == way.method]
    refused = [index for index, e in enumerate(calls) if e.status == 429]
    return len(calls[refused[0] + 1 :])


async def _settled(postbox: Postbox, way: Way, *, surely: bool = True) -> None:
    """Stands once and in order; nothing is left to do and nothing unclear."""
    seen = await way.seen(postbox)
    if way.at_most_once and not surely:
        assert seen in ([], way.wanted)
    else:
        assert seen == way.wanted
    assert set((await postbox.states()).values()) == {"done"}


@each("test_delivery.test_an_answer_of_slack")
async def test_an_answer_of_slack(case: Case, postbox: Postbox, way: Way) -> None:
    """Whatever Slack answers, the message stands once, in its place, or at most once."""
    await way.prepare(postbox)
    _set(postbox, way, case.fault.id)
    await way.act(postbox)
    await _pass(postbox, way, case.fault.id)
    await _settled(postbox, way, surely=case.fault.id in CLEAN)


@each("test_delivery.test_the_database")
async def test_the_database(
    case: Case, postbox: Postbox, way: Way, url: str, tmp_path: Path
) -> None:
    """The database fails while Slack has the request, or comes back older than Slack is."""
    await way.prepare(postbox)
    await way.act(postbox)
    if case.fault.id == "restored":
        await _restore(postbox, url, tmp_path)
        await _settled(postbox, way)
        return
    before = postbox.calls(way.method)
    postbox.sandbox.world.latency = 0.1
    turn = asyncio.create_task(postbox.turn())
    await until(lambda: turn.done() or postbox.calls(way.method) > before)
    with broken(case.fault.id, url):
        await until(lambda: turn.done() or _answered(postbox))
        assert not turn.done(), "written down although the database could not"
    postbox.sandbox.world.latency = 0.0
    await turn
    await postbox.run(200)
    await _settled(postbox, way)


def _answered(postbox: Postbox) -> bool:
    return all(entry.answered is not None for entry in postbox.sandbox.world.log.requests)


async def _restore(postbox: Postbox, url: str, folder: Path) -> None:
    """Backed up before the delivery, delivered, restored: the next process looks first."""
    await postbox.database.close()
    put_back = take_backup(url, folder)
    postbox.database = Database.open(url, key=KEY)
    postbox.start()
    await postbox.run(5)
    await postbox.database.close()
    put_back(KEY)
    postbox.database = Database.open(url, key=KEY)
    postbox.advance(60)
    await postbox.restart()
    await postbox.run(300)


@each("test_delivery.test_a_second_replica")
async def test_a_second_replica(case: Case, postbox: Postbox, way: Way, url: str) -> None:
    """Two processes want the same work at the same moment: one of them has it (or may run)."""
    await way.prepare(postbox)
    second = Database.open(url, key=KEY)
    if second.embedded:
        postbox.database.run_alone()
        with pytest.raises(AlreadyRunning, match="stop it first"):
            second.run_alone()
        await way.act(postbox)
    else:
        other = Postbox(
            second,
            postbox.sandbox,
            postbox.clock,
            postbox.client,
            postbox.people,
            postbox.drawings,
            postbox.audiences,
            postbox.incident_id,
            boot=100,
        )
        await way.act(postbox)
        while sum(await asyncio.gather(postbox.turn(), other.turn())):
            pass
    await postbox.run(60)
    await second.close()
    await _settled(postbox, way)
