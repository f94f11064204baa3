"""The runbook message: every step with who and when, the next one with its buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import case_totals, restoration
from incidents.organisation import House
from incidents.read import buttons
from incidents.read.card import next_place
from incidents.read.problems import problem_of, problem_scope
from incidents.read.reader import Reader, reader_of
from incidents.runbooks import by_hand, follow_up_prompts, runbook, undo
from incidents.runbooks.places import Place
from incidents.shop_actions import manual_verification
from incidents.sources import by_itself
from incidents.views import ButtonView, LeftView, PersonView, RunbookView, Scope, StepView
from plan import expressions
from plan.model import Words
from storage.models import ActionAttempt, RunbookRun, StepState

_NAMED = 5  # cases without an answer, under their step
_SHOWN_KINDS = ("text", "number", "date", "lines")


def runbook_view(
    session: Session, house: House, incident_id: int, now: datetime, run_id: int | None = None
) -> RunbookView:
    """The message of a run; without `run_id` the first run that is not replaced."""
    reader = reader_of(session, house, incident_id, now)
    run = session.get_one(RunbookRun, run_id) if run_id else main_run(reader)
    return view_of(reader, run)


def main_run(reader: Reader) -> RunbookRun:
    """The run of the incident's own section."""
    for run in reader.runs:
        if run.section == reader.incident.section:
            return run
    found = reader.every_run
    return found[-1]


def view_of(reader: Reader, run: RunbookRun) -> RunbookView:
    section = reader.plan.sections[run.section]
    steps = steps_of(reader, run)
    return RunbookView(
        reference=reader.incident.reference,
        version=reader.incident.version,
        run_id=run.id,
        section=run.section,
        title=section.short,
        done=sum(step.state == "done" for step in steps),
        total=len(steps),
        steps=steps,
        later=_later(reader, run),
        replaced=run.state == "replaced",
        scope=reader.scope,
    )


def _later(reader: Reader, run: RunbookRun) -> tuple[tuple[Words, Scope], ...]:
    if not reader.incident.live:
        return ()
    known = {later.id: later for later in follow_up_prompts.of_section(reader.change())}
    section = reader.plan.sections[run.section]
    return tuple(
        (later.words, reader.scope)
        for later in section.later
        if later.id in known and expressions.holds(later.condition, reader.scope)
    )


def steps_of(reader: Reader, run: RunbookRun) -> tuple[StepView, ...]:
    """All steps of the run. Buttons stand only while the run and the incident are live."""
    places = reader.places(run)
    live = reader.incident.live and run.state != "replaced"
    following = next_place(reader) if live else None
    free = {place.plan.id for place in runbook.open_any_time(places, reader.scope) if live}
    return tuple(_step(reader, place, following, free, live=live) for place in places)


def _step(
    reader: Reader, place: Place, following: Place | None, free: set[str], *, live: bool
) -> StepView:
    row = place.row
    state = _state(reader, place, following, free)
    can_press = state in ("next", "open_any_time") or (
        state == "done" and place.plan.repeats and live
    )
    offers = buttons.offered(reader, place) if can_press else []
    lacks = by_hand.lacks(reader, place) if can_press and state != "done" else ()
    scope: dict[str, Any] = {**reader.scope, **buttons.aim_of(reader, place)}
    problem = (row.figures or {}).get("problem")
    if state == "unknown":
        problem = _question(reader, place)
    return StepView(
        step_id=place.plan.id,
        number=place.number,
        section=place.plan.section,
        state=state,
        title=place.plan.title,
        do=place.plan.do,
        detail=place.plan.detail,
        scope=scope,
        actor=reader.person(row.actor),
        actor_kind=_actor_kind(row.actor),
        at=row.at,
        verified_at=row.verified_at,
        started_at=row.started_at,
        reason=row.reason.reveal() if row.reason else None,
        branch=_branch(place),
        buttons=_step_buttons(reader, place, offers, state, lacking=bool(lacks)),
        undo=_undo(reader, place) if live else None,
        not_needed=place.plan.not_needed,
        problem=problem_of(reader, problem),
        problem_scope=_problem_scope(reader, problem, scope)
        if can_press or state == "unknown"
        else {},
        branches=_branches(reader, place, state),
        recorded=_recorded(place),
        first_at=_first_at(place),
        approver=_approver(reader, place) if state == "running" else None,
        left=_left(reader, place) if can_press else None,
        lacks=lacks,
        by_hand=by_hand.BY_HAND in (row.figures or {}).get("did", ()) and state == "done",
    )


def _question(reader: Reader, place: Place) -> dict[str, Any] | None:
    """What a person is asked after a restore, before anything is sent."""
    left = manual_verification.left_to_a_person(reader.change(), place)
    asked = next((one for one in left if one.problem == restoration.ASKED), None)
    if asked is None:
        return None
    return {"attempt": asked.id, "action": asked.action, "code": asked.problem}


