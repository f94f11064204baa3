"""Two hundred at once: the sandbox must not be what is slow."""

from __future__ import annotations

import asyncio

import aiohttp

from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import INCIDENTS, Hand
from tests.sandbox_slack.test_delivery import connected_plainly


async def test_two_hundred_interactions_at_once(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, hand: Hand
) -> None:
    async with connected_plainly(sandbox, session, 2) as lines:
        answers = await asyncio.gather(*(
            hand.post("command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/order",
                      text=str(n))
            for n in range(200)))
        assert all(answer["ok"] for answer in answers)
        assert sorted(int(e["payload"]["text"]) for line in lines for e in line.envelopes) == (
            list(range(200)))
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


async def test_posting_is_as_quick_in_a_full_channel(sandbox: SlackSandbox, hand: Hand) -> None:
    """No step of a post or an edit looks at all messages of its channel."""
    loop = asyncio.get_running_loop()

    async def hundred() -> float:
        before = loop.time()
        for _ in range(100):
            await hand.post("say", **{"as": "U0MEI"}, channel=INCIDENTS, text="x")
        return loop.time() - before

    first = await hundred()
    for _ in range(20):
        await asyncio.gather(*(
            hand.post("say", **{"as": "U0MEI"}, channel=INCIDENTS, text="x") for _ in range(200)))
    assert await hundred() < max(first * 3, 1.0)
