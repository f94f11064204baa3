"""The card: the root of the thread, and what every short view of an incident is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import restoration
from incidents.alerting import reachability
from incidents.detection import impact, source_facts
from incidents.lifecycle import command_rows, hold
from incidents.organisation import House
from incidents.read import buttons, nouns
from incidents.read.problems import look_of, problem_of
from incidents.read.reader import Reader, Running, reader_of
from incidents.runbooks import by_hand, follow_up_prompts, runbook
from incidents.runbooks.places import Place
from incidents.sources import alert_of
from incidents.views import ButtonView, CardView, NextView, PersonView
from plan import expressions
from plan.model import CardWords, Later, Words
from storage.models import AttemptState, CaseState, Ring, Status, TimelineEntry

_MAX_BUTTONS = 3
_MAX_MORE = 5
_ASKED = ("unknown", "restored")  # a person says what became of it, under its step
_ENDED = (Status.RESOLVED, Status.REVIEWED)
Mood = Literal["active", "mitigated", "ended", "unseen", "dismissed", "merged"]


def card(session: Session, house: House, incident_id: int, now: datetime) -> CardView:
    """The card as the database says it is now."""
    return card_of(reader_of(session, house, incident_id, now))


def card_of(reader: Reader) -> CardView:
    incident = reader.incident
    step, next_view = next_of(reader)
    passed, instead = _passed_over(reader)
    merged = None
    if incident.merged_into is not None:
        merged = reader.session.get_one(type(incident), incident.merged_into).reference
    mood = mood_of(reader)
    reaches_to = restoration.reaches_to(reader.session, incident) if incident.live else None
    return CardView(
        reference=incident.reference,
        version=incident.version,
        severity=incident.severity,
        status=str(incident.status),
        family=incident.family,
        section=incident.section,
        section_short=reader.section.short,
        plan_version=incident.plan_version,
        mood=mood,
        words=words_of(reader, mood),
        scope={**reader.scope, **buttons.aim_of(reader, step)},
        owner=reader.owner,
        owner_since=incident.owner_since,
        ring_group=_asked(reader),
        passed_over=passed,
        rung_instead=instead,
        next=next_view,
        buttons=_buttons(reader, step, next_view),
        more=_more(reader),
        quiet_until=incident.quiet_until,
        quiet_reason=incident.quiet_reason.reveal() if incident.quiet_reason else None,
        merged_into=merged,
        reason=incident.closing_reason.reveal() if incident.closing_reason else None,
        ring=reader.kind.ring if mood == "active" else reader.kind.ring_mitigated,
        other_languages=reader.house.other_languages(incident.audience),
        nobody=_nobody(reader),
        unwatched=reachability.unwatched_by(reader.house, incident),
        door=alert_of(incident.source),
        said_over=source_facts.over_at(incident),
        times=incident.times,
        follows=_follows(reader),
        waits=waits(reader, mood),
        unread=tuple(incident.facts.get("unread") or ()),
        reaches_to=reaches_to,
        confirm_record=buttons.own(reader, "incident.confirm_record", "confirm_record")
        if reaches_to is not None
        else None,
    )


def _follows(reader: Reader) -> str | None:
    earlier = reader.incident.follows
    if earlier is None:
        return None
    return reader.session.get_one(type(reader.incident), earlier).reference


def mood_of(reader: Reader) -> Mood:
    """The severity's colour leads only while the customers feel it. What was closed without its
    end having been seen is not said to be over."""
    incident = reader.incident
    if incident.status == Status.DISMISSED:
        return "dismissed"
    if incident.status == Status.MERGED:
        return "merged"
    if incident.status in _ENDED:
        return "ended" if incident.mitigated_at is not None else "unseen"
    return "active" if incident.mitigated_at is None else "mitigated"


def waits(reader: Reader, mood: Mood) -> bool:
    """What was done about the cases and shows at none of them yet is under way, not over.

    What fails beside the traffic says nothing of it: the payments do work again elsewhere.
    """
    incident = reader.incident
    failing = mood == "mitigated" and incident.failing and not incident.fails_beside
    return failing and bool(reader.scope["cases"]["waiting"])


def words_of(reader: Reader, mood: Mood) -> CardWords:
    texts = reader.kind.card
    if mood == "mitigated":
        return texts.mitigated
    if mood == "ended":
        return texts.ended
    if mood == "merged" and reader.incident.mitigated_at is not None:
        return texts.mitigated
    return texts.active


def next_place(reader: Reader) -> Place | None:
    """The step that is next, for the card, its green button and the runbook alike.

    Of a run inside another first; where nothing is due by the order, what is open at any time.
    """
    for run in reader.runs:
        found = runbook.next_place(reader.places(run), reader.scope)
        if found is not None:
            return found
    return next((one for one in any_time(reader) if not one.settled), None)


def any_time(reader: Reader) -> list[Place]:
    return [
        place
        for run in reader.runs
        for place in runbook.open_any_time(reader.places(run), reader.scope)
        if not place.under_way
    ]


def next_of(reader: Reader) -> tuple[Place | None, NextView]:
    """The card's Next line, and the step it speaks of."""
    incident = reader.incident
    if not incident.live:
        return None, NextView("none", None)
    step = next_place(reader)
    if incident.quiet_until is not None and incident.quiet_until > reader.now:
        until = {"until": incident.quiet_until}
        return step, NextView("quiet", step.plan.next if step else None, until)
    running = _running(reader, step)
    if running is not None:
        return step, _running_view(reader, running)
    if incident.watched_until is not None:
        fails = incident.failed_runs > 0 and impact.felt(reader.change(), failing=True)
        unseen = hold.is_unseen(incident)
        watched = {"until": incident.watched_until, "fails": fails, "unseen": unseen}
        return step, NextView("watched", None, watched)
    if step is not None:
        return step, NextView("step", step.plan.next, buttons.aim_of(reader, step))
    question = _question(reader)
    if question is not None:
        return None, NextView("step", question[0].ask, {"you": ""})
    later = _later(reader)
    if later is not None:
        return None, NextView("none", later)
    return None, NextView("resolve", None)


