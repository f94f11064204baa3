"""A Slack that hangs at the start keeps nobody waiting: the bot is ready, and does what it can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.house.steps import ready
from tests.journeys.workspace import MEI, Workspace, daytime

pytestmark = pytest.mark.programs

ASKED_AT_START = ("users.info", "usergroups.list", "conversations.history")
PATIENCE = 15.0  # seconds, most of them for the process itself on a machine that is busy


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Nothing runs over its database yet."""
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        found = Workspace(running)
        yield found
        found.close()


def _start(workspace: Workspace) -> float:
    started = time.monotonic()
    workspace.restart()
    return time.monotonic() - started


def test_a_slack_that_hangs_delays_no_start(workspace: Workspace) -> None:
    """Who is on call is known from before."""
    workspace.restart()
    wait_for(lambda: ready(workspace) or None, "a ready bot")
    workspace.stack.bots["bot"].stop()
    for method in ASKED_AT_START:
        workspace.fault(method, "timeout_before", times=-1)
    assert _start(workspace) < PATIENCE
    assert workspace.types(MEI, "/incident list") == "No incident is open."


@pytest.mark.slow
def test_a_slack_that_hangs_delays_not_even_the_first_start(workspace: Workspace) -> None:
    """Nothing is known yet; once Slack answers, all is, without another start."""
    for method in ASKED_AT_START[:2]:
        workspace.fault(method, "timeout_before", times=-1)
    assert _start(workspace) < PATIENCE
    assert not ready(workspace)
    workspace.no_faults()
    wait_for(lambda: ready(workspace) or None, "a ready bot", within=40)
