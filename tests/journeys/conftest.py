"""One running stack for each module of journeys: starting it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json
from tests.journeys.workspace import Workspace, daytime


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Sandbox Slack, shop and bot as processes, their clocks driven."""
    folder = tmp_path_factory.mktemp("journey")
    with stack(
        folder,
        shop_options=("--rate", "0"),
        bot_options=("--control", "0"),
        change=_steady,
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def _steady(data: dict[str, Any]) -> None:
    """Nobody is asked to switch back: whether that comes would depend on how long a test takes."""
    daytime(data)
    channel = next(check for check in data["checks"] if check["kind"] == "payment_channel")
    channel["recover_after"] = 100


@pytest.fixture(scope="module")
def channel_card(workspace: Workspace) -> Json:
    """The card of the payment channel that half fails (3.3)."""
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    card: Json = workspace.until(lambda: workspace.cards(), "the card of 3.3")[0]
    workspace.until(lambda: workspace.at(card).thread(), "its runbook")
    workspace.settled()
    return card
