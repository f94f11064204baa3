"""The bot with one thing broken in it, to see that a drill notices.

python -m tests.drills.sabotaged_bot switch|step|section|approval|told run --config …
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from actions.http import ShopAnswer, ShopClient
from bot.cli.main import main
from incidents import approval_rules, spending, steps_done, told
from incidents.approval_rules import Reason
from incidents.change import Change
from incidents.runbook import Place
from plan.model import Action, Plan, Section
from storage.models import ActionAttempt

_act, _mark_done, _section_of = ShopClient.act, steps_done.mark_done, Plan.section_of


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

    steps_done.mark_done = mark_done


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

    def of_incidents(session: Session, incident_ids: Sequence[int]) -> dict[str, told.Told]:
        return {}

    def claim(session: Session, *_: Any) -> dict[str, int]:
        *_, kinds, _now = _
        return {key: -number for number, key in enumerate(kinds, 1)}

    def nothing(*_: Any) -> None:
        """Neither kept nor inherited."""

    told.of_incidents, told.claim = of_incidents, claim
    told.give = told.inherit = told.keep_facts = told.follow = nothing


SABOTAGE: Mapping[str, Callable[[], None]] = {
    "switch": switch_not_called,
    "step": step_lost,
    "section": wrong_section,
    "approval": approval_per_attempt,
    "told": told_per_incident,
}

if __name__ == "__main__":
    SABOTAGE[sys.argv.pop(1)]()
    main()
