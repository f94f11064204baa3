"""Two hundred at once: the sandbox must not be what is slow."""

from __future__ import annotations

import asyncio
import time

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack import people_api as people
from sandbox.slack.clock import SandboxClock
from sandbox.slack.config import AppConfig
from sandbox.slack.server import SlackSandbox
from sandbox.slack.state import Message
from sandbox.slack.world import World
from tests.sandbox_slack.conftest import GENERAL, INCIDENTS, Hand
from tests.sandbox_slack.test_delivery import connected_plainly


async def test_two_hundred_interactions_at_once(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session, 2) as lines:
        answers = await asyncio.gather(
            *(
                hand.post(
                    "command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/order", text=str(n)
                )
                for n in range(200)
            )
        )
        assert all(answer["ok"] for answer in answers)
        assert sorted(int(e["payload"]["text"]) for line in lines for e in line.envelopes) == (
            list(range(200))
        )
        assert [len(line.envelopes) for line in lines] == [100, 100]


async def test_a_volley_measures_the_app(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session, 2) as (first, second):
        wish = {"as": "U0MEI", "channel": INCIDENTS, "command": "/order", "n": 50}
        answer = await hand.post("volley", **wish)
        assert (answer["sent"], answer["acked"]) == (50, 50)
        assert 0 < answer["milliseconds"]["p50"] <= answer["milliseconds"]["max"]
        triggers = {e["payload"]["trigger_id"] for e in first.envelopes + second.envelopes}
        assert len(triggers) == 50
        second.answering = False
        await hand.post("options", ack_seconds=0.2)
        answer = await hand.post("volley", **wish)
        assert (answer["acked"], answer["errors"]) == (25, 25)


async def test_a_volley_of_different_clicks(
    sandbox: SlackSandbox,
    session: aiohttp.ClientSession,
    client: AsyncWebClient,
    hand: Hand,
) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    clicks = []
    for value in ("one", "two"):
        blocks = [{"type": "actions", "elements": [{**button, "value": value}]}]
        posted = await client.chat_postMessage(channel=GENERAL, text=value, blocks=blocks)
        place = {"channel": GENERAL, "ts": posted["ts"], "action_id": "go"}
        clicks.append({"as": "U0MEI", **place})
    async with connected_plainly(sandbox, session, 1) as (line,):
        answer = await hand.post("volley", clicks=clicks)
        assert (answer["sent"], answer["acked"]) == (2, 2)
        values = [e["payload"]["actions"][0]["value"] for e in line.envelopes]
        assert sorted(values) == ["one", "two"]


async def test_posting_is_as_quick_in_a_full_channel() -> None:
    """No step of a post, an edit or a look at it goes over all messages of its channel."""
    world = World(AppConfig(), clock=SandboxClock())
    channel = world.channel(INCIDENTS)

    def work() -> float:
        """Processor time of 300 posts and edits, which other load does not lengthen."""
        before = time.process_time()
        for _ in range(300):
            message = Message(world.clock.ts(), channel.id, cast.BOT_USER, "x", bot=True)
            world.post(channel, message)
            world.edit(channel, message, cast.BOT_USER, message.to_api(""))
            people.messages(world, "U0MEI", INCIDENTS, None, 20)
        return time.process_time() - before

    work()
    empty = work()
    for _ in range(30_000):
        world.post(channel, Message(world.clock.ts(), channel.id, "U0MEI", "x"))
    assert work() < empty * 5
    await world.close()
