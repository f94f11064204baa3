"""Every action contract: one effect a key, and the database says what the shop shows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.registry import Interaction
from storage import work
from storage.database import Database
from storage.errors import AlreadyRunning
from storage.models import ActionAttempt, AttemptState
from tests.actions.conftest import Desk, declared
from tests.actions.tiny_shop import pretty
from tests.conftest import KEY
from tests.faults.conftest import each
from tests.faults.outages import broken, take_backup
from tests.faults.table import Case
from tests.intake.conftest import Bot, Connect
from tests.sandbox_slack.conftest import until

_OF_THE_SHOP = {
    "rate_limited": "429:3",
    "no_retry_after": "429",
    "retry_after_600": "429:600",
    "http_500": "500_before",
    "http_503": "503_before",
    "timeout_before": "timeout_before",
    "reset": "reset_before",
    "late_effect": "late",
    "lost_reply": "lost_reply",
    "malformed": "malformed",
}
_WITHOUT_EFFECT = {"http_500", "http_503", "timeout_before", "reset"}
_AFTER_NOTHING = {  # what an attempt without effect ends as
    "keys": AttemptState.DONE,  # the same request under the same key
    "lookup": AttemptState.FAILED,
    "neither": AttemptState.UNKNOWN,  # a person decides
}


@pytest.fixture
async def desk(case: Case, make_desk: Any) -> Desk:
    contract = case.column.id
    made: Desk = await make_desk(None, declared(contract, lookup=contract != "neither"))
    return made


async def _settled(desk: Desk, case: Case, *, wanted: AttemptState | None = None) -> None:
    """One effect at most, DONE if and only if there is one, and nobody has anything left to do."""
    await desk.run(4000)
    attempt = await desk.attempt()
    state = AttemptState(attempt.state)
    assert state is (wanted or AttemptState.DONE), pretty(desk.shop.asked)
    assert desk.shop.applied == (["key-1"] if state is AttemptState.DONE else [])
    assert await desk.unfinished() == 0


@each("test_action.test_an_answer_of_the_shop")
async def test_an_answer_of_the_shop(case: Case, desk: Desk) -> None:
    fault, contract = case.fault.id, case.column.id
    desk.shop.faults = [_OF_THE_SHOP[fault]]
    await desk.run(20)
    desk.shop.land()
    wanted = _AFTER_NOTHING[contract] if fault in _WITHOUT_EFFECT else None
    await _settled(desk, case, wanted=AttemptState.FAILED if fault == "retry_after_600" else wanted)
    if contract != "keys":
        busy = fault in ("rate_limited", "no_retry_after")
        assert desk.shop.asked.count("PUT key-1") == 1 + busy, "repeated blindly"


@each("test_action.test_the_database")
async def test_the_database(case: Case, desk: Desk, url: str, tmp_path: Path) -> None:
    """It fails while the shop has the request, or comes back from before the request."""
    if case.fault.id == "restored":
        await _restored(desk, url, tmp_path)
        await _settled(desk, case)
        assert desk.shop.asked.count("PUT key-1") == 1
        return
    items = await desk.claim()
    run = asyncio.create_task(desk.runner().run(items[0]))
    await desk.shop.arrived.wait()
    with broken(case.fault.id, url):
        await until(lambda: run.done() or desk.shop.applied)
        if case.fault.id != "database_locked":
            await asyncio.wait({run}, timeout=2)
    await asyncio.wait({run})
    if run.exception() is not None:  # as the workers do: unclear, to be looked at
        now = desk.clock.now()
        await desk.database.write(
            lambda s: work.unclear(s, items[0].id, items[0].epoch, now, "database")
        )
    await _settled(desk, case)


async def _restored(desk: Desk, url: str, folder: Path) -> None:
    await desk.database.close()
    put_back = take_backup(url, folder)
    desk.database = Database.open(url, key=KEY)
    await desk.turn()
    assert desk.shop.applied == ["key-1"]
    await desk.database.close()
    put_back(KEY)
    desk.database = Database.open(url, key=KEY)
    await desk.restart()


@pytest.fixture(autouse=True)
async def _closed(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """A database that a test has opened anew is closed too."""
    yield
    desk = request.node.funcargs.get("desk")
    if isinstance(desk, Desk):
        await desk.database.close()


@each("test_action.test_a_second_replica")
async def test_a_second_replica(case: Case, desk: Desk, url: str) -> None:
    """Both want the attempt at the same moment; one of them sends."""
    second = Database.open(url, key=KEY)
    if second.embedded:
        desk.database.run_alone()
        with pytest.raises(AlreadyRunning):
            second.run_alone()
        await desk.turn()
    else:
        other = Desk(second, desk.shop, desk.clock, desk.http, desk.book, desk.declaration)
        other.attempt_id, other.boot = desk.attempt_id, 100
        while sum(await asyncio.gather(desk.turn(), other.turn())):
            pass
    await second.close()
    await _settled(desk, case)
    assert desk.shop.asked.count("PUT key-1") == 1


@each("test_action.test_a_press_again")
async def test_a_press_again(case: Case, desk: Desk, bot: Bot, connect: Connect) -> None:
    """The press that asks for it comes twice: one attempt, one effect."""
    asked: list[str] = []

    @bot.registry.action("step.act")
    async def act(interaction: Interaction, _: Bot) -> None:
        def unit(session: Session) -> str:
            work.once(session, interaction.delivery, bot.clock.now())
            session.query(ActionAttempt).one().key = key = secrets.token_hex(8)
            return key

        asked.append(await bot.database.write(unit))

    slack = await connect()
    ts = await slack.card("step.act")
    gap = {"twice_at_once": 0, "twice_3_s_apart": 3, "after_restart": 60}[case.fault.id]
    await slack.hand.post("delivery", redeliver="interactive", twice=True, gap=gap)
    assert (await slack.click(ts, "step.act"))["ok"]
    await until(lambda: asked)
    if case.fault.id == "after_restart":
        await slack.restart(bot)
    slack.sandbox.world.clock.advance(gap)
    await until(lambda: bot.intake.counts.duplicates == 1)
    await until(bot.settled)
    assert len(asked) == 1
    await desk.run(200)
    assert desk.shop.applied == asked
    states = await desk.database.read(lambda s: list(s.scalars(select(ActionAttempt.state))))
    assert states == [AttemptState.DONE]
