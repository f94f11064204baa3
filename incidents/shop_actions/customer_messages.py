"""Messages to customers as they read them: one opening, their orders, one closing, one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plan import expressions
from plan.expressions import ExpressionError
from plan.languages import LANGUAGES
from plan.model import CustomerMessage, Words


@dataclass(frozen=True)
class Letter:
    """One message to one customer."""

    text: str
    language: str
    known: bool  # whether the customer's language is known; else it is the shop's own
    kind: str
    orders: int  # how many it speaks of

    def scope(self) -> dict[str, str]:
        """What the parameters of the action see as `message`."""
        return {"text": self.text, "language": self.language, "kind": self.kind}


def language_of(group: Iterable[Mapping[str, Any]]) -> str | None:
    """The language of the customer whose cases these are; None: no case tells."""
    for case in group:
        spoken = (case.get("facts") or {}).get("language")
        if spoken in LANGUAGES:
            return str(spoken)
    return None


def write(
    message: CustomerMessage,
    kind: str,
    group: Sequence[Mapping[str, Any]],
    scope: Mapping[str, Any],
    default: str,
) -> Letter:
    """The letter for one customer's cases. Raises ExpressionError where a fact is missing.

    A case that was read just before sending carries `seen` and, where it owes, `due`.
    """
    spoken = language_of(group)
    language = spoken or default
    seen = {**scope, "case": group[0], "group": list(group)}

    def say(words: Words | None, **more: Any) -> str:
        return expressions.fill(words.in_(language), {**seen, **more}).strip() if words else ""

    parts = [say(message.opening)]
    parts += [say(message.order, case=case) for case in group]
    parts.append(say(message.closing))
    text = "\n".join(part for part in parts if part)
    return Letter(text, language, spoken is not None, kind, len(group))


def read(
    message: CustomerMessage, case: Mapping[str, Any], look: Any, scope: Mapping[str, Any]
) -> dict[str, Any]:
    """The case as a fresh look shows it: what it owes, or that it owes nothing."""
    if message.reads is None:
        return {**case, "seen": True}
    try:
        due = expressions.evaluate(message.reads.due, {**scope, "case": case, "look": look})
    except ExpressionError:
        due = None
    owes = isinstance(due, Mapping) and int(due["minor"]) > 0
    return {**case, "seen": True, "due": due if owes else None}
