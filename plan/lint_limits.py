"""Limits that the plan names: each is one of the configuration's, or its presses ask each time."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from plan.model import Plan
from plan.problem import Problem

LIMITS = frozenset({"refund", "complaint_cost", "compensation"})
"""Those that every configuration has; a shop's own stand in `limits.own`."""


def limit_rule(plan: Plan, limits: Collection[str] = LIMITS) -> Iterator[Problem]:
    """Names that lead nowhere, and money that goes out for good without a limit."""
    known = ", ".join(sorted(limits))
    for action in plan.actions.values():
        owner, name = f"action {action.id}", action.approval_above
        if name is not None and name not in limits:
            yield Problem(
                owner,
                ("approval_above",),
                f"there is no limit “{name}”, so each press asks a second person; use one of "
                f"{known}, or give it under limits.own in muster.yaml.",
            )
        if action.irreversible and "amount" in action.params and name is None:
            yield Problem(
                owner, (), "money that cannot be taken back needs a limit (approval_above)."
            )
    for section in plan.sections.values():
        for index, step in enumerate(section.steps):
            for number, field in enumerate(step.form.fields if step.form is not None else ()):
                if field.approved_by is None:
                    continue
                named = plan.actions.get(field.approved_by)
                if named is None or named.kind != "internal" or named.approval_above is None:
                    yield Problem(
                        f"section {section.id}",
                        ("steps", index, "form", "fields", number, "approved_by"),
                        f"“{field.approved_by}” is no internal action with a limit.",
                    )
