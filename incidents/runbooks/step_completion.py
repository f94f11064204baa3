"""Completion of a step: done by a person, by an action, by recovery or by its branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from incidents import case_totals
from incidents import scope as scopes
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.lifecycle import hold
from incidents.runbooks import follow_up_prompts, runbook, stalled_steps
from incidents.runbooks.places import Place
from plan.model import Branch
from storage.models import Case, CaseState, Incident, Status, Step, StepState, TimelineEntry


def mark_done(
    change: Change,
    place: Place,
    *,
    actor: str,
    verified: bool = False,
    branch: Branch | None = None,
) -> None:
    """The step is done; its consequences follow. Nothing is posted here."""
    row = place.row
    row.state = StepState.DONE
    row.actor = actor
    row.at = change.now
    row.verified_at = change.now if verified else None
    if branch is not None:
        take_branch(change, place, branch)
    if place.plan.case_outcome is not None:
        _give_outcome(change, place.plan.case_outcome)
    change.moved()


def take_branch(change: Change, place: Place, branch: Branch) -> None:
    """The way that was chosen: what it leaves out, and the section it opens."""
    place.row.branch = branch.id
    for step_id in branch.leaves_out:
        other = change.place(step_id)
        if other is not None and not other.settled and not other.under_way:
            other.row.state = StepState.NOT_NEEDED
            other.row.at = change.now
            other.row.actor = change.actor.user_id
    if branch.opens_section is not None:
        add_section(change, branch.opens_section, place)


def add_section(change: Change, section_id: str, place: Place | None = None) -> None:
    """A second runbook in the same thread (4.4 does this with 4.1 and 4.2)."""
    section = change.plan.sections.get(section_id)
    if section is None:
        return  # the shop's plan leaves the section out: the branch is recorded all the same
    run = runbook.start_run(
        change,
        section,
        parent=place.run if place is not None else None,
        parent_step=place.plan.id if place is not None else None,
    )
    runbook.post_runbook(change, run, f"{change.incident.reference}/runbook/{run.id}")
    entry = change.entry("section_added", {"section": section_id, "run": run.id})
    change.audit("section_added", section_id, data={"run": run.id})
    notifications.announce(change, Event.STATUS, entry)


def _give_outcome(change: Change, outcome: str) -> None:
    for case in change.session.scalars(
        select(Case).where(Case.incident_id == change.incident.id, Case.state == CaseState.OPEN)
    ):
        case.outcome = outcome
        case.updated_at = change.now


def after(
    change: Change,
    place: Place,
    entry: TimelineEntry | None,
    *,
    posted: bool,
    seen: bool = True,
) -> None:
    """What follows a done step: mitigated or watched, the run done; then everything is shown.

    `posted`: the entry is the log line of the step; where it mitigates, the line is the one that
    says so to the channel. `seen`: False, where a person's word is all there is: it mitigates
    nothing, the check says when it is over.
    """
    mitigates = (
        seen
        and place.plan.mitigates
        and place.row.state == StepState.DONE  # not one that was left out, or is open again
        and change.incident.status in (Status.OPEN, Status.ACKNOWLEDGED)
    )
    if mitigates and hold.begin(change, place):
        mitigates = False  # it works, and is watched before that is said
    if mitigates:
        change.status(Status.MITIGATED)
        change.moved()
        change.audit("mitigated", change.incident.reference)
    if entry is not None:
        if posted:
            entry.data = {**entry.data, "scope": _with(change, entry)}
        if mitigates:
            notifications.announce(change, Event.MITIGATED, entry)
            follow_up_prompts.desk_note(change)
        elif posted:
            notifications.announce(change, Event.STATUS, entry)
    settle_runs(change)
    stalled_steps.watch(change)
    follow_up_prompts.ask_due(change)
    change.show()


def _with(change: Change, entry: TimelineEntry) -> Mapping[str, Any]:
    """The snapshot of the line, with the incident's status and facts as they are afterwards."""
    kept = entry.data.get("scope", {})
    now = scopes.snapshot(change.scope)
    return {**kept, **{name: now[name] for name in ("facts", "cases", "incident", "now")}}