def _left(reader: Reader, place: Place) -> LeftView | None:
    """Named once some have their answers: before that it is all of them."""
    form = runbook.by_case(place.plan)
    if form is None or not (place.row.figures or {}).get("answered_by"):
        return None
    left = case_totals.asked_about(form, reader.cases, reader.scope)
    names = {field.fact or field.id for field in form.fields}
    said = sum(bool(names & set(one.facts.get(case_totals.ANSWERS) or ())) for one in reader.cases)
    keys = tuple(case.key for case in left[:_NAMED])
    return LeftView(len(left), said + len(left), keys, len(left) - len(keys)) if left else None


def _problem_scope(
    reader: Reader, problem: Mapping[str, Any] | None, scope: Mapping[str, Any]
) -> Scope:
    """The attempt that did not happen, in words that speak of it."""
    if not problem or not problem.get("attempt"):
        return {}
    attempt = reader.session.get_one(ActionAttempt, int(problem["attempt"]))
    return {**scope, **problem_scope(reader, attempt)}


def _approver(reader: Reader, place: Place) -> PersonView | None:
    """Who is asked for their yes before the step's press is done."""
    own = (place.run.id, place.plan.id)
    for running in reader.running:
        if (running.first.run_id, running.first.step_id) == own:
            return reader.approver(running)
    return None


def _first_at(place: Place) -> datetime | None:
    kept = (place.row.figures or {}).get("first") or {}
    if kept.get("at"):
        return datetime.fromisoformat(kept["at"])
    return place.row.at if place.row.state == StepState.DONE else None


def _state(reader: Reader, place: Place, following: Place | None, free: set[str]) -> Any:
    state = str(place.row.state)
    if state != StepState.PENDING:
        return state
    if following is not None and following.row.id == place.row.id:
        return "next"
    if place.plan.id in free:
        return "open_any_time"
    return "not_needed" if place.optional(reader.scope) else "pending"


def _actor_kind(actor: str | None) -> Any:
    if actor is None:
        return None
    if by_itself(actor):
        return "check"
    return "person" if actor.startswith(("U", "W")) else "system"


def _branch(place: Place) -> Words | None:
    return next((one.label for one in place.plan.branches if one.id == place.row.branch), None)


def _step_buttons(
    reader: Reader, place: Place, offers: list[runbook.Offer], state: str, *, lacking: bool
) -> tuple[ButtonView, ...]:
    if state == "unknown" and manual_verification.left_to_a_person(reader.change(), place):
        return _what_was_seen(reader, place)
    if not offers and state not in ("next", "open_any_time"):
        return ()
    pure = [one for one in offers if not _is_way(place, one)]
    green = buttons.green_of(reader, place) if state == "next" else None
    found = [
        buttons.of_offer(reader, place, offer, green=offer.button.id == green) for offer in pure
    ]
    if lacking:
        found.append(buttons.by_hand(reader, place))
    if state in ("next", "open_any_time"):
        found.append(buttons.skip(reader, place))
    return tuple(buttons.unique(found))


def _what_was_seen(reader: Reader, place: Place) -> tuple[ButtonView, ...]:
    """A person looked at the shop: it happened, or it can be tried again."""
    value = f"{buttons.reference(reader)}:{place.plan.id}"
    asked = _question(reader, place) is not None
    yes, no = ("was_done", "was_not_done") if asked else ("done", "again")
    return (
        ButtonView("step.done", f"{value}:{manual_verification.HAPPENED}", None, yes),
        ButtonView("step.run", f"{value}:{manual_verification.NOT_HAPPENED}", None, no),
    )


def _is_way(place: Place, offer: runbook.Offer) -> bool:
    """A pure decision stands with its words, not in the row of buttons."""
    return offer.button.does == "branch"


def _branches(reader: Reader, place: Place, state: str) -> tuple[tuple[Words, ButtonView], ...]:
    if state not in ("next", "open_any_time"):
        return ()
    offers = {
        offer.button.branch: offer
        for offer in buttons.offered(reader, place)
        if offer.button.does == "branch"
    }
    return tuple(
        (branch.when, buttons.of_offer(reader, place, offers[branch.id]))
        for branch in place.plan.branches
        if branch.id in offers and expressions.holds(branch.condition, reader.scope)
    )


def _undo(reader: Reader, place: Place) -> ButtonView | None:
    """The way back, beside the step that was done."""
    unneeded = place.row.state == StepState.PENDING and place.optional(reader.scope)
    if place.row.state != StepState.DONE and not unneeded:
        return None
    found = undo.way_back(reader.change(), place)
    if found is None:
        return None
    attempt, back = found
    action = reader.plan.actions[attempt.action]
    return ButtonView(
        action_id="step.undo",
        value=f"{buttons.reference(reader)}:{place.plan.id}:undo",
        label=action.undo_label or back.title,
        style="danger" if back.irreversible else None,
        confirm=back.confirm,
        scope={"params": dict(attempt.params), "before": dict(attempt.before or {})},
    )


def _recorded(place: Place) -> tuple[tuple[Words, str], ...]:
    """What the form recorded in fields that are not personal and that no other words show."""
    stored = place.row.fields
    if place.plan.form is None or not isinstance(stored, dict) or place.plan.detail is not None:
        return ()
    values = stored.get("values", {})
    return tuple(
        (field.label, str(values[field.id]))
        for field in place.plan.form.fields
        if not field.personal and field.kind in _SHOWN_KINDS and values.get(field.id)
    )
