"""What customers hear, by the shop's own tables: once, in their language, as it was shown."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cli.stack import Stack, stack
from sandbox.drills.hands import Json, wait_for, words
from tests.journeys.workspace import CS, LIN, Workspace, daytime

pytestmark = pytest.mark.drill

_ORDER = re.compile(r"FG-\d+")
SWITCH = {"step": "3.3.1.s2", "button": "switch"}
TELL = {"as": LIN, "step": "3.3.4.s1", "button": "tell"}
RESOLVE = {"cause": "vendor", "prevention": "A status feed", "owner": "U0MEI"}


def opened(workspace: Workspace, known: int) -> Json:
    """The card of one more incident, with its runbook."""
    card: Json = workspace.until(lambda: workspace.cards()[known:], "a card", driven=240)[0]
    workspace.until(lambda: workspace.at(card).thread(), "its runbook")
    workspace.settled()
    return card


def fails_twice(workspace: Workspace) -> list[Json]:
    """Customers are told; the incident is closed, the channel still fails, a second one opens."""
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    first = opened(workspace, 0)
    at = workspace.at(first)
    at.press(SWITCH)
    at.press(TELL)
    workspace.settled()
    routed_back(workspace)
    workspace.until(lambda: "It did not last" in said(at) or None, "that it is seen", driven=120)
    workspace.settled()
    at.press({"action": "more", "button": "resolve", "form": RESOLVE})
    wait_for(lambda: "Resolved" in words(at.card()["blocks"]) or None, "the end of the first")
    workspace.shop.post("/checkout/burst", {"count": 24})
    second = opened(workspace, 1)
    again = workspace.at(second)
    again.press(SWITCH)
    again.press(TELL)
    workspace.settled()
    return [first, second]


def said(at: Any) -> str:
    """All that stands in the thread."""
    return "\n".join(str(message["text"]) for message in at.thread())


def routed_back(workspace: Workspace) -> None:
    """By hand, in the shop: the bot itself does not switch back to a channel that fails."""
    done = httpx.put(
        f"{workspace.stack.shop_url}/routing/card",
        json={"channel": "northpay"},
        headers={"Idempotency-Key": "by-hand"},
    )
    assert done.status_code == 200, done.text


def messages(running: Stack) -> list[tuple[str, str]]:
    """Each message that the shop sent: its text, and the language of its customer."""
    with closing(sqlite3.connect(running.folder / "shop" / "shop.db")) as shop:
        return shop.execute(
            "select m.text, c.language from messages m join customers c on c.id = m.customer_id"
        ).fetchall()


def told_more_than_once(running: Stack) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text, _ in messages(running):
        for order in set(_ORDER.findall(text)):
            counts[order] = counts.get(order, 0) + 1
    return {order: count for order, count in counts.items() if count > 1}


def links(running: Stack) -> list[tuple[Any, ...]]:
    """Orders that got more than one pay link."""
    with closing(sqlite3.connect(running.folder / "shop" / "shop.db")) as shop:
        return shop.execute(
            "select order_id from payment_links group by order_id having count(*) > 1"
        ).fetchall()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("customers")
    options = {"shop_options": ("--rate", "0"), "bot_options": ("--control", "0")}
    with stack(folder, change=daytime, **options) as running:
        workspace = Workspace(running)
        fails_twice(workspace)
        yield workspace
        workspace.close()


def test_nobody_is_told_twice_by_two_incidents(told: Workspace) -> None:
    """Each order once, and one pay link each, whichever incident asked."""
    sent = messages(told.stack)
    assert len(sent) > 30
    opened = told.rows("select number, section, subject from incidents order by number")
    assert [section for _, section, _ in opened] == ["3.3", "3.3"], opened
    cases = told.rows("select key from cases group by key having count(*) > 1")
    assert len(cases) >= 12  # the same orders stand in both
    assert told_more_than_once(told.stack) == {}
    assert links(told.stack) == []


def test_each_customer_reads_their_own_language(told: Workspace) -> None:
    sent = messages(told.stack)
    assert {language for _, language in sent} == {"en", "zh-Hant"}
    for text, language in sent:
        assert text.startswith("Hello" if language == "en" else "您好"), (language, text)
        assert text.count("We are sorry") + text.count("敬請見諒") == 1
        for line in text.splitlines():
            assert "https://" not in line or re.search(r"https://\S+$", line), line


def test_the_desk_hears_from_the_opening_on(told: Workspace) -> None:
    """In its channel, one message for each incident, and what it says follows the state."""
    notes = [m for m in told.slack.messages(LIN, CS) if "可以說" in words(m.get("blocks") or [])]
    assert len(notes) == 2
    sent = ("chat.postMessage", "chat.update")
    requests = [one for one in told.log()["requests"] if one["method"] in sent]
    said = [json.dumps(one, ensure_ascii=False) for one in requests if CS in json.dumps(one)]
    assert any("刷卡付款異常" in text and "請稍後再試" in text for text in said)


@pytest.mark.slow
def test_a_bot_that_tells_by_incident_is_found_out(tmp_path: Path) -> None:
    """Sabotage: what another incident told is not looked at."""
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        running.start_bot("--control", "0", module=("tests.drills.sabotaged_bot", "told"))
        workspace = Workspace(running)
        fails_twice(workspace)
        twice = told_more_than_once(running)
        workspace.close()
    assert twice
