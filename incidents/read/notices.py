"""Notices: direct messages, the desk's note and late answers, references become people, words,
buttons.

Each function gives the view and the `params` that the template of that name takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import timeline
from incidents.alerting import dead_letters
from incidents.organisation import House
from incidents.read import approvals, buttons, log, nouns
from incidents.read.card import any_time, card_of, mood_of, next_place
from incidents.read.open_items import words_of_item
from incidents.read.problems import problem_of, problem_scope
from incidents.read.reader import Reader, reader_of
from incidents.runbooks import follow_up_prompts
from incidents.views import ButtonView, CardView
from plan import engine_texts
from plan.model import DeskWords, Words
from storage import work
from storage.models import ActionAttempt, CaseState, FollowUp, Incident, Status, TimelineEntry

_TIMES = ("since", "next_at", "until", "due", "at")
_PEOPLE = ("next", "who")


def notice(
    session: Session, house: House, incident_id: int, params: Mapping[str, Any], now: datetime
) -> tuple[CardView, dict[str, Any]]:
    """The card and the parameters of a notice (remind, escalation, your_turn, approval …)."""
    reader = reader_of(session, house, incident_id, now)
    filled = {name: value for name, value in params.items() if value is not None}
    for name in _TIMES:
        if isinstance(filled.get(name), str):
            filled[name] = datetime.fromisoformat(filled[name])
    for name in _PEOPLE:
        if isinstance(filled.get(name), str):
            filled[name] = reader.person(filled[name])
    filled |= _question(reader, params) or _what(reader, params)
    if params.get("event") == "got_worse":
        filled |= _worse(reader, params)
    if params.get("event") == "not_delivered":
        filled |= _stuck(reader, int(params["item"]))
    if params.get("event") == "handed_over" and params.get("entry"):
        entry = timeline.entry_of(session, incident_id, int(params["entry"]))
        if entry is not None and entry.text is not None:
            filled["note"] = entry.text.reveal()
    if params.get("event") == "morning":
        filled |= _morning(reader)
    if params.get("approval") is not None:
        filled |= approvals.approval(reader, int(params["approval"]))
    return card_of(reader), filled


def _worse(reader: Reader, params: Mapping[str, Any]) -> dict[str, Any]:
    """From what to what, as the log line says."""
    entry = _entry(reader, params)
    names = ("before", "after", "before_cases", "after_cases")
    return {} if entry is None else {n: entry.data[n] for n in names if n in entry.data}


def _entry(reader: Reader, params: Mapping[str, Any]) -> TimelineEntry | None:
    """The log line that the notice goes with."""
    if not params.get("entry"):
        return None
    return timeline.entry_of(reader.session, reader.incident.id, int(params["entry"]))


def _stuck(reader: Reader, item_id: int) -> dict[str, Any]:
    """What could not be delivered, while it still waits; on-call sees every reference."""
    found = next((one for one in work.parked(reader.session) if one.id == item_id), None)
    if found is None:
        return {}
    return {"stuck": dead_letters.view_of(reader.session, found, reader.house, "")}


def _question(reader: Reader, params: Mapping[str, Any]) -> dict[str, Any]:
    """Something that Muster asked in the thread, with its buttons while it is open."""
    entry = _entry(reader, params)
    if entry is None or entry.kind != "asked":
        return {}
    later = follow_up_prompts.find(reader.change(), str(entry.data.get("later")))
    if later is None:
        return {}
    offered = (
        buttons.of_question(reader, later.id, later.buttons, entry.sequence)
        if follow_up_prompts.is_open(entry)
        else []
    )
    return {"what": later.ask, "scope": reader.scope, "buttons": offered}


def _morning(reader: Reader) -> dict[str, Any]:
    """Everything of the night that nobody has, with the first one's card to act on."""
    rows = reader.session.execute(
        select(Incident.number, Incident.severity)
        .where(Incident.status == Status.OPEN, Incident.owner.is_(None), ~Incident.private)
        .order_by(Incident.severity, Incident.number)
    )
    night = [{"reference": f"INC-{number}", "severity": severity} for number, severity in rows]
    return {"what": engine_texts.text("lists.night"), "scope": {**reader.scope, "night": night}}


