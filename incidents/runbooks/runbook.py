"""Runbook: the runs of an incident, which step is next, what is offered, what must come first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidents import case_totals
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.doors import Doors
from incidents.runbooks import runs
from incidents.runbooks.places import Place
from plan import expressions
from plan.model import Action, Button, Form, Plan, Section
from plan.model import Step as PlanStep
from plan.step_buttons import StepButton
from storage import outbox
from storage.models import RunbookRun, Step, StepState


def next_place(steps: Sequence[Place], seen: Mapping[str, Any]) -> Place | None:
    """The step that is next: one that goes before the others now, else the first in the order."""
    return next((one for one in steps if one.urgent(seen)), None) or _first_in_order(steps, seen)


def _first_in_order(steps: Sequence[Place], seen: Mapping[str, Any]) -> Place | None:
    """The first ordered step that is not settled, leaving out what belongs to the review."""
    for place in steps:
        if not place.plan.ordered or place.plan.in_review or place.settled:
            continue
        if place.under_way or not place.optional(seen):
            return place
    return None


def open_any_time(steps: Sequence[Place], seen: Mapping[str, Any]) -> list[Place]:
    """Steps beside the next one that can be done now: outside the order, or due by it."""
    free = [
        place
        for place in steps
        if not place.plan.ordered
        and (not place.settled or place.plan.repeats)
        and unmet_need(steps, place, seen) is None
        and not place.optional(seen)
    ]
    due = _first_in_order(steps, seen)
    passed = due is not None and next_place(steps, seen) is not due
    return [*([due] if due is not None and passed else ()), *_goes_on(steps, due, seen), *free]


def _goes_on(steps: Sequence[Place], due: Place | None, seen: Mapping[str, Any]) -> list[Place]:
    """What follows on a step that still asks of some cases, for those that have their answers."""
    found: list[Place] = []
    at = due
    while at is not None and not at.under_way and partly(at.plan, seen):
        after = [place for place in steps if place.row.position > at.row.position]
        at = _first_in_order(after, seen)
        if at is not None and not at.under_way:
            found.append(at)
    return found


def by_case(step: PlanStep) -> Form | None:
    """The step's form, where it holds case by case."""
    return step.form if step.form is not None and step.form.cases is not None else None


def partly(step: PlanStep, seen: Mapping[str, Any]) -> bool:
    """Whether some of the open cases have their answers: with those it goes on."""
    form = by_case(step)
    answered = seen["cases"].get("open_answers", {})
    return form is not None and any(answered.get(field.fact or field.id) for field in form.fields)


def ready(
    plan: Plan, step: PlanStep, action: Action, cases: Sequence[CaseLine], seen: Mapping[str, Any]
) -> Sequence[CaseLine]:
    """The cases that an action of the step may be done for: none of which an earlier step still
    asks. What only looks may look at all of them."""
    section = next((one for one in plan.sections.values() if step in one.steps), None)
    if action.kind == "read" or section is None:
        return cases
    waits: set[int] = set()
    for other in section.steps[: section.steps.index(step)]:
        form = by_case(other)
        if form is not None and seen["steps"].get(other.id, {}).get("state") == StepState.PENDING:
            waits |= {case.id for case in case_totals.asked_about(form, cases, seen)}
    return [case for case in cases if case.id not in waits] if waits else cases


def unmet_need(steps: Sequence[Place], place: Place, seen: Mapping[str, Any]) -> Place | None:
    """The first step that this one waits for, beyond the order; one not needed is not awaited."""
    for other in steps:
        waits = other.under_way or not (other.settled or other.optional(seen))
        if other.plan.id in place.plan.needs and waits:
            return other
    return None


@dataclass(frozen=True)
class Missing:
    """Why a step cannot be done yet: `order_rule`, `not_needed_now` or `needs`, and the step that
    it waits for (itself, where it is not needed as things are now)."""

    why: str
    place: Place


def missing(steps: Sequence[Place], place: Place, seen: Mapping[str, Any]) -> Missing | None:
    """What is missing before this step can be done; None: it may be done."""
    earlier = before(steps, place, seen)
    if earlier is not None:
        return Missing("order_rule", earlier)
    if not place.settled and place.optional(seen):
        return Missing("not_needed_now", place)
    needed = unmet_need(steps, place, seen)
    return Missing("needs", needed) if needed is not None else None


