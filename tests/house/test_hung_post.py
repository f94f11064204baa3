"""A post that hangs costs less than 20 s while Slack answers everything else, and stands once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.invariants import each_message_once
from tests.journeys.workspace import INCIDENTS, Workspace, daytime

pytestmark = [pytest.mark.programs, pytest.mark.slow]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        found = Workspace(running)
        found.restart()
        yield found
        found.close()


def hangs(workspace: Workspace) -> bool:
    return any(one["fault"] for one in workspace.slack.log("chat.postMessage"))


def stands(workspace: Workspace) -> bool:
    return bool(workspace.one("select count(*) from slack_messages where key like '%/card'"))


@pytest.mark.parametrize("kind", ["timeout_before", "delay"])
def test_a_card_whose_post_hangs_stands_within_20_seconds(workspace: Workspace, kind: str) -> None:
    """Whether Slack never took it, or took it and does not say so."""
    workspace.fault("chat.postMessage", kind, seconds=60, match={"channel": INCIDENTS})
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    for _ in range(3):
        workspace.advance(10, settle=1.0)
    wait_for(lambda: hangs(workspace) or None, "the post that hangs")
    wait_for(lambda: stands(workspace) or None, "the card", within=20)
    workspace.settled()
    assert len(workspace.cards()) == 1
    each_message_once(workspace)
