"""Show 4: an hour without Slack while incidents go on; afterwards Slack shows how things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json, wait_for, words
from sandbox.drills.responder import under_way
from tests.journeys.invariants import each_message_once
from tests.journeys.workspace import CHANNELS, Workspace, daytime

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("outage")
    with stack(
        folder, shop_options=("--rate", "0"), bot_options=("--control", "0"), change=daytime
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def on(workspace: Workspace, kind: str, **more: object) -> None:
    workspace.shop.post("/faults", {"kind": kind, "on": True, **more})


def off(workspace: Workspace, kind: str) -> None:
    workspace.shop.post("/faults/recover", {"kind": kind})


def pass_time(workspace: Workspace, seconds: float, step: float = 150.0) -> None:
    """The clocks go on; checks and timers have their turn, messages wait for Slack."""
    for _ in range(int(seconds / step)):
        workspace.pass_by(step)
        wait_for(lambda: not _due(workspace) or None, "the turn of checks and timers")


def _due(workspace: Workspace) -> list[str]:
    now = httpx.get(f"{workspace.stack.bot_url}/clock").json()["now"].replace("T", " ")[:19]
    rows = workspace.rows(
        "select key from work where kind in ('check', 'timer')"
        " and state in ('pending', 'claimed') and due <= ?",
        now,
    )
    return [row["key"] for row in rows]


def updates_after(workspace: Workspace, last: int) -> Counter[str]:
    """How often each message was edited since then."""
    answer = workspace.hand.get("/hand/log", params={"since": last, "method": "chat.update"})
    calls = answer.json()["requests"]
    return Counter(f"{c['args'].get('channel')}/{c['args'].get('ts')}" for c in calls)


def threads(workspace: Workspace) -> list[tuple[Json, list[Json]]]:
    found = []
    for channel in CHANNELS:
        for card in workspace.cards(channel):
            found.append((card, workspace.at(card, channel=channel).thread()))
    return found


def test_an_hour_without_slack(workspace: Workspace) -> None:
    on(workspace, "channel_half", channel="northpay")
    workspace.until(lambda: workspace.cards(), "the first card")
    workspace.settled()
    workspace.fault("*", "down", times=-1)
    workspace.fault("socket", "down", times=-1)

    on(workspace, "amount_mismatch")
    pass_time(workspace, 600)
    on(workspace, "orders_stuck")
    pass_time(workspace, 600)
    off(workspace, "channel_half")
    pass_time(workspace, 900)
    on(workspace, "channel_half", channel="northpay")
    pass_time(workspace, 900)
    off(workspace, "channel_half")
    pass_time(workspace, 600)

    incidents = workspace.one("select count(*) from incidents")
    assert incidents >= 3, "incidents go on without Slack"
    assert len(workspace.cards()) == 1
    last = int(workspace.log()["last"])
    assert last < 1000, "a silent Slack is asked now and then, not without end"
    workspace.no_faults()
    for _ in range(24):
        workspace.advance(5)
    workspace.settled()

    each_message_once(workspace)
    shown = threads(workspace)
    assert len(shown) == incidents
    _in_order(workspace)
    _nothing_left(workspace)
    updates = updates_after(workspace, last)
    assert updates, "the card that stood before shows the present"
    # Within two minutes that follow, a check may change a card again: once for the outage, and
    # no more than for what happened since.
    assert max(updates.values()) <= 3, updates
    for card, _ in shown:
        assert not under_way(words(card.get("blocks") or []))


def _in_order(workspace: Workspace) -> None:
    """Every thread reads in the order in which its lines were committed."""
    for thread in {r[0] for r in workspace.rows("select thread_ts from slack_messages")} - {None}:
        keys = [
            row["key"]
            for row in workspace.rows(
                "select m.key from slack_messages m join work w on w.key = 'message:' || m.key"
                " where m.thread_ts = ? and m.gone_at is null order by m.ts",
                thread,
            )
        ]
        wanted = [
            row["key"]
            for row in workspace.rows(
                "select m.key from slack_messages m join work w on w.key = 'message:' || m.key"
                " where m.thread_ts = ? and m.gone_at is null order by w.id",
                thread,
            )
        ]
        assert keys == wanted


def _nothing_left(workspace: Workspace) -> None:
    rows = workspace.rows(
        "select key, state, last_error from work where kind = 'message' and state != 'done'"
        " and key not like '%/twins/%' and key not like '%/again/%'"
    )
    assert [tuple(row) for row in rows] == []