def before(steps: Sequence[Place], place: Place, seen: Mapping[str, Any]) -> Place | None:
    """The step that must come first by the order of the section; None: this one may be done."""
    if not place.plan.ordered or place.plan.in_review or place.urgent(seen):
        return None
    for other in steps:
        if other.row.position >= place.row.position:
            return None
        waits = other.plan.ordered and not other.plan.in_review and not other.settled
        if waits and not other.under_way and partly(other.plan, seen):
            continue
        if waits and (other.under_way or not other.optional(seen)):
            return other
    return None


def everything_done(steps: Sequence[Place], seen: Mapping[str, Any]) -> bool:
    """Nothing of the run waits for anybody; what belongs to the review does not count."""
    return all(place.settled or place.plan.in_review or place.optional(seen) for place in steps)


@dataclass(frozen=True)
class Offer:
    """A button that is offered, with what pressing it now would reach."""

    button: Button
    target: Mapping[str, Any]
    reached: tuple[CaseLine, ...]


def asked(step: PlanStep, cases: Sequence[CaseLine], seen: Mapping[str, Any]) -> dict[str, int]:
    """`asked`, for the scope: of how many cases the step's own form still asks."""
    if step.form is None or step.form.cases is None:
        return {}
    return {"asked": len(case_totals.asked_about(step.form, cases, seen))}


def offers_of(
    plan: Plan,
    step: PlanStep,
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
    doors: Doors,
) -> Iterator[Offer]:
    """The buttons of a step that are offered now: none of a way that is closed or of a door that
    the shop has not, and a form that holds case by case only while it has a case to ask about (the
    others see how many)."""
    form, seen_by = step.form, {**seen, **asked(step, cases, seen)}
    for found in offers(plan, step.buttons, cases, seen_by, doors, step):
        branch = StepButton(step, found.button, None).branch
        if branch is not None and not expressions.holds(branch.condition, seen):
            continue
        if found.button.does != "form" or form is None or form.cases is None:
            yield found
        elif about := case_totals.asked_about(form, cases, seen):
            yield Offer(found.button, case_totals.target(about), about)


def offer_of(
    plan: Plan,
    step: PlanStep,
    button: Button,
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
    doors: Doors,
) -> Offer | None:
    """One button of a step; None where it is not offered now."""
    found = offers_of(plan, step, cases, seen, doors)
    return next((one for one in found if one.button.id == button.id), None)


def offers(
    plan: Plan,
    buttons: Sequence[Button],
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
    doors: Doors,
    step: PlanStep | None = None,
) -> Iterator[Offer]:
    """The buttons that are offered as things are now. `step`: the one that they stand at."""
    for button in buttons:
        found = offer(plan, button, cases, seen, doors, step)
        if found is not None:
            yield found


def offer(
    plan: Plan,
    button: Button,
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
    doors: Doors,
    step: PlanStep | None = None,
) -> Offer | None:
    """The button with its target; None where it is not offered now."""
    action = plan.actions.get(button.action or "")
    if action is not None and doors.lacks(action):
        return None
    reached: tuple[CaseLine, ...] = ()
    aim: dict[str, Any] = {}
    if action is not None and action.cases is not None:
        can = cases if step is None else ready(plan, step, action, cases, seen)
        reached = case_totals.reached(action, can, seen)
        aim = case_totals.target(reached)
        if not reached:
            return None
    if not expressions.holds(button.when, {**seen, "target": aim}):
        return None
    return Offer(button, aim, reached)


def start_run(
    change: Change,
    section: Section,
    *,
    parent: RunbookRun | None = None,
    parent_step: str | None = None,
    opened_by: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> RunbookRun:
    """A new run with all steps of the section; those that the opening itself is are done."""
    session, incident = change.session, change.incident
    run = RunbookRun(
        incident_id=incident.id,
        section=section.id,
        parent_run_id=parent.id if parent is not None else None,
        parent_step=parent_step,
        state="active",
        started_at=change.now,
    )
    session.add(run)
    session.flush()
    for position, step in enumerate(section.steps, start=1):
        done = step.done_by_opening
        session.add(
            Step(
                run_id=run.id,
                step_id=step.id,
                position=position,
                state=StepState.DONE if done else StepState.PENDING,
                actor=(opened_by or change.actor.user_id) if done else None,
                at=change.now if done else None,
                fields=dict(fields) if done and fields else None,
                figures={},
            )
        )
    session.flush()
    runs.added(session, incident)
    return run


def post_runbook(change: Change, run: RunbookRun, key: str) -> None:
    outbox.post(
        change.session,
        key=key,
        template="runbook",
        incident=change.incident,
        audience=change.incident.audience,
        thread_key=f"{change.incident.reference}/card",
        params={"run": run.id},
        priority=2,
        beside=True,
        now=change.now,
    )
