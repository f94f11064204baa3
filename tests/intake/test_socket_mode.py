"""Socket Mode: reconnecting without a gap, dead sockets, refused tokens."""

from __future__ import annotations

import asyncio

import pytest

from bot.intake.socket_mode import SocketMode
from tests.intake.conftest import Bot, Connect
from tests.sandbox_slack.conftest import until

pytestmark = [
    pytest.mark.parametrize("mode", ["socket"], indirect=True),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def test_several_connections_share_the_payloads(bot: Bot, connect: Connect) -> None:
    slack = await connect(connections=3)
    await until(lambda: slack.socket_mode.connected == 3)
    ts = await slack.card("step.run")
    for _ in range(6):
        assert (await slack.click(ts))["ok"]
    log = await slack.hand.get("log")
    used = {e["connection"] for e in log["deliveries"] if e["type"] == "interactive"}
    assert len(used) == 3


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_refresh_loses_nothing(bot: Bot, connect: Connect, reason: str) -> None:
    slack = await connect(connections=2)
    await until(lambda: slack.socket_mode.connected == 2)
    ts = await slack.card("step.run")
    for number in range(1, 4):
        await slack.hand.post("socket", do="disconnect", reason=reason, one=True)
        assert (await slack.click(ts))["ok"]
        await until(lambda n=number: len(bot.done) == n)
        await until(lambda: slack.socket_mode.connected >= 2)


async def test_a_cut_connection_is_opened_again(bot: Bot, connect: Connect) -> None:
    slack = await connect(connections=1)
    ts = await slack.card("step.run")
    await slack.hand.post("socket", do="cut")
    await until(lambda: slack.socket_mode.connected == 0)
    await until(lambda: slack.socket_mode.connected == 1)
    assert (await slack.click(ts))["ok"]
    await until(lambda: len(bot.done) == 1)


async def test_a_dead_socket_is_noticed_and_replaced(
    bot: Bot, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.socket_mode._HEARTBEAT", 0.2)
    slack = await connect(connections=1)
    ts = await slack.card("step.run")
    await slack.hand.post("faults", method="socket", kind="dead_socket", times=1)
    await until(lambda: slack.socket_mode.connected == 0)
    await until(lambda: slack.socket_mode.connected == 1)
    await until(lambda: _works(slack, ts))
    await until(lambda: len(bot.done) >= 1)


async def _works(slack: object, ts: str) -> bool:
    return bool((await slack.click(ts))["ok"])  # type: ignore[attr-defined]


async def test_a_refused_token_is_said_with_its_remedy(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    wrong = SocketMode(slack.client, bot.intake, app_token="xapp-wrong", connections=1)
    await wrong.start()
    await until(lambda: wrong.problem)
    assert "MUSTER_SLACK_APP_TOKEN" in str(wrong.problem)
    assert wrong.connected == 0
    await wrong.stop()


async def test_stopping_acknowledges_what_came_in(bot: Bot, connect: Connect) -> None:
    slack = await connect(connections=1)
    ts = await slack.card("step.run")
    assert (await slack.click(ts))["ok"]
    await slack.socket_mode.stop()
    assert slack.socket_mode.connected == 0
    failed = await slack.click(ts)
    assert failed["ok"] is False
    await until(lambda: len(bot.done) == 1)


async def test_stopping_amid_presses_does_what_it_acknowledged_and_nothing_else(
    bot: Bot, connect: Connect
) -> None:
    """What crosses with the goodbye is shown as failed, and so it is not done."""
    slack = await connect(connections=2)
    await until(lambda: slack.socket_mode.connected == 2)
    ts = await slack.card("step.run")
    answers: list[bool] = []

    async def press() -> None:
        while not answers or answers[-1]:
            answers.append((await slack.click(ts))["ok"])

    people = [asyncio.create_task(press()) for _ in range(12)]
    await until(lambda: len(answers) > 30)
    await slack.socket_mode.stop()
    await asyncio.gather(*people)
    await until(lambda: len(bot.done) >= answers.count(True))
    await until(lambda: not bot.intake.busy)
    taken = [row for row in await bot.rows() if not row.key.startswith("start:")]
    assert len(taken) == answers.count(True)
