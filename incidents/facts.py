"""Facts of an incident come from checks, forms and actions; none wipes out what another knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

ALWAYS_PRESENT = ("check", "alert")
WAITS_UNTIL = "waits_until"  # of a case: by when what was done about it should show


def present(facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Those of the facts that describe the present, by the type's own word (`present`).

    Once the customers no longer feel it, a check that still fails brings only these: the figures
    of the outage stay as they were (the review tells them).
    """
    found: dict[str, Any] = {}
    for path in (*ALWAYS_PRESENT, *names):
        value: Any = facts
        for part in path.split("."):
            value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
        if value is not _MISSING:
            found = put(found, path, value)
    return found


_MISSING = object()


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The newer value wins; mappings are merged, so that an action's facts survive a check run."""
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping) and not _whole(value):
            found[name] = merged(before, value)
        else:
            found[name] = dict(value) if isinstance(value, Mapping) else value
    return found


def waited_too_long(facts: Mapping[str, Any], now: datetime) -> bool:
    """Whether a case should show by now what was done about it."""
    until = facts.get(WAITS_UNTIL)
    return isinstance(until, str) and datetime.fromisoformat(until) <= now


def _whole(value: Mapping[str, Any]) -> bool:
    """Money is one value, not two."""
    return set(value) == {"minor", "currency"}


def put(facts: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """The facts with one more at a dotted path: "vendor_ticket.id"."""
    head, _, rest = path.partition(".")
    inner = facts.get(head)
    if not rest:
        return {**facts, head: value}
    return {**facts, head: put(inner if isinstance(inner, Mapping) else {}, rest, value)}
