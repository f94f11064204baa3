"""Steps of the tests of a database that is away or full: what they do, and what they look at."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from sandbox.drills.hands import Json, wait_for, words
from sandbox.drills.responder import under_way
from tests.journeys.invariants import (
    Behind,
    attempts,
    each_message_once,
    note_count,
    one_effect_a_key,
)
from tests.journeys.workspace import INCIDENTS, MEI, Workspace

_FAILED = ("operation_timeout", "dispatch_failed")


def health(workspace: Workspace, path: str = "/readyz") -> tuple[int, Json]:
    """What the bot's own HTTP side answers."""
    bot = workspace.stack.bot
    assert bot is not None
    answer = httpx.get(f"{bot.says['web']}{path}", timeout=10)
    return answer.status_code, answer.json()


def ready(workspace: Workspace) -> bool:
    return health(workspace)[0] == 200


def said_in(workspace: Workspace, card: Json) -> Json:
    """A person's message in the thread, to be pinned."""
    wish = {"as": MEI, "channel": INCIDENTS, "text": "Seen", "thread_ts": card["ts"]}
    return workspace.post("/hand/say", **wish)


def pin(workspace: Workspace, message: Json) -> None:
    """An event, which Slack sends again when it is not acknowledged."""
    wish = {"as": MEI, "channel": INCIDENTS, "ts": message["ts"], "name": "pushpin"}
    workspace.post("/hand/react", **wish)


def note(workspace: Workspace, text: str) -> Json:
    return workspace.slack.command(MEI, INCIDENTS, "/incident", f"note 1 {text}")


def notes_fail(workspace: Workspace, text: str) -> None:
    """Three notes at the same moment, and Slack shows each as failed."""
    tried = [Behind(lambda n=n: note(workspace, f"{text} {n}")) for n in range(3)]
    assert [one.answer.get("error") in _FAILED for one in tried] == [True] * 3


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


def thread_of(workspace: Workspace, card: Json) -> str:
    """All words of the thread."""
    return "\n".join(words(m.get("blocks") or []) for m in workspace.at(card).thread())


def outlasts(
    workspace: Workspace,
    card: Json,
    *,
    begin: Callable[[], None],
    meanwhile: Callable[[], None],
    end: Callable[[], None],
    problem: str,
) -> None:
    """The database takes nothing from `begin` to `end`, while the shop works at a switch (3.3).

    What comes in is not acknowledged, `/readyz` tells the `problem`, and afterwards the same
    process goes on: later presses work, the event comes again, nothing is lost or doubled.
    """
    said, bot = said_in(workspace, card), workspace.stack.bots["bot"]
    switch(workspace, card, seconds=1.5)
    begin()
    status, what = health(workspace)
    assert (status, what["failing"]) == (503, ["database"])
    assert problem in what["parts"]["database"]["problem"]
    assert health(workspace, "/healthz")[0] == 200, "a restart would mend nothing"
    pin(workspace, said)
    notes_fail(workspace, "into the void")
    wait_for(lambda: effects(workspace) or None, "the effect, which nobody can write down")
    meanwhile()
    end()
    wait_for(lambda: ready(workspace) or None, "a ready bot", within=15)
    assert note(workspace, "it is back")["ok"]
    workspace.advance(60)  # Slack sends an event again after a minute
    workspace.until(lambda: note_count(workspace) == 2, "the pin, sent again", driven=120)
    workspace.until(lambda: attempts(workspace) == {"done": 1}, "the outcome")
    workspace.settled()
    thread = thread_of(workspace, card)
    assert thread.count("it is back") == 1
    assert "into the void" not in thread
    assert note_count(workspace) == 2
    assert not under_way(workspace.card_words(card))
    one_effect_a_key(workspace)
    each_message_once(workspace)
    assert bot.running, "the same process went on"
    assert "delivery_not_stored" in bot.log.read_text("utf-8")
