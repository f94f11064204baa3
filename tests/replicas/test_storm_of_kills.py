"""Bots are killed at random moments under load: 0 lost, 0 doubled, 0 orphaned.

MUSTER_FULL=1 runs the whole: 200 kills on SQLite, two replicas over PostgreSQL for five minutes.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from bot.cli.stack import stack
from tests.journeys.workspace import Workspace, daytime
from tests.replicas.conftest import PAIR, channel_card
from tests.replicas.storm import Storm, nothing_lost_nothing_twice, settle

pytestmark = pytest.mark.kills

_FULL = bool(os.environ.get("MUSTER_FULL"))
KILLS = 200 if _FULL else 4
SECONDS, EVERY = (300.0, 20.0) if _FULL else (28.0, 13.0)
LEASE = 33.0  # seconds: what a dead replica had claimed is free by then


@pytest.mark.slow  # two replicas below are killed so in every run
def test_one_bot_is_killed_at_random_moments(tmp_path: Path) -> None:
    """On SQLite: killed and started again while people go on."""
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        workspace = Workspace(running)
        workspace.restart()
        storm = Storm(workspace, channel_card(workspace), seed)
        storm.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.0, 2.0))
            storm.kill("bot")
        storm.stop()
        settle(workspace, lease=0.0)
        title = f"{KILLS} kills, SQLite, seed {seed}"
        nothing_lost_nothing_twice(workspace, storm.tally, title)
        workspace.close()


@pytest.mark.postgres
def test_two_replicas_of_which_one_is_killed_again_and_again(pair: Workspace) -> None:
    """Over PostgreSQL: one after the other is killed while the other one goes on."""
    seed = random.SystemRandom().randrange(10**6)
    storm = Storm(pair, channel_card(pair), seed)
    storm.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() + EVERY < end:
        time.sleep(EVERY)
        storm.kill(PAIR[storm.tally.kills % 2])
    time.sleep(max(0.0, end - time.monotonic()))
    storm.stop()
    settle(pair, lease=LEASE)
    title = f"{SECONDS:g} s, two replicas over PostgreSQL, seed {seed}"
    nothing_lost_nothing_twice(pair, storm.tally, title)