def _question(reader: Reader) -> tuple[Later, TimelineEntry] | None:
    """What was asked and is not answered yet."""
    change = reader.change()
    for later in follow_up_prompts.of_section(change):
        entry = follow_up_prompts.last_asked(change, later.id)
        if entry is not None and follow_up_prompts.is_open(entry):
            return later, entry
    return None


def _later(reader: Reader) -> Words | None:
    """What is waited for when every step is done."""
    change = reader.change()
    for later in follow_up_prompts.of_section(change):
        if reader.incident.recovered_at is None and expressions.holds(
            later.condition, reader.scope
        ):
            return later.words
    return None


def _running(reader: Reader, step: Place | None) -> Running | None:
    """What is on its way for the step that is next, or for no step of its own."""
    for running in reader.running:
        first = running.first
        if first.step_id is None or first.undoes_id is not None:
            return running
        if step is not None and first.step_id == step.plan.id:
            return running
    return None


def _running_view(reader: Reader, running: Running) -> NextView:
    first = running.first
    action = reader.plan.actions[first.action]
    params: dict[str, Any] = {
        **reader.attempt_scope(first),
        "actor": reader.person(first.requested_by),
        "at": first.sent_at or first.requested_at,
        "every": action.verify.every if action.verify else 15,
    }
    waiting = [one for one in running.attempts if one.state == AttemptState.AWAITING_APPROVAL]
    if len(waiting) == len(running.attempts):
        return NextView("approval", action.title, {**params, "who": reader.approver(running)})
    asked = next((one for one in running.attempts if one.problem == restoration.ASKED), None)
    if asked is not None:
        words = problem_of(reader, {"code": asked.problem, "action": action.id})
        return NextView("restored", words, {**params, "look": look_of(reader, asked)})
    if any(one.state == AttemptState.UNKNOWN for one in running.attempts):
        return NextView("unknown", action.log_unknown, params)
    return NextView("running", action.running, params)


def _buttons(reader: Reader, step: Place | None, shown: NextView) -> tuple[ButtonView, ...]:
    """At most three: the next step's, green first; take it; the cases."""
    incident = reader.incident
    if not incident.live:
        return tuple(buttons.unique(_ended_buttons(reader)))
    last: list[ButtonView] = []
    if incident.owner is None:
        last.append(buttons.own(reader, "incident.take", "take"))
    if reader.cases:
        label = nouns.case_label(reader)
        last.append(ButtonView("cases.open", buttons.reference(reader), label))
    first = _step_buttons(reader, step, shown)
    question = _question(reader) if step is None else None
    if question is not None:
        later, entry = question
        first = buttons.of_question(reader, later.id, later.buttons, entry.sequence)
    elif step is None and not first:
        resolve = buttons.own(reader, "incident.resolve", "resolve")
        first = [replace(resolve, style="primary") if shown.kind == "resolve" else resolve]
    room = max(1, _MAX_BUTTONS - len(last))
    return tuple(buttons.unique([*first[:room], *last])[:_MAX_BUTTONS])


