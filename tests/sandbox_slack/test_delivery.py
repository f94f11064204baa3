"""Deliveries: several connections, redelivery of events alone, doubles, held payloads, losses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import INCIDENTS, Hand, until

ME = {"as": "U0MEI"}
EVENT = {
    "type": "app_home_opened",
    "user": "U0MEI",
    "channel": "D0MEI",
    "tab": "home",
    "event_ts": "1.1",
}


class Plain:
    """One Socket Mode connection without any library in front: it sees the envelopes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self.answering = True
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            body = json.loads(message.data)
            self.seen.append(body)
            if self.answering and "envelope_id" in body:
                await self.socket.send_json({"envelope_id": body["envelope_id"]})

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [body for body in self.seen if "envelope_id" in body]

    async def close(self) -> None:
        await self.socket.close()
        await self._reader


@asynccontextmanager
async def connected_plainly(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, number: int = 1
) -> AsyncIterator[list[Plain]]:
    client = AsyncWebClient(base_url=f"{sandbox.url}/api/", session=session)
    lines = []
    for _ in range(number):
        opened = await client.apps_connections_open(app_token=cast.APP_TOKEN)
        lines.append(Plain(await session.ws_connect(opened["url"])))
    await until(lambda: all(line.seen for line in lines))
    yield lines
    for line in lines:
        await line.close()


async def test_hello_and_turns(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session, 3) as lines:
        assert [line.seen[0]["type"] for line in lines] == ["hello"] * 3
        assert [line.seen[0]["num_connections"] for line in lines] == [1, 2, 3]
        for _ in range(6):
            answer = await hand.post("command", **ME, channel=INCIDENTS, command="/order")
            assert answer["ok"]
        assert [len(line.envelopes) for line in lines] == [2, 2, 2]
        ids = {e["envelope_id"] for line in lines for e in line.envelopes}
        assert len(ids) == 6, "each payload went to one connection alone"
        envelope = lines[0].envelopes[0]
        assert envelope["accepts_response_payload"] is True
        assert "retry_attempt" not in envelope


async def test_an_eleventh_connection_is_refused(
    sandbox: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    async with connected_plainly(sandbox, session, 11) as lines:
        assert lines[10].seen[0]["reason"] == "too_many_websockets"
        await until(lambda: lines[10].socket.closed)
        assert len(sandbox.world.sockets) == 10


async def test_a_ticket_serves_once(sandbox: SlackSandbox, session: aiohttp.ClientSession) -> None:
    client = AsyncWebClient(base_url=f"{sandbox.url}/api/", session=session)
    url = (await client.apps_connections_open(app_token=cast.APP_TOKEN))["url"]
    socket = await session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)
    await socket.close()


async def test_an_event_comes_again_at_once_then_after_one_and_five_minutes(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session) as (line,):
        line.answering = False
        await hand.post("options", ack_seconds=0.1)
        sent = await hand.post("event", event=EVENT)
        for attempts, advance in ((2, 0), (3, 60), (4, 300)):
            if advance:
                await hand.post("clock", advance=advance)
            await until(lambda n=attempts: len(line.envelopes) == n, seconds=8)
            await until(
                lambda n=attempts: (  # its 3 s are over
                    len(sandbox.world.log.deliveries) == n
                    and sandbox.world.log.deliveries[-1].error == "operation_timeout"
                ),
                seconds=8,
            )
        await hand.post("clock", advance=3600)
        assert [e["retry_attempt"] for e in line.envelopes] == [0, 1, 2, 3]
        assert [e["retry_reason"] for e in line.envelopes] == ["", *["timeout"] * 3]
        assert {e["payload"]["event_id"] for e in line.envelopes} == {sent["event_id"]}
        assert len({e["envelope_id"] for e in line.envelopes}) == 4


