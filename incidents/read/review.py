"""The review of an incident, from its log: every line has its entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import people
from incidents import scope as scopes
from incidents.organisation import House
from incidents.read import log
from incidents.read.cases_page import case_view
from incidents.read.followed import followed, looked_at
from incidents.read.open_items import words_of_item
from incidents.read.reader import Reader, reader_of
from incidents.read.runbook_view import steps_of
from incidents.views import PersonView, ReviewAction, ReviewView, StepView
from plan.walk import actions_of
from storage.models import ActionAttempt, AttemptState, FollowUp, Ring, Step, TimelineEntry

_UNTOLD = frozenset(
    {
        "action_asked", "asked_person", "exported", "later_stayed", "review_written",
        "monitoring", "cases",
    }
)  # fmt: skip
_NOTES = ("note", "pinned")


def review(session: Session, house: House, incident_id: int, now: datetime) -> ReviewView:
    """The review as it reads now; a reopened incident's later lines are in it."""
    return review_of(reader_of(session, house, incident_id, now))


def review_of(reader: Reader) -> ReviewView:
    incident = reader.incident
    steps = tuple(step for run in _runs(reader) for step in steps_of(reader, run))
    cause = reader.plan.causes.get(incident.cause or "")
    judged = followed(reader)
    return ReviewView(
        reference=incident.reference,
        number=incident.number,
        title=reader.kind.review_title,
        summary=reader.kind.review_summary,
        scope=reader.scope,
        severity=incident.severity,
        status=str(incident.status),
        family=incident.family,
        section=incident.section,
        section_title=reader.section.title,
        plan_version=incident.plan_version,
        plan_hash=incident.plan_hash,
        times=(
            ("started", incident.started_at),
            ("found", incident.detected_at),
            ("told", incident.notified_at),
            ("owner", incident.acknowledged_at),
            ("works", incident.mitigated_at),
            ("resolved", incident.resolved_at),
        ),
        timeline=tuple(
            log.view_of(reader, entry, with_buttons=False)
            for entry in reader.entries
            if _told(entry)
        ),
        steps=steps,
        actions=tuple(_actions(reader)),
        cases=tuple(case_view(reader, line) for line in reader.cases),
        cause=cause.label if cause is not None else None,
        cause_code=incident.cause,
        cause_text=incident.cause_text.reveal() if incident.cause_text else None,
        cause_by=_cause_by(reader),
        follow_ups=tuple(_follow_ups(reader, "prevention")),
        steps_done=sum(step.first_at is not None for step in steps),
        steps_skipped=sum(step.state == "skipped" for step in steps),
        in_order=_in_order(steps, reader),
        acknowledged_after=_seconds(
            incident.notified_at or incident.detected_at, incident.acknowledged_at
        ),
        acknowledge_limit=_limit(reader),
        found_after=_seconds(incident.started_at, incident.detected_at),
        rings=_rings(reader),
        notes=tuple(_notes(reader)),
        open_items=tuple(_open_items(reader)),
        written_at=reader.now,
        touched=judged.touched,
        end=judged.end,
        steps_needed=judged.needed,
        steps_left=judged.left,
        **_solution(reader),
        outages=tuple(_outages(reader)),
    )


def _solution(reader: Reader) -> dict[str, Any]:
    """When the first customer was offered a solution, and the limit that is kept with it."""
    incident = reader.incident
    kept = incident.facts.get("solution") or {}
    limit = reader.house.first_solution.get(incident.severity)
    offers = any(one.solution for one in actions_of(reader.plan, reader.section).values())
    at = datetime.fromisoformat(kept["at"]) if kept.get("at") else None
    return {
        "solution_after": _seconds(incident.detected_at, at),
        "solution_limit": kept.get("limit_seconds") or (limit.total_seconds() if limit else None),
        "solution_due": at is None and incident.customer_impact and offers,
    }


def _outages(reader: Reader) -> list[tuple[datetime, datetime | None]]:
    """When the customers felt it: once, and once more for each relapse."""
    return [
        (
            datetime.fromisoformat(one["from"]),
            datetime.fromisoformat(one["to"]) if one["to"] else None,
        )
        for one in scopes.outages(reader.incident)
    ]


def _told(entry: TimelineEntry) -> bool:
    """What the reader of a review wants to know; open items stand in a list of their own."""
    open_item = entry.kind == "follow_up" and entry.data.get("kind") == "open_item"
    return not (entry.kind in _UNTOLD or entry.data.get("by_acting") or open_item)


