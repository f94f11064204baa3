"""The preview of messages to customers: each text as it will read, with its count, before it goes.

What is sent cannot be taken back, so who presses reads it first. Of a chain (a pay link, then the
message with it) the message is shown as it will be once the first action is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from incidents import case_totals
from incidents import facts as facts_of
from incidents.case_totals import CaseLine
from incidents.shop_actions import customer_messages
from incidents.shop_actions import told_orders as told
from incidents.shop_actions.customer_messages import Letter
from plan import expressions
from plan.expressions import ExpressionError
from plan.model import Action, Confirm, Plan

_SHOWN = 6  # texts; a modal is read on a phone
_LONGEST = 2500  # characters of a text that are shown
# What the first action of a chain will answer is not known before it is done.
_TO_COME = {"id": "…", "url": "https://…"}


@dataclass(frozen=True)
class LetterView:
    """One text, and how many customers get it or one like it."""

    language: str
    text: str
    count: int


@dataclass(frozen=True)
class PreviewView:
    """What the template `preview` draws."""

    confirm: Confirm
    scope: Mapping[str, Any]
    letters: tuple[LetterView, ...]
    messages: int
    left_out: int  # messages whose kind of text is not among those shown
    without_language: int
    default_language: str
    told: int  # orders that were told this before: not again
    told_at: datetime | None
    told_in: tuple[str, ...]
    reads: bool  # each order is looked at once more just before sending
    upto: int  # the newest case that was shown; what comes after it is another press's


def writes_of(plan: Plan, action: Action | None) -> Action | None:
    """The action of the chain that writes to customers; None: none does."""
    seen: set[str] = set()
    while action is not None and action.id not in seen:
        if action.message is not None:
            return action
        seen.add(action.id)
        action = plan.actions.get(action.then or "")
    return None


def preview(
    plan: Plan,
    action: Action,
    cases: Sequence[CaseLine],
    scope: Mapping[str, Any],
    default: str,
) -> PreviewView | None:
    """None: pressing the action writes to nobody, or has no words to ask with."""
    writer = writes_of(plan, action)
    if writer is None or writer.message is None or action.confirm is None:
        return None
    reached = case_totals.reached(action, cases, scope)
    letters = _letters(writer, _afterwards(action, writer, reached, scope), scope, default)
    kinds = {letter.kind for letter in letters}
    known = [mark for case in cases for kind, mark in case.told.items() if kind in kinds]
    views = _views(letters)
    return PreviewView(
        confirm=action.confirm,
        scope={**scope, "target": case_totals.target(reached)},
        letters=views[:_SHOWN],
        messages=len(letters),
        left_out=sum(view.count for view in views[_SHOWN:]),
        without_language=sum(not letter.known for letter in letters),
        default_language=default,
        told=len(known),
        told_at=max((datetime.fromisoformat(str(mark["at"])) for mark in known), default=None),
        told_in=tuple(sorted({str(mark["incident"]) for mark in known})),
        reads=writer.message.reads is not None,
        upto=max((case.id for case in cases), default=0),
    )


def _afterwards(
    action: Action, writer: Action, cases: Sequence[CaseLine], scope: Mapping[str, Any]
) -> list[CaseLine]:
    """The cases as the first action of the chain will leave them, and of these the ones written to.

    An action that writes by itself leaves them as they are.
    """
    found = list(cases)
    if action.id != writer.id:
        found = [_done(action, case, scope) for case in found]
    return list(case_totals.reached(writer, found, scope))


def _done(action: Action, case: CaseLine, scope: Mapping[str, Any]) -> CaseLine:
    seen = {**scope, "case": case.scope(), "response": _TO_COME, "before": {}, "after": {}}
    facts = dict(case.facts)
    for path, template in action.case_facts.items():
        try:
            facts = facts_of.put(facts, path, expressions.value(template, seen))
        except ExpressionError:
            continue

    def worked_out(expression: str | None, otherwise: str | None) -> str | None:
        try:
            found = expressions.evaluate(expression, seen) if expression else None
        except ExpressionError:
            found = None
        return str(found) if found else otherwise

    return replace(
        case,
        facts=facts,
        state=worked_out(action.case_state, case.state) or case.state,
        outcome=worked_out(action.case_outcome, case.outcome),
    )


def _letters(
    writer: Action, cases: Sequence[CaseLine], scope: Mapping[str, Any], default: str
) -> list[Letter]:
    """One to each customer, as sending will write them."""
    if writer.message is None:
        return []
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        groups.setdefault(case.customer, []).append(case.scope())
    letters: list[Letter] = []
    for group in groups.values():
        kind = told.kind_of(writer, {**scope, "case": group[0]}) or writer.id
        try:
            letters.append(customer_messages.write(writer.message, kind, group, scope, default))
        except ExpressionError:
            continue  # the press leaves it out as well
    return letters


def _views(letters: Sequence[Letter]) -> tuple[LetterView, ...]:
    """One text of each language, kind and length of list; the commonest first."""
    alike = Counter(_shape(letter) for letter in letters)
    first: dict[tuple[str, str, bool], Letter] = {}
    for letter in letters:
        first.setdefault(_shape(letter), letter)
    return tuple(
        LetterView(letter.language, letter.text[:_LONGEST], alike[shape])
        for shape, letter in sorted(first.items(), key=lambda one: -alike[one[0]])
    )


def _shape(letter: Letter) -> tuple[str, str, bool]:
    return letter.language, letter.kind, letter.orders > 1
