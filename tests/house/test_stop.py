"""`muster run` ends within 10 s whatever Slack and the shop do, and nothing is lost by it."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.workspace import INCIDENTS, MEI, Workspace, daytime

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("stop")
    with stack(
        folder, shop_options=("--rate", "0"), bot_options=("--control", "0"), change=daytime
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def end(workspace: Workspace, *signals: int) -> tuple[int, float]:
    """Sends the signals; the exit code and the seconds until it."""
    bot = workspace.stack.bot
    assert bot is not None
    began = time.monotonic()
    for number in signals:
        bot.process.send_signal(number)
        wait_for(
            lambda: "stopping" in bot.log.read_text("utf-8").rsplit("ready", 1)[-1] or None,
            "the bot's word that it stops",
        )
    code = bot.process.wait(15)
    if bot.process.stdout is not None:
        bot.process.stdout.close()
    return code, time.monotonic() - began


def test_with_slack_silent_and_the_shop_slow(workspace: Workspace) -> None:
    """A card is on its way and a note is under work; both stand once after the next start."""
    workspace.shop.post(
        "/faults",
        {
            "kind": "control_delay",
            "on": True,
            "path": "/",
            "method": "*",
            "seconds": 20,
            "times": 3,
        },
    )
    workspace.fault("*", "timeout_before", times=-1, seconds=60)
    workspace.shop.post("/faults", {"kind": "orders_stuck", "on": True})
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    workspace.advance(31)  # the check's turn
    wait_for(lambda: workspace.one("select count(*) from incidents") or None, "an incident")
    code, seconds = end(workspace, signal.SIGTERM)
    assert seconds < 10.5
    assert code in (0, 130)
    workspace.no_faults()
    workspace.shop.post("/faults/recover", {"kind": "control_delay"})
    workspace.restart()
    for _ in range(8):
        workspace.advance(5)
        workspace.settled()
    incidents = workspace.one("select count(*) from incidents")
    assert len(workspace.cards()) == incidents


def test_asked_twice_it_ends_at_once(workspace: Workspace) -> None:
    """Even while the database is locked, so that nothing can be written any more."""
    workspace.fault("*", "timeout_before", times=-1, seconds=60)
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        workspace.slack.command(MEI, INCIDENTS, "/incident", "note 1 while it is locked")
        code, seconds = end(workspace, signal.SIGTERM, signal.SIGTERM)
        connection.execute("rollback")
    assert code == 130
    assert seconds < 3
    workspace.no_faults()
    workspace.restart()
    workspace.settled()


def test_with_the_database_locked_it_ends_all_the_same(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        shown = workspace.slack.command(MEI, INCIDENTS, "/incident", "note 1 never stored")
        assert not shown["ok"], "what cannot be stored is not acknowledged"
        _, seconds = end(workspace, signal.SIGTERM)
        connection.execute("rollback")
    assert seconds < 10.5
    workspace.restart()
    workspace.settled()
