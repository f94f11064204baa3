"""Lint of what customers read: it greets, and speaks of nothing that is ours alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plan import languages
from plan.lint_texts import literals
from plan.model import Plan
from plan.outline import Entry
from plan.problem import Problem


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
            for language, text in words.items() if words is not None else ():
                reads = languages.row(language)
                said = " ".join(literals(text))
                at = ("message", part, language)
                if part == "opening" and reads.greeting not in said:
                    yield Problem(owner, at, f"begins without “{reads.greeting}”.")
                inner = reads.inner.search(said)
                if inner is not None:
                    yield Problem(owner, at, f"“{inner.group()}” says nothing to a customer.")


RULES = (customer_rule,)