async def test_an_event_that_found_nobody_comes_when_the_app_is_back(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    await hand.post("event", event=EVENT)
    await until(lambda: len(sandbox.world.log.deliveries) == 2)
    async with connected_plainly(sandbox, session) as (line,):
        await hand.post("clock", advance=60)
        await until(lambda: line.envelopes)
        assert line.envelopes[0]["retry_attempt"] == 2
        assert line.envelopes[0]["retry_reason"] == "connection_failed"


async def test_the_tester_doubles_and_holds(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session) as (line,):
        await hand.post("delivery", redeliver="events", twice=True)
        await hand.post("event", event=EVENT)
        await until(lambda: len(line.envelopes) == 2)
        assert sorted(e["retry_attempt"] for e in line.envelopes) == [0, 1]
        await hand.post("delivery", redeliver="commands", twice=True, gap=30)
        await hand.post("command", **ME, channel=INCIDENTS, command="/order")
        assert len(line.envelopes) == 3
        await hand.post("clock", advance=30)
        await until(lambda: len(line.envelopes) == 4)
        assert line.envelopes[2]["payload"] == line.envelopes[3]["payload"]
        await hand.post("delivery", redeliver="events", hold=True)
        await hand.post("event", event=EVENT)
        await hand.post("event", event={**EVENT, "event_ts": "2.2"})
        await until(lambda: len(line.envelopes) == 5)
        assert line.envelopes[-1]["payload"]["event"]["event_ts"] == "2.2"
        await hand.post("delivery", release=True)
        await until(lambda: len(line.envelopes) == 6)
        wrong = await hand.post("delivery", redeliver="letters")
        assert wrong["error"] == "invalid_arguments"


async def test_a_dead_socket_swallows_and_the_live_one_still_serves(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session) as (dead,):
        fault = await hand.post("faults", method="socket", kind="dead_socket")
        await hand.post("options", ack_seconds=0.1)
        answer = await hand.post("command", **ME, channel=INCIDENTS, command="/order")
        assert answer["error"] == "operation_timeout"
        assert dead.envelopes == []
        assert not dead.socket.closed
        await hand.delete(f"faults/{fault['id']}")
        async with connected_plainly(sandbox, session) as (live,):
            for _ in range(2):
                await hand.post("event", event=EVENT)
            await until(lambda: live.envelopes)


async def test_disconnect_kinds(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session, 2) as (first, second):
        await hand.post("socket", do="disconnect", reason="warning", one=True)
        await until(lambda: first.seen[-1].get("reason") == "warning")
        await hand.post("command", **ME, channel=INCIDENTS, command="/order")
        await hand.post("command", **ME, channel=INCIDENTS, command="/order")
        assert len(second.envelopes) == 2, "who was warned gets nothing new"
        await hand.post("clock", advance=11)
        await until(lambda: first.socket.closed)
        await hand.post("socket", do="disconnect", reason="link_disabled")
        await until(lambda: second.socket.closed)
        assert second.seen[-1] == {
            "type": "disconnect",
            "reason": "link_disabled",
            "debug_info": {"host": "sandbox"},
        }
    wrong = await hand.post("socket", do="disconnect", reason="bored")
    assert wrong["error"] == "invalid_arguments"


async def test_the_sockets_cut_and_down(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session) as (line,):
        await hand.post("socket", do="cut")
        await until(lambda: line.socket.closed)
        fault = await hand.post("faults", method="socket", kind="down")
        client = AsyncWebClient(base_url=f"{sandbox.url}/api/", session=session)
        url = (await client.apps_connections_open(app_token=cast.APP_TOKEN))["url"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        await hand.delete(f"faults/{fault['id']}")
        socket = await session.ws_connect(url)
        await socket.close()


async def test_the_log_tells_what_was_sent_and_when_it_was_acknowledged(
    connected: AsyncApp, client: AsyncWebClient, hand: Hand
) -> None:
    @connected.command("/order")
    async def order(ack: Any) -> None:
        await ack("found")

    await hand.post("command", **ME, channel=INCIDENTS, command="/order", text="FG-1")
    await client.chat_postMessage(channel=INCIDENTS, text="x")
    log = await hand.get("log")
    delivery = log["deliveries"][0]
    assert delivery["type"] == "slash_commands"
    assert delivery["summary"] == "/order FG-1"
    assert delivery["sent"] <= delivery["acked"]
    assert delivery["response"] == {"text": "found"}
    posted = log["requests"][-1]
    assert (posted["method"], posted["status"], posted["token"]) == ("chat.postMessage", 200, "bot")
    assert posted["args"] == {"channel": INCIDENTS, "text": "x"}
    later = await hand.get("log", since=str(log["last"]))
    assert later["requests"] == later["deliveries"] == []


async def test_message_events_reach_the_app_where_it_is_a_member(
    connected: AsyncApp, client: AsyncWebClient, hand: Hand
) -> None:
    seen: list[str] = []

    @connected.event("message")
    async def message(event: dict[str, Any]) -> None:
        seen.append(event["text"])

    @connected.event("reaction_added")
    async def reaction(event: dict[str, Any]) -> None:
        seen.append(f":{event['reaction']}:")

    await hand.post("say", **ME, channel=INCIDENTS, text="unheard")
    await client.conversations_join(channel=INCIDENTS)
    said = await hand.post("say", **ME, channel=INCIDENTS, text="heard")
    await hand.post("react", **ME, channel=INCIDENTS, ts=said["ts"], name="pushpin")
    await until(lambda: sorted(seen) == [":pushpin:", "heard"])
