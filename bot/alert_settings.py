"""Alert settings: what is wrong with a door, by itself, beside the checks and against the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from checks.alerts.reading import FORMS, FactKinds
from checks.alerts.settings import DoorSettings
from plan.facts import facts_of
from plan.model import Plan


def door_faults(doors: Mapping[str, DoorSettings], checks: Collection[str]) -> Iterator[str]:
    """What can be said without the plan."""
    secrets: dict[str, str] = {}
    for name, door in doors.items():
        for fault in door.faults():
            yield f"alerts.{name}.{fault}"
        if name in checks:
            yield f"alerts.{name}: a check has this name already; call the door otherwise."
        other = secrets.setdefault(door.secret, name)
        if other != name:
            yield f"alerts.{name}.secret is that of {other}; give each door its own."


def plan_faults(doors: Mapping[str, DoorSettings], plan: Plan) -> Iterator[str]:
    """Incident types and facts that the plan does not have."""
    types = {kind.id: kind for section in plan.sections.values() for kind in section.types}
    for name, door in doors.items():
        for wanted in door.every_type:
            if wanted not in types:
                yield (
                    f"alerts.{name} opens “{wanted}”, which is no incident type of the plan; use "
                    f"one of {', '.join(sorted(types))}."
                )
        opened = [types[wanted] for wanted in door.opens if wanted in types]
        known = {fact: one.kind for kind in opened for fact, one in facts_of(kind).items()}
        for fact in door.facts if opened else ():
            if fact not in known:
                own = sorted({one for kind in opened for one in kind.facts})
                there = f"there are {', '.join(own)}" if own else "it has none of its own"
                yield f"alerts.{name}.facts.{fact} is no fact of {opened[0].id}; {there}."
            elif known[fact] not in FORMS:
                yield (
                    f"alerts.{name}.facts.{fact} is a {known[fact]}, which an alert cannot bring; "
                    "take it away."
                )


def fact_kinds(plan: Plan) -> FactKinds:
    """What each incident type may be told by an alert."""
    return {
        kind.id: {name: one for name, one in facts_of(kind).items() if one.kind in FORMS}
        for section in plan.sections.values()
        for kind in section.types
    }
