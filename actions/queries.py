"""Queries: looking at the shop for an attempt, preconditions, the state before, the
verification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from actions.connectors.base import Connector
from actions.contracts import Trace, Verdict
from actions.errors import ShopError
from actions.model import Assignment
from plan import expressions
from plan.expressions import ExpressionError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seen:
    """What a look showed; `problem` is set where it had no usable answer."""

    value: Any = None
    problem: str | None = None

    @property
    def answered(self) -> bool:
        return self.problem is None


def scope_of(assignment: Assignment, **more: object) -> dict[str, object]:
    """What the plan's expressions and the configuration's templates see of the attempt."""
    return {
        **assignment.scope,
        "params": assignment.params,
        "key": assignment.key,
        "before": assignment.before,
        "response": assignment.response,
        **more,
    }


async def look(shop: Connector, name: str, assignment: Assignment) -> Seen:
    """One look; an error of the shop is what was seen, not an exception."""
    try:
        return Seen(await shop.look(name, scope_of(assignment)))
    except ShopError as error:
        return Seen(problem=error.code)


async def failed_precondition(
    shop: Connector, assignment: Assignment
) -> tuple[str, Mapping[str, Any]] | None:
    """The first precondition that does not hold: its problem code and what was seen.

    One that cannot be looked at does not hold either: what is not known to be safe is not done.
    """
    for index, condition in enumerate(assignment.action.preconditions):
        seen = await look(shop, condition.look, assignment)
        if not seen.answered:
            return f"precondition_unseen:{index}", unseen(shop, condition.look, assignment, seen)
        if not expressions.holds(condition.holds, scope_of(assignment, look=seen.value)):
            return f"precondition:{index}", {"look": seen.value}
    return None


def unseen(shop: Connector, name: str, assignment: Assignment, seen: Seen) -> dict[str, Any]:
    """What could not be asked, where, and how it failed: for the words of the refusal."""
    return {
        "look": {
            "name": name,
            "asked": shop.address(name, scope_of(assignment)),
            "code": seen.problem,
        }
    }


async def orders_read(
    shop: Connector, assignment: Assignment
) -> tuple[dict[str, Any] | None, str | None]:
    """A fresh look at each order that a message is about, by the case's key; or why not.

    (None, None): the message rests on no look.
    """
    message = assignment.action.message
    if message is None or message.reads is None:
        return None, None
    seen: dict[str, Any] = {}
    for case in assignment.scope.get("group", ()):
        scope = {**assignment.scope, "case": case}
        params = dict(assignment.params)
        template = assignment.action.params.get("order")
        if template is not None:
            params["order"] = expressions.value(template, scope)
        found = await look(
            shop, message.reads.look, replace(assignment, params=params, scope=scope)
        )
        if not found.answered:
            return None, found.problem
        seen[str(case["key"])] = found.value
    return seen, None


async def verified(shop: Connector, assignment: Assignment) -> tuple[Verdict, Seen]:
    """Verdict of one look at the effect. Without a verification nothing can be seen.

    What the answer itself says of a failure counts where the look has none.
    """
    verification = assignment.action.verify
    if verification is None:
        return Verdict.NOT_SEEN, Seen(problem="no_look")
    seen = await look(shop, verification.look, assignment)
    scope = scope_of(assignment, look=seen.value)
    if verification.fails is not None and expressions.holds(verification.fails, scope):
        return Verdict.FAILED, seen
    if seen.answered and expressions.holds(verification.holds, scope):
        return Verdict.SEEN, seen
    return Verdict.NOT_SEEN, seen


FOUND, NOTHING, UNSEEN, NO_LOOK = "found", "nothing", "unseen", "no_look"
_BEHIND = timedelta(minutes=1)  # by how much a shop's clock may be behind ours


async def earlier(shop: Connector, assignment: Assignment, since: datetime) -> dict[str, Any]:
    """Whether the shop shows the action's effect, as of something done since then: what it `shows`,
    and what was `found` one by one, of which no other field is kept than the plan speaks of."""
    rule = assignment.action.earlier
    told: dict[str, Any] = {"since": since.isoformat(), "found": []}
    if rule is None:
        return {**told, "shows": await _shows_already(shop, assignment)}
    seen = await look(shop, rule.look, assignment)
    if not seen.answered:
        return {**told, "shows": UNSEEN, "code": seen.problem}
    scope = scope_of(assignment, look=seen.value, since=(since - _BEHIND).isoformat())
    try:
        found = expressions.evaluate(rule.found, scope)
    except ExpressionError as error:
        log.warning("earlier_not_read", action=assignment.action.id, error=str(error))
        return {**told, "shows": UNSEEN}
    if not isinstance(found, list | tuple):
        return {**told, "shows": UNSEEN}
    kept = [_only(one, assignment.kept) for one in found]
    return {**told, "shows": FOUND if kept else NOTHING, "found": kept}


def _only(one: Any, kept: frozenset[str]) -> Any:
    if isinstance(one, Mapping):
        return {name: value for name, value in one.items() if name in kept}
    return one if isinstance(one, str | int) else str(one)


async def _shows_already(shop: Connector, assignment: Assignment) -> str:
    """Whether what it would bring about is so: where that can be seen without its own answer."""
    how = assignment.action.standing or assignment.action.verify
    if how is None or expressions.names(how.holds, expression=True) & {"response", "before"}:
        return NO_LOOK
    seen = await look(shop, how.look, assignment)
    if not seen.answered:
        return UNSEEN
    return FOUND if expressions.holds(how.holds, scope_of(assignment, look=seen.value)) else NOTHING


async def remembered(
    shop: Connector, assignment: Assignment
) -> tuple[Trace, Mapping[str, Any] | None]:
    """What the shop remembers of the attempt's key, and its response where it had an effect."""
    try:
        found = await shop.find(assignment.action.id, scope_of(assignment))
    except ShopError as error:
        log.info("lookup_without_answer", key=assignment.key, code=error.code)
        return Trace.NOT_SEEN, None
    if found is None:
        return Trace.NO_EFFECT, None
    kept = as_figures(found.body)
    status = kept.get("status")
    if isinstance(status, int) and status >= 500:
        return Trace.NOT_SEEN, None
    if isinstance(status, int) and status >= 400:
        return Trace.REFUSED, kept
    return Trace.EFFECT, as_figures(kept.get("response", kept))


def as_figures(value: Any) -> dict[str, Any]:
    """What a look showed, as it is kept with the attempt (a JSON object)."""
    return dict(value) if isinstance(value, Mapping) else {"value": value}
