"""Order in the thread, though the runbook and the first log line are sent side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.delivery.conftest import Postbox, open_postbox

THREAD = ["card", "runbook", "log", "log"]


@pytest.fixture
async def postbox(database_url: str) -> AsyncIterator[Postbox]:
    """On SQLite and on PostgreSQL."""
    async with open_postbox(database_url) as opened:
        yield opened


async def _declare(postbox: Postbox) -> None:
    await postbox.post("card", priority=1)
    await postbox.post("runbook", priority=2)
    await postbox.post("log/1")
    await postbox.post("log/2")


async def test_the_line_after_the_runbook_does_not_wait_for_its_answer(postbox: Postbox) -> None:
    """Card, then runbook and log side by side: two round trips and a little."""
    await postbox.post("card")
    await postbox.run()
    postbox.sandbox.world.latency = 0.4
    await postbox.post("runbook")
    await postbox.post("log/1")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await postbox.turn()
    assert loop.time() - began < 0.75, "one after the other would take 0.8 s"
    assert await postbox.texts() == ["card", "runbook", "log"]


@pytest.mark.parametrize("kind", ["rate_limited", "reset", "http_503", "lost_reply"])
async def test_a_line_does_not_overtake_a_runbook_that_failed_at_once(
    postbox: Postbox, kind: str
) -> None:
    postbox.fault("chat.postMessage", kind, retry_after=3, match={"contains": "runbook INC"})
    await _declare(postbox)
    await postbox.run(120)
    assert await postbox.texts() == THREAD
    assert postbox.calls("chat.update") == 0


async def test_a_runbook_that_comes_late_changes_places(postbox: Postbox) -> None:
    """Its request hangs, the lines go on: afterwards the thread reads in order, by edits alone."""
    await postbox.post("card")
    await postbox.run()
    fault = {"match": {"contains": "runbook INC"}}
    postbox.fault("chat.postMessage", "timeout_before", **fault)
    await postbox.post("runbook", priority=2)
    await postbox.post("log/1")
    await postbox.post("log/2")
    await postbox.run(120)
    assert await postbox.texts() == THREAD
    card = await postbox.row("card")
    keys = [m["text"].split()[1] for m in await postbox.seen(thread=card["ts"])]
    assert keys == ["INC-412/card", "INC-412/runbook", "INC-412/log/1", "INC-412/log/2"]
    assert postbox.calls("chat.delete") == 0
    assert postbox.calls("chat.update") == 2


async def test_after_changing_places_each_edit_finds_its_message(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.run()
    postbox.fault("chat.postMessage", "timeout_before", match={"contains": "runbook INC"})
    await postbox.post("runbook", priority=2)
    await postbox.post("log/1")
    await postbox.run(30)
    await postbox.refresh("runbook", version=7)
    await postbox.run(120)
    card = await postbox.row("card")
    texts = [m["text"] for m in await postbox.seen(thread=card["ts"])]
    assert texts[1].startswith("runbook INC-412/runbook v7")
    assert texts[2].startswith("log INC-412/log/1")
