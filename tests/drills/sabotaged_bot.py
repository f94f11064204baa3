"""The bot with one thing broken in it, to see that a drill notices.

python -m tests.drills.sabotaged_bot switch|step|section|approval|told|skip|relapse run --config …
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from actions.connectors.http import ShopAnswer, ShopClient
from bot.cli.main import main
from incidents.change import Change
from incidents.detection import relapse
from incidents.runbooks import step_completion
from incidents.runbooks.places import Place
from incidents.shop_actions import approval_rules, spending, told_orders
from incidents.shop_actions.approval_rules import Reason
from plan.model import Action, Plan, Section
from storage.models import ActionAttempt, Status, StepState, TimelineEntry

_act, _section_of = ShopClient.act, Plan.section_of
_mark_done, _after = step_completion.mark_done, step_completion.after


def switch_not_called() -> None:
    """The switch is taken for done, and the shop never hears of it."""

    async def act(self: ShopClient, name: str, key: str, scope: Mapping[str, Any]) -> ShopAnswer:
        if name == "switch_payment_channel":
            return ShopAnswer(200, {})
        return await _act(self, name, key, scope)

    ShopClient.act = act  # type: ignore[method-assign]


def step_lost() -> None:
    """What the responder recorded of the vendor's answer never reaches the step."""

    def mark_done(change: Change, place: Place, **more: Any) -> None:
        if place.plan.id != "3.3.2.s1":
            _mark_done(change, place, **more)

    step_completion.mark_done = mark_done


def wrong_section() -> None:
    """A failing payment channel is handled by the section for crashed systems."""

    def section_of(self: Plan, incident_type: str) -> Section:
        found = _section_of(self, incident_type)
        return self.sections["9.1"] if found.id == "3.3" else found

    Plan.section_of = section_of  # type: ignore[method-assign]


def approval_per_attempt() -> None:
    """A second person is asked for one large amount alone, never for a press as a whole."""

    def broken(
        change: Change, action: Action, attempts: Sequence[ActionAttempt], asked_at: datetime
    ) -> tuple[Reason, ...]:
        limit = change.house.limits.get(action.approval_above or "")
        amounts = [spending.amount_of(attempt) for attempt in attempts]
        above = limit and any(one and one.minor > limit.minor for one in amounts)
        return (Reason("one", limit=limit),) if above else ()

    approval_rules.broken = broken


def told_per_incident() -> None:
    """What another incident has told an order's customer is not looked at."""

    def of_incidents(session: Session, incident_ids: Sequence[int]) -> dict[str, told_orders.Told]:
        return {}

    def claim(session: Session, *_: Any) -> dict[str, int]:
        *_, kinds, _now = _
        return {key: -number for number, key in enumerate(kinds, 1)}

    def nothing(*_: Any) -> None:
        """Neither kept nor inherited."""

    told_orders.of_incidents, told_orders.claim = of_incidents, claim
    told_orders.give = told_orders.inherit = told_orders.keep_facts = told_orders.follow = nothing


def skip_mitigates() -> None:
    """A step that was left out counts as one that helped, and is not watched."""

    def after(change: Change, place: Place, entry: TimelineEntry | None, *, posted: bool) -> None:
        if place.plan.mitigates and place.row.state == StepState.SKIPPED:
            change.incident.mitigated_at = change.now
            change.status(Status.MITIGATED)
        _after(change, place, entry, posted=posted)

    step_completion.after = after


def relapse_not_seen() -> None:
    """What was over stays over, whatever a check finds."""

    def consider(change: Change, since: datetime | None = None) -> bool:
        return False

    relapse.consider = consider


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "switch": switch_not_called,
    "step": step_lost,
    "section": wrong_section,
    "approval": approval_per_attempt,
    "told": told_per_incident,
    "skip": skip_mitigates,
    "relapse": relapse_not_seen,
}

if __name__ == "__main__":
    SABOTAGE[sys.argv.pop(1)]()
    main()