def _runs(reader: Reader) -> list[Any]:
    """Runs in the order in which they were started; replaced ones are told by the log."""
    return sorted(reader.runs, key=lambda run: run.id)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0.0, (end - start).total_seconds())


def _limit(reader: Reader) -> float | None:
    limit = reader.house.first_response.get(reader.incident.severity)
    return limit.total_seconds() if limit is not None else None


def _cause_by(reader: Reader) -> PersonView | None:
    resolved = [entry for entry in reader.entries if entry.kind == "resolved"]
    return reader.person(resolved[-1].actor) if resolved else None


def _actions(reader: Reader) -> list[ReviewAction]:
    """One line a press: an action done for thirty cases is told once."""
    undone = {
        one.undoes_id
        for one in reader.attempts
        if one.undoes_id is not None and one.state == AttemptState.DONE
    }
    presses: dict[tuple[str, str], list[ActionAttempt]] = {}
    for attempt in reader.attempts:
        presses.setdefault((attempt.press, attempt.action), []).append(attempt)
    found: list[ReviewAction] = []
    for attempts in presses.values():
        shown = next((one for one in attempts if one.state == AttemptState.DONE), attempts[0])
        action = reader.plan.actions[shown.action]
        found.append(
            ReviewAction(
                action=action.id,
                title=action.title,
                actor=reader.person(shown.requested_by),
                requested_at=shown.requested_at,
                settled_at=max(
                    (one.settled_at for one in attempts if one.settled_at), default=None
                ),
                state=_state(attempts),
                before=shown.before,
                after=shown.after,
                scope={**reader.scope, **reader.attempt_scope(shown)},
                log=action.log,
                undone=shown.id in undone,
                looked_at=looked_at(reader, attempts),
            )
        )
    return found


def _state(attempts: list[ActionAttempt]) -> str:
    """The weakest outcome of the press: unknown before failed before done."""
    states = {str(one.state) for one in attempts}
    for state in ("unknown", "sent", "written", "awaiting_approval", "failed", "refused"):
        if state in states:
            return state
    return "done"


def _follow_ups(
    reader: Reader, kind: str
) -> list[tuple[str, PersonView | None, datetime | None, bool]]:
    rows = reader.session.scalars(
        select(FollowUp)
        .where(FollowUp.incident_id == reader.incident.id, FollowUp.kind == kind)
        .order_by(FollowUp.id)
    )
    return [
        (item.text.reveal(), reader.person(item.owner), item.due, item.done_at is not None)
        for item in rows
    ]


def _open_items(reader: Reader) -> list[Any]:
    """What is open by name: the plan's words, rendered by whoever shows them."""
    rows = reader.session.scalars(
        select(FollowUp)
        .where(
            FollowUp.incident_id == reader.incident.id,
            FollowUp.kind == "open_item",
            FollowUp.done_at.is_(None),
        )
        .order_by(FollowUp.id)
    )
    return [words_of_item(reader, item) for item in rows]


def _in_order(steps: tuple[StepView, ...], reader: Reader) -> bool:
    """Whether the ordered steps were done one after the other."""
    for run in _runs(reader):
        times = [
            at
            for place in reader.places(run)
            if place.plan.ordered
            and not place.plan.in_review
            and (at := _first(place.row)) is not None
        ]
        if times != sorted(times):
            return False
    return True


def _first(row: Step) -> datetime | None:
    """When a step was first done or left out: done anew after a relapse is no other order."""
    kept = (row.figures or {}).get("first") or {}
    return datetime.fromisoformat(kept["at"]) if kept.get("at") else row.at


def _rings(reader: Reader) -> dict[str, int]:
    """How often each person was rung, by name; a group's ring is one for each of its people."""
    members = {
        role.group: role.chain for role in reader.house.roles.values() if role.group is not None
    }
    counts: dict[str, int] = {}
    for target in reader.session.scalars(
        select(Ring.target)
        .where(Ring.incident_id == reader.incident.id, Ring.outcome == "sent")
        .order_by(Ring.id)
    ):
        for person in members.get(target, (target,)):
            name = people.plain_name(reader.session, person) or person
            counts[name] = counts.get(name, 0) + 1
    return counts


def _notes(reader: Reader) -> list[tuple[PersonView, datetime, str]]:
    found: list[tuple[PersonView, datetime, str]] = []
    for entry in reader.entries:
        actor = reader.person(entry.actor)
        words = log.words_of(entry)
        if entry.kind in _NOTES and words is not None and actor is not None:
            found.append((actor, entry.at, words))
    return found
