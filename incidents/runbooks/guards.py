"""Guards: what must hold before resolving, hard guards need a fresh look and refuse, the others are
listed.

The domain does not look: `wanted_looks` says what is to be looked at, the bot looks (before the
transaction), and hands the results in as `GuardLooks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import case_totals, loading
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.organisation import SYSTEM_ACTOR, House
from incidents.runbooks.places import Place
from incidents.shop_actions import effects
from incidents.shop_actions.looks import NOT_LOOKED, GuardLooks, WantedLook
from plan import expressions
from plan.model import Guard, Words
from storage.models import CaseState

_SAID = 5  # cases of one guard that are named; the rest is counted by the plan's words


@dataclass(frozen=True)
class Unmet:
    """A guard that does not hold, with the scope its words are rendered in."""

    guard: Guard
    scope: Mapping[str, Any]

    @property
    def words(self) -> Words:
        return self.guard.words


@dataclass(frozen=True)
class Standing:
    """What is open before resolving."""

    refused: tuple[Unmet, ...]
    open_guards: tuple[Unmet, ...]
    open_steps: tuple[Place, ...]
    open_cases: int
    open_amount: Mapping[str, Any] | None
    demanded: tuple[str, ...] = field(default=())  # fields of the form that a guard makes needed

    @property
    def anything(self) -> bool:
        return bool(self.open_guards or self.open_steps or self.open_cases)


def _guards(change: Change) -> list[Guard]:
    found: list[Guard] = []
    for run in change.runs:
        found.extend(change.plan.sections[run.section].guards)
    return found


def wanted_looks(
    session: Session, house: House, number: int, now: datetime
) -> tuple[WantedLook, ...]:
    """What the bot looks at before the incident is resolved."""
    incident = loading.incident_of(session, number)
    if incident is None:
        return ()
    change = Change(session, house, incident, SYSTEM_ACTOR, now)
    cases, seen = change.cases, change.scope
    wanted: list[WantedLook] = []
    for guard in _guards(change):
        if guard.look is None or not house.doors.can_look(guard.look):
            continue
        if guard.per_case:
            wanted += [
                WantedLook(guard.id, guard.look, case.key, {**seen, "case": case.scope()})
                for case in cases
            ]
        else:
            wanted.append(WantedLook(guard.id, guard.look, None, seen))
    return (*wanted, *effects.wanted(change))


def standing(change: Change, looks: GuardLooks | None, form: Mapping[str, Any] | None) -> Standing:
    """What is open now. `form`: what the resolve form holds; None before it was filled in."""
    cases, seen = change.cases, change.scope
    seen["form"] = dict(form or {})
    refused: list[Unmet] = []
    listed: list[Unmet] = []
    demanded: list[str] = []
    doors = change.house.doors
    for guard in _guards(change):
        if guard.field is not None and form is None:
            if not expressions.holds(guard.holds, seen):
                demanded.append(guard.field)
            continue
        unmet = _unmet(change, guard, cases, seen, looks)
        # What nobody can look at here is said, and keeps nothing open for ever.
        blind = guard.look is not None and not doors.can_look(guard.look)
        (refused if guard.hard and not blind else listed).extend(unmet)
    unsettled = [case for case in cases if case.state != CaseState.SETTLED]
    return Standing(
        refused=tuple(refused),
        open_guards=tuple(listed),
        open_steps=tuple(_open_steps(change, seen)),
        open_cases=len(unsettled),
        open_amount=case_totals.total(unsettled),
        demanded=tuple(demanded),
    )


def _unmet(
    change: Change,
    guard: Guard,
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
    looks: GuardLooks | None,
) -> list[Unmet]:
    if guard.look is None:
        return [] if expressions.holds(guard.holds, seen) else [Unmet(guard, seen)]
    found: list[Unmet] = []
    for case in cases if guard.per_case else (None,):
        look = (
            looks.of(guard.id, case.key if case else None, change.now)
            if looks is not None
            else NOT_LOOKED
        )
        scope = {**seen, "look": look}
        if case is not None:
            scope["case"] = case.scope()
        if not expressions.holds(guard.holds, scope):
            found.append(Unmet(guard, scope))
    return found[:_SAID]


def _open_steps(change: Change, seen: Mapping[str, Any]) -> list[Place]:
    found: list[Place] = []
    for run in change.runs:
        found += [
            place
            for place in change.places(run)
            if not place.settled and not place.plan.in_review and not place.optional(seen)
        ]
    return found


def under_way(change: Change) -> bool:
    """Whether an action has not ended: what it will do is not known yet."""
    return any(place.under_way for run in change.runs for place in change.places(run))
