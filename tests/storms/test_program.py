"""Storms through the real program: very many alerts, then two hundred clicks at once.

Slack takes 300 ms for every call. MUSTER_FULL=1: a thousand alerts, four hundred clicks.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json, wait_for
from tests.journeys.invariants import each_message_once
from tests.journeys.workspace import INCIDENTS, KAI, MEI, Workspace, daytime

_FULL = bool(os.environ.get("MUSTER_FULL"))
ALERTS = 1_000 if _FULL else 25
CLICKS = 200 if _FULL else 100  # on one card, and as many on the others
THREADS = 11  # House.storm_after, and the one that has all others
_LATENCY = 0.3  # seconds

pytestmark = pytest.mark.programs


def _probes(data: dict[str, Any]) -> None:
    """As many checks as alerts, each of a service of its own that the same crash takes away."""
    daytime(data)
    url = next(check["url"] for check in data["checks"] if check["kind"] == "http_probe")
    common = {"kind": "http_probe", "every": 3600, "open_after": 1, "recover_after": 1, "url": url}
    data["checks"] = [
        {**common, "name": f"probe-{number}", "service": f"svc-{number}"}
        for number in range(ALERTS)
    ]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The shop has crashed and the bot is about to start: every check has its turn at once."""
    folder = tmp_path_factory.mktemp("storm")
    with stack(folder, shop_options=("--rate", "0"), change=_probes, with_bot=False) as running:
        found = Workspace(running)
        found.shop.post("/faults", {"kind": "server_crash", "on": True})
        found.post("/hand/options", latency=_LATENCY)
        found.restart()
        wait_for(lambda: _alerts(found) == ALERTS or None, "every alert", within=300)
        _calm(found)
        yield found
        found.close()


def _alerts(workspace: Workspace) -> int:
    return int(workspace.one("select count(*) from cases"))


def _calm(workspace: Workspace) -> None:
    """Until nothing waits, the bot's own budget at Slack included."""
    for _ in range(100):
        if not _waiting(workspace):
            return
        workspace.advance(10)
    raise AssertionError(_waiting(workspace))


def _waiting(workspace: Workspace) -> list[str]:
    rows = workspace.rows(
        "select key from work where kind in ('intake', 'message', 'action')"
        " and state in ('pending', 'claimed', 'unclear') and priority < 7"
    )
    return [row["key"] for row in rows]


def calls(workspace: Workspace, method: str) -> list[Json]:
    answer = workspace.hand.get("/hand/log", params={"method": method}).json()
    found: list[Json] = answer["requests"]
    return found


def test_alerts_are_a_few_threads(workspace: Workspace) -> None:
    """The first have a thread each, all others are the cases of one more; who is on duty is rung
    once for each thread."""
    assert workspace.one("select count(*) from incidents") == THREADS
    cards = workspace.cards()
    assert len(cards) == THREADS
    posted = len(calls(workspace, "chat.postMessage"))
    assert posted <= THREADS * 5 + 10, "messages grow with the threads, not with the alerts"
    for person in (MEI, KAI):
        rings = Counter(ring["thread_ts"] or ring["ts"] for ring in workspace.slack.rings(person))
        assert set(rings.values()) == {1}, rings
        assert len(rings) == THREADS
    each_message_once(workspace)


def element(workspace: Workspace, card: Json, action: str) -> Json:
    """The card's button or menu."""
    found = wait_for(lambda: workspace.at(card).find_action(action), f"{action} of the card")
    return found[1]


def take(workspace: Workspace, card: Json, person: str) -> Json:
    """What a click on “I have it” is to the hand API."""
    button = element(workspace, card, "incident.take")
    wish = {"as": person, "channel": INCIDENTS, "ts": card["ts"]}
    return {**wish, "action_id": button["action_id"], "block_id": button["block_id"]}


def volley(workspace: Workspace, clicks: list[Json]) -> None:
    """All at once; every one of them is acknowledged."""
    answer = httpx.post(
        f"{workspace.stack.slack_url}/hand/volley", json={"clicks": clicks}, timeout=60
    ).json()
    assert (answer.get("sent"), answer.get("acked")) == (len(clicks), len(clicks)), answer


def answered(workspace: Workspace) -> int:
    """Answers that Mei and Kai have been given, to their eyes only."""
    return len(calls(workspace, "chat.postEphemeral"))


def test_two_hundred_clicks_at_once(workspace: Workspace) -> None:
    """Half of them on one card, half on all others: each card is taken once, whoever was second is
    told who has it."""
    first, *others = workspace.cards()
    one = [take(workspace, first, person) for person in (MEI, KAI)] * (CLICKS // 2)
    many = [take(workspace, card, person) for card in others for person in (MEI, KAI)]
    clicks = [*one, *many * (CLICKS // len(many))]
    told = answered(workspace)
    volley(workspace, clicks)
    _calm(workspace)
    assert workspace.one("select count(*) from incidents where owner is null") == 0
    assert workspace.one("select count(*) from timeline where kind = 'taken'") == THREADS
    assert answered(workspace) - told == len(clicks) - THREADS
    _nothing_left(workspace)
    each_message_once(workspace)


def _nothing_left(workspace: Workspace) -> None:
    """Every stored click was carried out or answered."""
    rows = workspace.rows("select key, state from work where kind = 'intake' and state != 'done'")
    assert [tuple(row) for row in rows] == []
    assert workspace.one("select count(*) from work where state = 'parked'") == 0
