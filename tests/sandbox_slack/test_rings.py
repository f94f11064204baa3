"""Who is rung, and by what."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox_slack.conftest import INCIDENTS, PRIVATE, Hand


def section(text: str, kind: str = "mrkdwn") -> list[dict[str, Any]]:
    return [{"type": "section", "text": {"type": kind, "text": text}}]


def rich(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": list(elements)}],
        }
    ]


async def who(hand: Hand) -> dict[str, str]:
    people = ("U0MEI", "U0KAI", "U0LIN", "U0JO", "U0SAM")
    return {p: rings[-1]["why"] for p in people if (rings := await hand.rings(p))}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "all quiet"}, {}),
        ({"text": "<@U0MEI> look"}, {"U0MEI": "mention"}),
        ({"text": "<!subteam^S0ONCALL>"}, {"U0MEI": "group", "U0KAI": "group"}),
        ({"text": "x", "blocks": section("<@U0KAI|kai>")}, {"U0KAI": "mention"}),
        ({"text": "<@U0MEI>", "blocks": section("nobody")}, {}),
        ({"text": "x", "blocks": section("<@U0KAI>", "plain_text")}, {}),
        ({"text": "x", "blocks": rich({"type": "user", "user_id": "U0JO"})}, {"U0JO": "mention"}),
        ({"text": "x", "blocks": rich({"type": "text", "text": "<!channel> <@U0JO>"})}, {}),
        ({"text": "&lt;!channel&gt;"}, {}),
    ],
)
async def test_mentions(
    client: AsyncWebClient, hand: Hand, content: dict[str, Any], expected: dict[str, str]
) -> None:
    await client.chat_postMessage(channel=INCIDENTS, **content)
    assert await who(hand) == expected


async def test_the_channel_mention_rings_every_member(client: AsyncWebClient, hand: Hand) -> None:
    await client.chat_postMessage(channel=PRIVATE, text="<!channel> <@U0MEI>")
    assert await who(hand) == {"U0LIN": "group", "U0JO": "group"}


async def test_edits_and_ephemerals_never_ring(client: AsyncWebClient, hand: Hand) -> None:
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="x"))["ts"]
    await client.chat_update(channel=INCIDENTS, ts=ts, text="<@U0MEI>")
    await client.chat_postEphemeral(channel=INCIDENTS, user="U0MEI", text="<@U0MEI>")
    assert await who(hand) == {}


async def test_followers_of_a_thread(client: AsyncWebClient, hand: Hand) -> None:
    root = (await client.chat_postMessage(channel=INCIDENTS, text="<@U0KAI>"))["ts"]
    await hand.post("say", **{"as": "U0MEI"}, channel=INCIDENTS, text="on it", thread_ts=root)
    await client.chat_postMessage(channel=INCIDENTS, text="done", thread_ts=root)
    assert await who(hand) == {"U0MEI": "thread", "U0KAI": "thread"}
    assert [r["why"] for r in await hand.rings("U0KAI")] == ["mention", "thread", "thread"]
    assert [r["text"] for r in await hand.rings("U0MEI")] == ["done"]


async def test_a_direct_message_and_do_not_disturb(client: AsyncWebClient, hand: Hand) -> None:
    await client.chat_postMessage(channel="D0MEI", text="wake up")
    now = (await hand.get("clock"))["now"]
    await hand.post("people", id="U0MEI", dnd_until=now + 60)
    await client.chat_postMessage(channel="D0MEI", text="again")
    await hand.post("clock", advance=61)
    await client.chat_postMessage(channel="D0MEI", text="and again")
    rings = await hand.rings("U0MEI")
    assert [(r["why"], r["sound"]) for r in rings] == [
        ("direct", True),
        ("direct", False),
        ("direct", True),
    ]


async def test_unread_and_mention_counts(client: AsyncWebClient, hand: Hand) -> None:
    await client.chat_postMessage(channel=INCIDENTS, text="one")
    await client.chat_postMessage(channel=INCIDENTS, text="two <@U0MEI>")

    async def counts(who: str) -> tuple[int, int]:
        channels = (await hand.get("channels", **{"as": who}))["channels"]
        entry = next(c for c in channels if c["id"] == INCIDENTS)
        return entry["unread"], entry["mentions"]

    assert await counts("U0MEI") == (2, 1)
    assert await counts("U0KAI") == (2, 0)
    await hand.post("read", **{"as": "U0MEI"}, channel=INCIDENTS)
    assert await counts("U0MEI") == (0, 0)
    await hand.post("say", **{"as": "U0MEI"}, channel=INCIDENTS, text="mine")
    assert await counts("U0MEI") == (0, 0)
    assert await counts("U0KAI") == (3, 0)


async def test_what_people_type_is_escaped_and_names_become_mentions(hand: Hand) -> None:
    said = await hand.post(
        "say",
        **{"as": "U0JO"},
        channel=INCIDENTS,
        text="@mei <!channel & a < b> <@U0KAI> @oncall in #cs-desk",
    )
    assert said["message"]["text"] == (
        "<@U0MEI> &lt;!channel &amp; a &lt; b&gt; <@U0KAI> <!subteam^S0ONCALL> in <#C0CSDESK>"
    )
    assert await who(hand) == {"U0MEI": "mention", "U0KAI": "mention"}
