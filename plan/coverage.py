"""Coverage: what of the emergency plan is carried by which part of the product: `muster plan
coverage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plan.model import Plan, Section
from plan.outline import Entry
from plan.walk import actions_of

_RULES = frozenset({"taxonomy", "rule", "policy", "checklist"})


@dataclass(frozen=True)
class Covered:
    """One runbook of the emergency plan, and what carries it."""

    section: str
    title: Mapping[str, str]  # by language
    detection: str | None
    types: tuple[str, ...]
    checks: tuple[str, ...]  # configured checks that open its incident types
    intake: tuple[str, ...]  # types that a person can declare
    steps: tuple[str, ...]
    missing_steps: tuple[str, ...]
    branches: tuple[str, ...]
    missing_branches: tuple[str, ...]
    actions: tuple[str, ...]
    looks: tuple[str, ...]
    guards: tuple[str, ...]
    drill: bool

    @property
    def whole(self) -> bool:
        """Every step and branch is there, and something or somebody can open it."""
        opened = bool(self.checks or self.intake)
        return bool(self.steps) and not (self.missing_steps or self.missing_branches) and opened


@dataclass(frozen=True)
class Coverage:
    runbooks: tuple[Covered, ...]
    rules: tuple[str, ...]  # sections that are no runbook: rules, policies, checklists

    @property
    def steps(self) -> tuple[int, int]:
        """Steps carried, and steps in the plan."""
        carried = sum(len(one.steps) for one in self.runbooks)
        return carried, carried + sum(len(one.missing_steps) for one in self.runbooks)

    def as_json(self) -> dict[str, Any]:
        """The stable form of `--json`."""
        carried, wanted = self.steps
        return {
            "runbooks": {
                one.section: {**_plain(asdict(one)), "whole": one.whole} for one in self.runbooks
            },
            "rules": list(self.rules),
            "totals": {
                "runbooks": len(self.runbooks),
                "runbooks_whole": sum(one.whole for one in self.runbooks),
                "steps": carried,
                "steps_in_plan": wanted,
                "branches": sum(len(one.branches) for one in self.runbooks),
                "branches_in_plan": sum(
                    len(one.branches) + len(one.missing_branches) for one in self.runbooks
                ),
            },
        }


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    del value["section"]
    return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}


def looks_of(plan: Plan, section: Section) -> tuple[str, ...]:
    """The looks at the shop that the section needs to be declared in the configuration."""
    names = {guard.look for guard in section.guards if guard.look}
    for action in actions_of(plan, section).values():
        names |= {condition.look for condition in action.preconditions}
        names |= {name for name in (action.before, action.verify and action.verify.look) if name}
        names |= {one.look for one in (action.stands, action.earlier) if one is not None}
    names |= {one.look for step in section.steps if step.mitigates for one in step.hold.looks}
    return tuple(sorted(names))


def coverage(
    plan: Plan,
    outline: Mapping[str, Entry],
    *,
    checks: Mapping[str, Iterable[str]] | None = None,
    drills: Iterable[str] = (),
) -> Coverage:
    """Holds the plan against the outline.

    `checks`: incident type → names of the configured checks that find it. `drills`: sections that
    `muster drill` knows.
    """
    found = checks or {}
    drilled = frozenset(drills)
    runbooks = tuple(
        _covered(plan, number, entry, found, drilled)
        for number, entry in outline.items()
        if entry.handling == "runbook"
    )
    rules = tuple(number for number, entry in outline.items() if entry.handling in _RULES)
    return Coverage(runbooks, rules)


def _covered(
    plan: Plan,
    number: str,
    entry: Entry,
    checks: Mapping[str, Iterable[str]],
    drills: frozenset[str],
) -> Covered:
    section = plan.sections.get(number)
    have = [step.id for step in section.steps] if section else []
    branches = [b.id for step in section.steps for b in step.branches] if section else []
    wanted = [*entry.live, *entry.review]
    types = section.types if section else ()
    return Covered(
        section=number,
        title=dict(entry.title.items()),
        detection=entry.detection,
        types=tuple(kind.id for kind in types),
        checks=tuple(sorted({name for kind in types for name in checks.get(kind.id, ())})),
        intake=tuple(kind.id for kind in types if kind.declare is not None),
        steps=tuple(step for step in wanted if step in have),
        missing_steps=tuple(step for step in wanted if step not in have),
        branches=tuple(branch for branch in entry.branches if branch in branches),
        missing_branches=tuple(branch for branch in entry.branches if branch not in branches),
        actions=tuple(sorted(actions_of(plan, section))) if section else (),
        looks=looks_of(plan, section) if section else (),
        guards=tuple(guard.id for guard in section.guards) if section else (),
        drill=number in drills,
    )
