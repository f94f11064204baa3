"""Invariants of Slack, shop and database, whatever was killed, frozen or restarted."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable

from sandbox.drills.hands import Json
from sandbox.drills.responder import under_way
from tests.journeys.workspace import CHANNELS, MEI, PRIVATE, Workspace


def kill(workspace: Workspace, name: str = "bot") -> None:
    """SIGKILL, and no more of it."""
    workspace.stack.bots[name].signal(signal.SIGKILL)
    gone(workspace, name)


def gone(workspace: Workspace, name: str = "bot") -> None:
    """The bot has died by SIGKILL."""
    bot = workspace.stack.bots[name]
    assert bot.process.wait(10) == -signal.SIGKILL
    if bot.process.stdout is not None:
        bot.process.stdout.close()


class Behind:
    """Something that a person does while the test looks on."""

    def __init__(self, do: Callable[[], Json]) -> None:
        self._answer: Json = {}
        self._thread = threading.Thread(target=self._run, args=(do,), daemon=True)
        self._thread.start()

    def _run(self, do: Callable[[], Json]) -> None:
        self._answer = do()

    @property
    def answer(self) -> Json:
        self._thread.join(15)
        assert not self._thread.is_alive()
        return self._answer


def attempts(workspace: Workspace) -> Counter[str]:
    return Counter(row["state"] for row in workspace.rows("select state from action_attempts"))


def note_count(workspace: Workspace) -> int:
    return int(workspace.one("select count(*) from timeline where kind in ('note', 'pinned')"))


def after_restart(workspace: Workspace, card: Json) -> None:
    """What must be true 30 s (driven) after the bot was started again, whatever was killed."""
    for _ in range(6):
        workspace.settled()
        workspace.advance(5)
    workspace.settled()
    running = workspace.rows("select step_id from steps where state = 'running'")
    assert [row["step_id"] for row in running] == []
    assert not set(attempts(workspace)) & {"written", "sent"}
    assert not under_way(workspace.card_words(card))
    undone = workspace.rows(
        "select key, state, last_error from work where kind = 'intake' and state != 'done'"
    )
    assert [tuple(row) for row in undone] == []
    one_effect_a_key(workspace)
    each_message_once(workspace)


def one_effect_a_key(workspace: Workspace) -> None:
    """In the shop's own log; and what is recorded as done had its effect."""
    effects = Counter(
        m["idempotency_key"]
        for m in workspace.shop.mutations()
        if m["effect"] and m["idempotency_key"]
    )
    assert {key: n for key, n in effects.items() if n > 1} == {}
    rows = workspace.rows("select key, action, state from action_attempts")
    done = {row["key"] for row in rows if row["state"] == "done"}
    assert done <= set(effects)
    assert set(effects) <= {row["key"] for row in rows}, "an effect that nobody asked for"
    not_done = {row["key"] for row in rows if row["state"] in ("refused", "awaiting_approval")}
    assert not not_done & set(effects)


def no_message_twice(workspace: Workspace) -> dict[str, set[tuple[str, str]]]:
    """No message of the bot stands twice in Slack; where each stands, by its delivery id."""
    places: dict[str, set[tuple[str, str]]] = {}  # a reply also shown in the channel is one message
    for channel, reader in [*((c, MEI) for c in CHANNELS), (PRIVATE, "U0JO")]:
        for root in workspace.slack.messages(reader, channel):
            if root.get("ephemeral"):
                continue
            thread = workspace.slack.messages(reader, channel, root["ts"])
            for message in [root, *(m for m in thread if m["ts"] != root["ts"])]:
                event = (message.get("metadata") or {}).get("event_payload") or {}
                if message.get("ephemeral") or "delivery" not in event:
                    continue
                places.setdefault(event["delivery"], set()).add((channel, message["ts"]))
    assert {key: found for key, found in places.items() if len(found) > 1} == {}
    return places


def each_message_once(workspace: Workspace) -> None:
    """Every message of the bot stands once in Slack, where the database says that it stands."""
    places = no_message_twice(workspace)
    known = {
        row["delivery_id"]: {(row["channel"], row["ts"])}
        for row in workspace.rows(
            "select delivery_id, channel, ts from slack_messages"
            " where ts is not null and gone_at is null and channel like 'C0%'"
        )
    }
    assert places == known