def _step_buttons(reader: Reader, step: Place | None, shown: NextView) -> list[ButtonView]:
    """The next step's first button, one of each step outside the order, then the others."""
    if shown.kind in ("running", "approval"):
        return []  # what runs is all there is to say; it may make the rest needless
    first: list[ButtonView] = []
    if step is not None and not step.under_way and shown.kind not in _ASKED:
        green = buttons.green_of(reader, step)
        for offer in buttons.on_card(reader, step):
            first.append(buttons.of_offer(reader, step, offer, green=offer.button.id == green))
        if by_hand.lacks(reader, step):
            first.append(buttons.by_hand(reader, step))
    beside: list[ButtonView] = []
    rest: list[ButtonView] = []
    busy = {running.first.step_id for running in reader.running}
    for place in any_time(reader):
        known = step is not None and place.row.id == step.row.id
        if known or place.plan.id in busy or place.settled:
            continue
        offers = buttons.on_card(reader, place)
        views = [buttons.of_offer(reader, place, offer) for offer in offers]
        beside += views[:1]
        rest += views[1:]
    return [*first[:1], *beside, *first[1:], *rest]


def _ended_buttons(reader: Reader) -> list[ButtonView]:
    incident = reader.incident
    if incident.status == Status.MERGED:
        return []
    found: list[ButtonView] = []
    if incident.status == Status.RESOLVED:
        found.append(buttons.own(reader, "incident.review", "reviewed"))
    if reader.cases:
        label = nouns.case_label(reader)
        found.append(ButtonView("cases.open", buttons.reference(reader), label))
    return found


def controls_of(session: Session, house: House, incident_id: int, now: datetime) -> tuple[str, ...]:
    """Every command that makes sense now, for the menu that opens behind “More…”."""
    return command_rows.offered(reader_of(session, house, incident_id, now).change())


def _more(reader: Reader) -> tuple[tuple[str, str], ...]:
    """At most five: the likeliest controls, one entry for the rest, and the other language."""
    value = buttons.reference(reader)
    found = list(command_rows.offered(reader.change()))
    languages = [
        f"lang:{language}" for language in reader.house.other_languages(reader.incident.audience)
    ]
    room = _MAX_MORE - len(languages[:1])
    if len(found) > room:
        found = [*found[: room - 1], "all"]
    return tuple((verb, f"{value}:{verb}") for verb in [*found, *languages[:1]])


def _asked(reader: Reader) -> str | None:
    """The group that the card asks while nobody has it: only if its opening rang it."""
    incident = reader.incident
    group = reader.house.asked(reader.kind.role).group
    if group is None or incident.owner is not None or not incident.live:
        return None
    rung = reader.session.scalar(
        select(Ring.id)
        .where(Ring.incident_id == incident.id, Ring.event == "opened", Ring.via == "mention")
        .limit(1)
    )
    return group if rung is not None else None


def _nobody(reader: Reader) -> str | None:
    """The role that nobody has, while the incident waits for somebody to take it."""
    waits = reader.incident.owner is None and reader.incident.live
    role = reader.kind.role
    return role if waits and reader.house.asked(role).nobody else None


def _passed_over(
    reader: Reader,
) -> tuple[tuple[tuple[PersonView, datetime | None], ...], PersonView | None]:
    if reader.incident.owner is not None:
        return (), None
    passed: dict[str, tuple[PersonView, datetime | None]] = {}
    instead: PersonView | None = None
    for entry in reader.entries:
        if entry.kind != "passed_over":
            continue
        who = reader.person(str(entry.data.get("who")))
        until = entry.data.get("until")
        if who is not None:
            moment = datetime.fromisoformat(until) if until else None
            passed[who.user_id] = (who, moment)
            instead = reader.person(entry.data.get("instead"))
    return tuple(passed.values()), instead


def open_cases(reader: Reader) -> int:
    return sum(case.state != CaseState.SETTLED for case in reader.cases)


__all__ = [
    "card",
    "card_of",
    "controls_of",
    "mood_of",
    "next_of",
    "next_place",
    "open_cases",
    "waits",
]
