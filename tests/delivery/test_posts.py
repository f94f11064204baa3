"""Once to the eye: every post stands once, in order, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.slack.state import Message
from tests.delivery.conftest import Postbox, open_postbox

THREAD = ["card", "runbook", "log", "log"]


@pytest.fixture
async def postbox(database_url: str) -> AsyncIterator[Postbox]:
    """On SQLite and on PostgreSQL."""
    async with open_postbox(database_url) as opened:
        yield opened


async def _declare(postbox: Postbox) -> None:
    await postbox.post("card", priority=1)
    await postbox.post("runbook")
    await postbox.post("log/1")
    await postbox.post("log/2")


async def test_a_thread_is_posted_in_order(postbox: Postbox) -> None:
    """Card, runbook, log; the database knows where each stands and that it was told."""
    await _declare(postbox)
    await postbox.run(2)
    assert await postbox.texts() == THREAD
    card, log = await postbox.row("card"), await postbox.row("log/1")
    assert card["thread_ts"] is None
    assert log["thread_ts"] == card["ts"]
    assert (await postbox.incident()).notified_at is not None
    assert postbox.calls("conversations.history") == postbox.calls("conversations.replies") == 0


async def test_it_pings_and_unfurls_nothing_by_itself(postbox: Postbox) -> None:
    await _declare(postbox)
    await postbox.run(2)
    for args in postbox.arguments("chat.postMessage"):
        assert (args["unfurl_links"], args["unfurl_media"]) == (False, False)
        assert "link_names" not in args
        assert None not in args["metadata"]["event_payload"].values()


CLEAN = ["rate_limited", "no_retry_after", "reset"]
UNCLEAR = ["http_500", "http_503", "timeout_before", "lost_reply", "malformed", "late_effect"]


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", CLEAN + UNCLEAR)
async def test_order_and_once_under_each_fault(postbox: Postbox, kind: str, nth: int) -> None:
    """The fault hits the card, the runbook or a log line: the thread reads the same."""
    await _declare(postbox)
    contains = ["", "card v", "runbook v", "log/1 v"][nth].removesuffix(" v")
    fault = {"match": {"contains": f"INC-412/{contains} v"}, "retry_after": 3, "seconds": 2}
    if kind == "timeout_before":
        fault["seconds"] = 0
    postbox.fault("chat.postMessage", kind, **fault)
    await postbox.run(200)
    assert await postbox.texts() == THREAD
    assert set((await postbox.states()).values()) == {"done"}


@pytest.mark.parametrize("kind", ["lost_reply", "malformed", "no_object", "nothing_said"])
async def test_what_landed_is_adopted_not_repeated(postbox: Postbox, kind: str) -> None:
    postbox.fault("chat.postMessage", kind)
    await postbox.post("card")
    await postbox.run(30)
    assert await postbox.texts() == ["card"]
    assert postbox.calls("chat.postMessage") == 1
    assert (await postbox.row("card"))["ts"] == (await postbox.seen())[-1]["ts"]


async def test_one_that_landed_in_a_long_thread_is_found(postbox: Postbox) -> None:
    """A thread reads oldest first: behind eleven hundred replies it stands on the sixth page."""
    await postbox.post("card")
    await postbox.run()
    world, card = postbox.sandbox.world, await postbox.row("card")
    channel = world.workspace.channels["C0INCIDENTS"]
    for _ in range(1100):
        world.post(
            channel,
            Message(world.clock.ts(), channel.id, "U0KAI", "…", thread_ts=card["ts"]),
        )
    postbox.fault("chat.postMessage", "lost_reply")
    await postbox.post("log/1")
    await postbox.run(300)
    seen = await postbox.seen(thread=card["ts"])
    assert sum(m["text"].startswith("log") for m in seen) == 1
    assert (await postbox.row("log/1"))["ts"] == seen[-1]["ts"]


async def test_it_waits_the_settle_time_before_it_looks(postbox: Postbox) -> None:
    postbox.fault("chat.postMessage", "http_503")
    await postbox.post("card")
    await postbox.run(4)
    assert postbox.calls("conversations.history") == 0
    await postbox.run(2)
    assert postbox.calls("conversations.history") > 0
    assert postbox.calls("chat.postMessage") == 2


async def test_a_late_twin_is_deleted(postbox: Postbox) -> None:
    """It lands after it was given up and repeated: a minute later only one stands."""
    postbox.fault("chat.postMessage", "late_effect", seconds=20)
    await postbox.post("card")
    await postbox.run(10)
    kept = (await postbox.row("card"))["ts"]
    postbox.advance(15)
    await asyncio.sleep(0.05)  # the sandbox's own task lands the effect
    assert len(await postbox.seen()) == 2, "the twin has not landed"
    await postbox.run(60)
    assert [m["ts"] for m in await postbox.seen()] == [kept]


async def test_a_late_twin_in_a_thread_is_deleted(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.run()
    postbox.fault("chat.postMessage", "late_effect", seconds=20)
    await postbox.post("log/1")
    await postbox.run(10)
    postbox.advance(15)
    await asyncio.sleep(0.05)
    assert await postbox.texts() == ["card", "log", "log"]
    await postbox.run(60)
    assert await postbox.texts() == ["card", "log"]


async def test_a_crash_after_sending_is_looked_up(postbox: Postbox) -> None:
    """Killed between Slack's answer and the commit: the next process adopts what stands."""
    await postbox.post("card")
    item = (await postbox.claim())[0]
    await postbox.deliverer._turn(_job(item))  # sent; the process dies before it is written
    await postbox.restart()
    await postbox.run(90)
    assert await postbox.texts() == ["card"]
    assert postbox.calls("chat.postMessage") == 1


