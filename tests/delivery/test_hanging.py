"""A call that hangs: given up early when Slack answers others, waited for when it answers none."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from bot.delivery.errors import Unclear
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from tests.delivery.conftest import Postbox

LONG, SHORT = 2.0, 0.2  # seconds: of a whole call, and until it counts as hanging
POST = {"channel": "C0INCIDENTS", "text": "hello"}


@pytest.fixture
async def sender(postbox: Postbox) -> AsyncIterator[Sender]:
    client = open_client("xoxb-sandbox-bot", f"{postbox.sandbox.url}/api/", timeout=LONG)
    yield Sender(client, budget=Budget(), clock=postbox.clock, hangs_after=SHORT)
    await close_client(client)


async def _post(sender: Sender) -> tuple[str, float]:
    started = time.monotonic()
    with pytest.raises(Unclear) as caught:
        await sender.call("chat.postMessage", POST, channel="C0INCIDENTS")
    return caught.value.code, time.monotonic() - started


async def test_a_post_that_hangs_alone_is_given_up_early(postbox: Postbox, sender: Sender) -> None:
    """Nobody behind it waits for its whole time, and Slack counts as there."""
    postbox.fault("chat.postMessage", "timeout_before", times=3)
    for _ in range(3):
        code, seconds = await _post(sender)
        assert (code, seconds < LONG / 2) == ("hangs", True)
    assert not sender.suspect
    assert (await sender.call("chat.postMessage", POST, channel="C0INCIDENTS"))["ok"]


async def test_a_slack_that_answers_nobody_has_the_whole_time(
    postbox: Postbox, sender: Sender
) -> None:
    """What it took may still land: it is not given up before."""
    postbox.fault("*", "timeout_before", times=-1)
    code, seconds = await _post(sender)
    assert (code, seconds >= LONG) == ("timeout", True)