def settle_runs(change: Change) -> None:
    """Runs in which nothing waits any more are done; with all of them the incident is watched."""
    runs = change.runs
    follow_answers(change)
    seen = change.scope
    for run in runs:
        done = runbook.everything_done(change.places(run), seen)
        if done and run.state == "active":
            run.state, run.ended_at = "done", change.now
        elif not done and run.state == "done":
            run.state, run.ended_at = "active", None
    if change.incident.status == Status.MITIGATED and all(run.state == "done" for run in runs):
        change.status(Status.MONITORING)
        change.moved()
        change.entry("monitoring")
        change.audit("monitoring", change.incident.reference)


def follow_cases(change: Change) -> None:
    """What follows from cases that came or went, for the steps whose form holds case by case."""
    if follow_answers(change):
        settle_runs(change)
        change.show()


def follow_answers(change: Change) -> bool:
    """Such a step is done with its last answer, or once the rest settled by itself; it is to do
    again when there is a case without an answer. Whether one was either."""
    asking = [
        place
        for run in change.runs
        for place in change.places(run)
        if runbook.by_case(place.plan) is not None
    ]
    if not asking:
        return False
    cases, seen = change.cases, change.scope
    return any([_follow(change, place, cases, seen) for place in asking])  # noqa: C419 - each


def _follow(
    change: Change, place: Place, cases: Sequence[CaseLine], seen: Mapping[str, Any]
) -> bool:
    form, kept = runbook.by_case(place.plan), place.row.figures or {}
    left = case_totals.asked_about(form, cases, seen) if form is not None else ()
    if place.row.state == StepState.PENDING and kept.get("answered_by") and not left:
        branch = next((b for b in place.plan.branches if b.id == kept.get("branch")), None)
        mark_done(change, place, actor=str(kept["answered_by"]), branch=branch)
    elif place.row.state == StepState.DONE and left:
        open_again(change, place)
    else:
        return False
    return True


def by_recovery(change: Change) -> None:
    """Steps that the recovery itself is."""
    for run in change.runs:
        for place in change.places(run):
            if place.plan.done_when_recovered and not place.settled and not place.under_way:
                mark_done(change, place, actor=change.actor.user_id, verified=True)


def mark_problem(step: Step, problem: Mapping[str, Any] | None) -> None:
    """Why the last try did not happen; None: it is over."""
    step.figures = {**(step.figures or {}), "problem": dict(problem) if problem else None}


def note_button(step: Step, button_id: str | None) -> None:
    """Which buttons of the step succeeded (`steps[id].did`)."""
    if button_id is None:
        return
    did = list((step.figures or {}).get("did", ()))
    if button_id not in did:
        step.figures = {**(step.figures or {}), "did": [*did, button_id]}


def pending_again(incident: Incident, step: Step) -> None:
    """The step stands open again."""
    step.state = StepState.PENDING
    step.actor = step.at = step.verified_at = step.started_at = None
    step.reason = None  # why it was skipped stands in the log


def open_again(change: Change, place: Place, problem: Mapping[str, Any] | None = None) -> None:
    """What the step did is no more: it is to do again. When it was first done stays on record."""
    row = place.row
    if row.state == StepState.DONE and not (row.figures or {}).get("first"):
        first = {
            "actor": row.actor,
            "at": scopes.iso(row.at),
            "verified_at": scopes.iso(row.verified_at),
        }
        row.figures = {**(row.figures or {}), "first": first}
    pending_again(change.incident, row)
    mark_problem(row, problem)
    if place.run.state == "done":
        place.run.state, place.run.ended_at = "active", None
    if change.incident.status == Status.MONITORING:
        change.status(Status.MITIGATED)
    change.moved()
