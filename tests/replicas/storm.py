"""Load by several people while bots are killed and started again; every answer is kept."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.drills.hands import Json, Slack, words
from tests.journeys.invariants import (
    each_message_once,
    kill,
    one_effect_a_key,
)
from tests.journeys.workspace import INCIDENTS, KAI, MEI, Workspace

_PRESSES = (("3.3.1.s2", "switch"), ("3.3.1.s2", "undo"), ("3.3.2.s1", "ask"), ("3.3.4.s1", "tell"))
_SHOWN_AS_FAILED = ("operation_timeout", "dispatch_failed")
_DECLARED = ("2.2", "3.2")  # a line that would open a SEV1 asks first


@dataclass
class Tally:
    """What people were told, and what was done to the bots."""

    said: set[str] = field(default_factory=set)  # notes and declarations, acknowledged
    failed: set[str] = field(default_factory=set)  # shown as failed
    acknowledged: int = 0
    not_acknowledged: int = 0
    kills: int = 0
    starts: int = 0
    entries_before: int = 0  # of the timelines, when the storm began
    odd: list[str] = field(default_factory=list)


class Storm:
    """Notes, presses and declarations, each person at their own pace, until it is stopped."""

    def __init__(self, workspace: Workspace, card: Json, seed: int) -> None:
        self.workspace = workspace
        self.card = card
        self.tally = Tally(entries_before=said_entries(workspace))
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._people = [
            threading.Thread(target=self._work, args=(do,), daemon=True)
            for do in (self._note, self._press, self._declare)
        ]

    def start(self) -> None:
        for person in self._people:
            person.start()

    def stop(self) -> None:
        self._stop.set()
        for person in self._people:
            person.join(30)

    def kill(self, name: str) -> None:
        """SIGKILL, and the same replica starts again."""
        kill(self.workspace, name)
        self.tally.kills += 1
        self.workspace.restart(name)
        self.tally.starts += 1

    def _work(self, do: Callable[[Slack, int], None]) -> None:
        slack = Slack(self.workspace.stack.slack_url)
        number = 0
        while not self._stop.wait(self._chance.uniform(0.3, 0.9)):
            number += 1
            do(slack, number)
        slack.close()

    def _told(self, answer: Json) -> bool:
        """Whether the person saw it taken; everything else must be shown as failed."""
        with self._guard:
            if answer.get("ok"):
                self.tally.acknowledged += 1
                return True
            if answer.get("error") == "element_not_found":  # the card was drawn anew meanwhile
                return False
            self.tally.not_acknowledged += 1
            if answer.get("error") not in _SHOWN_AS_FAILED:
                self.tally.odd.append(str(answer))
            return False

    def _note(self, slack: Slack, number: int) -> None:
        text = f"storm {number:04d}."
        self._says(slack, MEI, "note 1", text)

    def _press(self, slack: Slack, number: int) -> None:
        shown = slack.send_shown(MEI)  # what the press before opened: what customers will read
        if shown is not None:
            self._told(shown)
        at = self.workspace.at(self.card)
        found = at.find(*_PRESSES[number % len(_PRESSES)])
        if found is not None:
            self._told(slack.click(MEI, found[0], INCIDENTS, found[1]))

    def _declare(self, slack: Slack, number: int) -> None:
        self._says(slack, KAI, _DECLARED[number % len(_DECLARED)], f"declared {number:04d}.")

    def _says(self, slack: Slack, person: str, what: str, text: str) -> None:
        taken = self._told(slack.command(person, INCIDENTS, "/incident", f"{what} {text}"))
        (self.tally.said if taken else self.tally.failed).add(text)


def settle(workspace: Workspace, *, lease: float) -> None:
    """What dead processes had claimed is free after a lease; then a while of driven time."""
    time.sleep(lease)  # the server's clock is nobody's to drive
    work_off(workspace)
    for _ in range(8):  # the later looks for twins
        workspace.advance(10, settle=5.0)
    workspace.settled()


def work_off(workspace: Workspace) -> None:
    """Driven time passes until everything has been done and said.

    One channel takes one message a second, so that a long storm leaves minutes of them behind.
    """
    for _ in range(60 + waiting(workspace)):
        workspace.advance(5, settle=3.0)
        if not workspace.busy() and not waiting(workspace):
            return
    raise AssertionError(f"{waiting(workspace)} pieces of work are not done")


def waiting(workspace: Workspace) -> int:
    """Messages and deliveries that are not done yet, the late looks not counted."""
    return int(
        workspace.one(
            "select count(*) from work where kind in ('intake', 'message', 'action')"
            " and state in ('pending', 'claimed', 'unclear') and priority < 7"
        )
    )


def verdict(workspace: Workspace, tally: Tally) -> dict[str, int]:
    """The counts of the show: of what was acknowledged, lost, doubled and orphaned.

    What was said stands once as an entry of the timeline, and as one message of a thread.
    """
    shown = [
        words(message.get("blocks") or [])
        for card in workspace.cards()
        for message in workspace.at(card).thread()
    ]
    times = {text: sum(text in one for one in shown) for text in tally.said | tally.failed}
    carried_out = sum(1 for text in times if times[text])
    entries = said_entries(workspace) - tally.entries_before
    live = workspace.rows(
        "select fingerprint from incidents where status not in"
        " ('resolved', 'reviewed', 'dismissed', 'merged')"
    )
    return {
        "acknowledged": tally.acknowledged,
        "shown as failed": tally.not_acknowledged,
        "said and acknowledged": len(tally.said),
        "said and carried out": carried_out,
        "entries": entries,
        "lost": sum(1 for text in tally.said if not times[text]),
        "doubled": sum(1 for text in times if times[text] > 1)
        + max(0, entries - carried_out)
        + len(live)
        - len({row["fingerprint"] for row in live}),
        "orphaned": orphans(workspace),
        "kills": tally.kills,
        "restarts": tally.starts,
    }


def said_entries(workspace: Workspace) -> int:
    """What people said, in the timelines."""
    return int(workspace.one("select count(*) from timeline where kind in ('note', 'declared')"))


def orphans(workspace: Workspace) -> int:
    """Incidents without a card, steps and attempts that never end, work that nobody will do."""
    queries = (
        (
            "select count(*) from incidents i where not exists (select 1 from slack_messages m"
            " where m.incident_id = i.id and m.key like '%/card' and m.ts is not null)"
        ),
        "select count(*) from steps where state = 'running'",
        "select count(*) from action_attempts where state in ('written', 'sent')",
        "select count(*) from work where kind = 'intake' and state != 'done'",
        (
            "select count(*) from work where state in ('claimed', 'parked') and priority < 7"
            " and kind in ('intake', 'message', 'action')"
        ),
    )
    return sum(int(workspace.one(query)) for query in queries)


def nothing_lost_nothing_twice(workspace: Workspace, tally: Tally, title: str) -> dict[str, int]:
    """Prints the counts and holds them to nought."""
    counts = verdict(workspace, tally)
    print(f"\n{title}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))  # noqa: T201
    assert tally.odd == []
    assert (counts["lost"], counts["doubled"], counts["orphaned"]) == (0, 0, 0)
    one_effect_a_key(workspace)
    each_message_once(workspace)
    return counts
