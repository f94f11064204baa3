"""Refreshes coalesce, change nothing twice, and end with the newest state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from bot.delivery.job import Job
from storage.models import WorkItem
from tests.delivery.conftest import Postbox, open_postbox


@pytest.fixture
async def postbox(database_url: str) -> AsyncIterator[Postbox]:
    """On SQLite and on PostgreSQL."""
    async with open_postbox(database_url) as opened:
        yield opened


async def _card(postbox: Postbox) -> None:
    await postbox.post("card", priority=1)
    await postbox.run()


async def _shown(postbox: Postbox) -> str:
    return str((await postbox.seen())[-1]["text"]).split()[2]


async def test_refreshes_of_one_card_coalesce(postbox: Postbox) -> None:
    """Twenty changes at once are one edit, with the newest state."""
    await _card(postbox)
    for _ in range(20):
        await postbox.refresh("card")
    await postbox.run()
    assert postbox.calls("chat.update") == 1
    assert await _shown(postbox) == "v21"


async def test_an_edit_that_changes_nothing_is_not_sent(postbox: Postbox) -> None:
    await _card(postbox)
    await postbox.refresh("card", version=1)
    await postbox.run()
    assert postbox.calls("chat.update") == 0


async def test_a_change_while_an_edit_is_on_its_way_is_not_lost(postbox: Postbox) -> None:
    """The second refresh was committed after the first was drawn: a second edit follows."""
    await _card(postbox)
    await postbox.refresh("card")
    items = await postbox.claim()
    turn = await postbox.deliverer._turn(Job.of(items[0]))
    await postbox.refresh("card")
    await postbox.database.write(lambda s: postbox.deliverer._settle(s, Job.of(items[0]), turn))
    await postbox.run()
    assert await _shown(postbox) == "v3"


async def test_a_change_before_the_post_needs_no_edit(postbox: Postbox) -> None:
    """The post draws what the database says when it is sent."""
    await postbox.post("card")
    await postbox.refresh("card")
    await postbox.run()
    assert await _shown(postbox) == "v2"
    assert postbox.calls("chat.update") == 0


async def test_a_change_while_the_post_is_unclear_is_shown_afterwards(postbox: Postbox) -> None:
    """The post landed with the old state; it is adopted, then edited."""
    postbox.fault("chat.postMessage", "lost_reply")
    await postbox.post("card")
    await postbox.turn()
    await postbox.refresh("card")
    await postbox.run(30)
    assert len(await postbox.seen()) == 1
    assert await _shown(postbox) == "v2"


async def test_edits_do_not_wait_for_posts(postbox: Postbox) -> None:
    """A log line that Slack holds up does not hold up the card."""
    await _card(postbox)
    postbox.fault("chat.postMessage", "rate_limited", retry_after=600)
    await postbox.post("log/1")
    await postbox.run()
    await postbox.refresh("card")
    await postbox.run()
    assert await _shown(postbox) == "v2"


@pytest.mark.parametrize(
    "kind",
    [
        "rate_limited",
        "no_retry_after",
        "reset",
        "http_500",
        "http_503",
        "timeout_before",
        "lost_reply",
        "malformed",
        "late_effect",
    ],
)
async def test_the_newest_state_stands_in_the_end(postbox: Postbox, kind: str) -> None:
    """Whatever hits an edit, also when the given-up one lands late and shows the old state."""
    await _card(postbox)
    seconds = {"timeout_before": 0}.get(kind, 20)
    postbox.fault("chat.update", kind, seconds=seconds, retry_after=3)
    await postbox.refresh("card")
    await postbox.run(8)
    await postbox.refresh("card")
    await postbox.run(20)
    await asyncio.sleep(0.05)  # the sandbox's own task lands a late effect
    await postbox.run(120)
    assert await _shown(postbox) == "v3"
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_crash_after_an_edit_repeats_it(postbox: Postbox) -> None:
    """Harmless: the same edit twice shows the same."""
    await _card(postbox)
    await postbox.refresh("card")
    items = await postbox.claim()
    await postbox.deliverer._turn(Job.of(items[0]))
    await postbox.restart()
    await postbox.run(90)
    assert await _shown(postbox) == "v2"


async def test_a_message_that_was_never_posted_is_not_edited(postbox: Postbox) -> None:
    await postbox.refresh("runbook")
    await postbox.run(5)
    assert postbox.calls("chat.update") == 0
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_refresh_that_waits_is_not_drawn_again_until_its_place_has_come(
    postbox: Postbox,
) -> None:
    """However often it is asked for; and waiting uses up none of its tries."""
    await _card(postbox)
    postbox.sandbox.world.rates.on = True
    for _ in range(60):  # a minute's calls are used up
        await postbox.refresh("card")
        await postbox.run()
    drawn, edits = len(postbox.drawings.drawn), postbox.calls("chat.update")
    for _ in range(20):
        await postbox.refresh("card")
        await postbox.turn()
    assert postbox.calls("chat.update") == edits
    assert len(postbox.drawings.drawn) - drawn <= 1
    refresh = await postbox.database.read(
        lambda s: s.scalars(select(WorkItem).where(WorkItem.state == "pending")).one()
    )
    assert refresh.attempts == 0
    await postbox.run(60)
    assert await _shown(postbox) == "v81"


async def test_edits_keep_to_tier_3(postbox: Postbox) -> None:
    """A card that changes every second for five minutes: no 429, current at the end."""
    await _card(postbox)
    postbox.sandbox.world.rates.on = True
    for _ in range(300):
        await postbox.refresh("card")
        await postbox.run(1)
    await postbox.run(60)
    assert not [e for e in postbox.sandbox.world.log.requests if e.status == 429]
    assert await _shown(postbox) == "v301"