def _what(reader: Reader, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the person is to do, in the plan's words."""
    found: dict[str, Any] = {}
    step_id = params.get("step")
    if step_id is not None:
        place = reader.place(str(step_id))
        if place is not None:
            found |= {"what": place.plan.next, "scope": reader.scope}
    if params.get("follow_up") is not None:
        item = reader.session.get(FollowUp, int(params["follow_up"]))
        if item is not None:
            words = words_of_item(reader, item)
            found |= {"what": words, "scope": reader.scope, "due": item.due, "buttons": ()}
    if not found and params.get("what") is None:
        step = next_place(reader)
        if step is not None:
            scope = {**reader.scope, **buttons.aim_of(reader, step)}
            found = {"what": step.plan.next, "scope": scope}
    elif isinstance(params.get("what"), str):
        words_of_what = _named(reader, str(params["what"]))
        if words_of_what is not None:
            found |= {"what": words_of_what, "scope": reader.scope}
    return found


def _named(reader: Reader, name: str) -> Words | None:
    """An action or a step by its id."""
    action = reader.plan.actions.get(name)
    if action is not None:
        return action.title
    place = reader.place(name)
    return place.plan.title if place is not None else None


def desk(
    session: Session, house: House, incident_id: int, now: datetime
) -> tuple[CardView, dict[str, Any]]:
    """The note for the service desk, with the orders that something must not be said of.

    `note` is None where there is nothing to say any more: a false alarm, another thread, a type
    without words for the desk.
    """
    reader = reader_of(session, house, incident_id, now)
    button = None
    figures = reader.scope.get("cases", {})
    over = mood_of(reader) != "active"  # before, what must not be said yet holds for all of them
    if over and figures.get("unknown"):
        button = ButtonView(
            "cases.open",
            f"{buttons.reference(reader)}:{CaseState.UNKNOWN}",
            nouns.case_label(reader),
            scope={"cases": {**figures, "total": figures["unknown"]}},
        )
    elif over and reader.cases:
        button = ButtonView("cases.open", buttons.reference(reader), nouns.case_label(reader))
    return card_of(reader), {"note": desk_words(reader), "button": button}


def desk_words(reader: Reader) -> DeskWords | None:
    """What the desk says now: by whether the customers feel it."""
    note, mood = reader.kind.desk, mood_of(reader)
    if note is None or reader.incident.private or mood in ("dismissed", "merged"):
        return None
    return note.active if mood == "active" else note.mitigated


def resolved(
    session: Session, house: House, incident_id: int, params: Mapping[str, Any], now: datetime
) -> tuple[CardView, dict[str, Any]]:
    reader = reader_of(session, house, incident_id, now)
    who = reader.person(str(params["who"])) if params.get("who") else None
    return card_of(reader), {"who": who, "summary": log.summary_of(reader), "scope": reader.scope}


def late_answer(
    session: Session, house: House, incident_id: int, params: Mapping[str, Any], now: datetime
) -> tuple[str, dict[str, Any]]:
    """Code and parameters of an ephemeral answer that comes after the press."""
    reader = reader_of(session, house, incident_id, now)
    attempt = reader.session.get_one(ActionAttempt, int(params["attempt"]))
    problem = {"code": attempt.problem, "action": attempt.action}
    words = problem_of(reader, problem)
    if attempt.problem == "refused" and attempt.problem_detail is not None:
        detail = attempt.problem_detail.reveal()
        said = engine_texts.text("problems.said_by_shop")
        words = words.each(lambda one, t: f"{said.in_(one)} {t}") if words else said
        scope = {**problem_scope(reader, attempt), "shop_said": detail}
    else:
        scope = problem_scope(reader, attempt)
    return str(params["code"]), {
        "problem": words,
        "scope": scope,
        "buttons": _again(reader, attempt),
    }


def _again(reader: Reader, attempt: ActionAttempt) -> list[ButtonView]:
    """Try again, and what else is offered now (test again, another way to pay)."""
    found: list[ButtonView] = []
    place = reader.place(attempt.step_id) if attempt.step_id else None
    if place is None or not reader.incident.live:
        return found
    again = "test_again" if (attempt.problem or "").startswith("precondition:") else "again"
    step = next_place(reader)
    others = [step, *any_time(reader)] if step is not None else any_time(reader)
    for other in [place, *(one for one in others if one.row.id != place.row.id)]:
        if other.settled or other.under_way:
            continue
        for offer in buttons.on_card(reader, other):
            view = buttons.of_offer(reader, other, offer)
            if other is place and offer.button.id == attempt.button:
                view = replace(view, label=None, catalogue=again)
            found.append(view)
    return buttons.unique(found)[:3]