async def test_a_crash_before_sending_loses_nothing(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.claim()
    await postbox.restart()
    await postbox.run(90)
    assert await postbox.texts() == ["card"]


async def test_who_wakes_late_changes_nothing(postbox: Postbox) -> None:
    """The item was taken over: the sleeper's result is not written."""
    await postbox.post("card")
    item = (await postbox.claim())[0]
    turn = await postbox.deliverer._turn(_job(item))
    await postbox.restart()
    await postbox.run(90)
    row = await postbox.row("card")
    settled = await postbox.database.write(lambda s: postbox.deliverer._settle(s, _job(item), turn))
    assert not settled
    assert await postbox.row("card") == row


async def test_a_429_blocks_its_method_for_its_time(postbox: Postbox) -> None:
    postbox.fault("chat.postMessage", "rate_limited", retry_after=600)
    await postbox.post("card")
    await postbox.run(599)
    assert postbox.calls("chat.postMessage") == 1
    await postbox.run(5)
    assert await postbox.texts() == ["card"]


async def test_an_hour_of_outage_leaves_order_and_no_flood(postbox: Postbox) -> None:
    """Everything is told afterwards, in order and once; Slack is asked sparingly meanwhile."""
    postbox.fault("*", "down")
    await _declare(postbox)
    for _ in range(20):
        await postbox.refresh("card")
        await postbox.run(180)
    asked = len(postbox.sandbox.world.log.requests)
    assert asked < 400, f"{asked} calls in an hour of outage"
    postbox.sandbox.world.faults.remove()
    await postbox.run(120)
    assert await postbox.texts() == THREAD
    assert (await postbox.seen())[-1]["text"].split()[2] == "v21"
    assert set((await postbox.states()).values()) == {"done"}


async def test_slack_limits_are_kept(postbox: Postbox) -> None:
    """Thirty cards in one channel under Slack's limits: not one 429, every card once."""
    postbox.sandbox.world.rates.on = True
    for number in range(30):
        await postbox.post(f"card/{number}", thread=None)
    await postbox.run(60)
    cards = [m["text"] for m in await postbox.seen()]
    assert len(cards) == len(set(cards)) == 30
    assert not [e for e in postbox.sandbox.world.log.requests if e.status == 429]


def _job(item):  # type: ignore[no-untyped-def]
    from bot.delivery.job import Job

    return Job.of(item)
