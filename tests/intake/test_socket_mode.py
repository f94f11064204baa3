"""Socket Mode: reconnecting without a gap, dead sockets, refused tokens."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.socket_mode import SocketMode
from sandbox.slack import cast
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


class OddClient(AsyncWebClient):
    """Its first answer names no address."""

    asked = 0

    async def apps_connections_open(self, **arguments: Any) -> Any:
        self.asked += 1
        answer = await super().apps_connections_open(**arguments)
        return {"ok": True} if self.asked == 1 else answer


async def test_an_error_that_nobody_foresaw_does_not_end_a_slot(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    odd = OddClient(base_url=slack.client.base_url, session=slack.client.session)
    socket_mode = SocketMode(odd, bot.intake, app_token=cast.APP_TOKEN, connections=1)
    await socket_mode.start()
    await until(lambda: socket_mode.connected == 1)
    assert odd.asked == 2
    await socket_mode.stop()


class Relay:
    """Stands before the sandbox and falls silent when told: what comes is kept to itself."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.silent = False
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, onward]
        self._tasks += [
            asyncio.create_task(self._pump(reader, onward)),
            asyncio.create_task(self._pump(there, writer)),
        ]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.silent:
                writer.write(data)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        self._server.close()
        await asyncio.gather(*(w.wait_closed() for w in self._writers), return_exceptions=True)


class RelayedClient(AsyncWebClient):
    """Its connections lead through the relay."""

    relay = 0

    async def apps_connections_open(self, **arguments: Any) -> Any:
        answer = await super().apps_connections_open(**arguments)
        return {"url": re.sub(r":\d+", f":{self.relay}", str(answer["url"]), count=1)}


async def test_a_silent_network_does_not_hold_up_the_stop(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    relay = Relay(int(re.findall(r":(\d+)", slack.sandbox.url)[0]))
    client = RelayedClient(base_url=slack.client.base_url, session=slack.client.session)
    client.relay = await relay.start()
    socket_mode = SocketMode(client, bot.intake, app_token=cast.APP_TOKEN, connections=3)
    await socket_mode.start()
    await until(lambda: socket_mode.connected == 3)
    relay.silent = True
    async with asyncio.timeout(8):
        await socket_mode.stop(within=0.5)
    await relay.stop()
