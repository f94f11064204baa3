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
from tests.faults.ordeals import CLEAN, pass_fault, set_fault, settled
from tests.faults.outages import broken, take_backup
from tests.faults.table import Case
from tests.sandbox_slack.conftest import until


@pytest.fixture
async def postbox(url: str) -> AsyncIterator[Postbox]:
    async with open_postbox(url) as opened:
        yield opened


@pytest.fixture
def way(case: Case) -> Way:
    return WAYS[case.column.id]()


@each("test_delivery.test_an_answer_of_slack")
async def test_an_answer_of_slack(case: Case, postbox: Postbox, way: Way) -> None:
    """Whatever Slack answers, the message stands once, in its place, or at most once."""
    await way.prepare(postbox)
    set_fault(postbox, way, case.fault.id)
    await way.act(postbox)
    await pass_fault(postbox, way, case.fault.id)
    await settled(postbox, way, surely=case.fault.id in CLEAN)


@each("test_delivery.test_the_database")
async def test_the_database(
    case: Case, postbox: Postbox, way: Way, url: str, tmp_path: Path
) -> None:
    """The database fails while Slack has the request, or comes back older than Slack is."""
    await way.prepare(postbox)
    await way.act(postbox)
    if case.fault.id == "restored":
        await _restore(postbox, url, tmp_path)
        await settled(postbox, way)
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
    await settled(postbox, way)


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
    await settled(postbox, way)
