"""Lint of what customers read: it greets, and speaks of nothing that is ours alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from plan.lint_texts import literals
from plan.model import Plan, Words
from plan.outline import Entry
from plan.problem import Problem

_GREETINGS = {"en": "Hello", "zh-Hant": "您好"}
_OURS = {
    "en": re.compile(
        r"\b(SEV ?[1-4]|INC-\d*|incidents?|runbook|Muster|Slack|on-call|audit|ticket)\b", re.I
    ),
    "zh-Hant": re.compile(r"SEV ?[1-4]|INC-|Muster|Slack|事件|處置手冊|值班|稽核|案號|工單"),
}


def customer_rule(plan: Plan, outline: Mapping[str, Entry]) -> Iterator[Problem]:
    """A message begins with a greeting; none of its parts has a word of the house."""
    for action in plan.actions.values():
        if action.message is None:
            continue
        owner = f"action {action.id}"
        opening = action.message.opening
        if opening is None:
            yield Problem(owner, ("message",), "a message to a customer greets (opening).")
        parts = {
            "opening": opening,
            "order": action.message.order,
            "closing": action.message.closing,
        }
        for part, words in parts.items():
            for language, text in _both(words):
                said = " ".join(literals(text))
                at = ("message", part, language)
                if part == "opening" and _GREETINGS[language] not in said:
                    yield Problem(owner, at, f"begins without “{_GREETINGS[language]}”.")
                inner = _OURS[language].search(said)
                if inner is not None:
                    yield Problem(owner, at, f"“{inner.group()}” says nothing to a customer.")


def _both(words: Words | None) -> tuple[tuple[str, str], ...]:
    return () if words is None else (("en", words.en), ("zh-Hant", words.zh_hant))


RULES = (customer_rule,)
