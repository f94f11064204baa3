"""Count of an attack: what was pressed by whom, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.rights.attack import Body, Entry, Kind
from tests.rights.scene import Result

_SHOWN = frozenset({"answer", "sent_back", "result"})
_ALONE = frozenset({"ephemeral", "respond", "direct", "view"})


@dataclass
class Count:
    """Every press that did more, or less, than to be refused is kept by name."""

    pressed: int = 0
    refused: int = 0
    kinds: set[str] = field(default_factory=set)
    entries: set[Entry] = field(default_factory=set)
    wrong: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def take(self, kind: Kind, entry: Entry, forgery: str, body: Body, result: Result) -> None:
        self.pressed += 1
        self.kinds.add(kind.name)
        self.entries.add(entry)
        self.refused += bool(result.refusals)
        who = str(sender(body) or "")
        for fault in faults(who, result):
            self.wrong[fault] += 1
            self.first.setdefault(fault, f"{kind.name}, {' '.join(entry)}, {forgery}: {result}")

    def judge(self) -> None:
        assert not self.wrong, "\n".join(
            f"{number} x {fault}; first: {self.first[fault]}"
            for fault, number in self.wrong.items()
        )

    def __str__(self) -> str:
        changes = sum(n for fault, n in self.wrong.items() if "change" in fault)
        shop = sum(n for fault, n in self.wrong.items() if "shop" in fault)
        return (
            f"{len(self.kinds)} kinds of persons x {len(self.entries)} controls, "
            f"{self.pressed} presses, {self.refused} refusals on record, {changes} changes, "
            f"{shop} shop calls"
        )


def sender(body: Body) -> Any:
    user, event = body.get("user"), body.get("event")
    if isinstance(user, dict):
        return user.get("id")
    return body.get("user_id") or (event.get("user") if isinstance(event, dict) else None)


def faults(who: str, result: Result) -> list[str]:
    """What a refused press must not be."""
    found: list[str] = []
    if result.error is not None:
        found.append(f"an error: {type(result.error).__name__}")
    if result.changes:
        found.append("a change")
    if result.shop:
        found.append("a shop call")
    if result.opened:
        found.append("a form was opened")
    if len(result.refusals) != 1:
        found.append(f"{len(result.refusals)} entries of the audit")
    elif result.refusals[0][0] != who:
        found.append("another person in the audit")
    told = [item.payload for item in result.told if item.kind == "message"]
    for payload in told:
        alone = payload["do"] in _ALONE and payload.get("person") == who
        if not alone or payload["template"] not in _SHOWN:
            found.append(f"shown: {payload['do']} {payload.get('template')}")
    if who and len(told) != 1:
        found.append(f"told {len(told)} times")
    return found
