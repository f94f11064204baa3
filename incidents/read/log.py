"""A log line: what was done, in the plan's words where the plan gives some."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import timeline
from incidents.organisation import House
from incidents.read import buttons
from incidents.read.problems import look_of, problem_of
from incidents.read.reader import Reader, reader_of
from incidents.runbooks import follow_up_prompts
from incidents.shop_actions import action_outcomes
from incidents.views import ButtonView, LogView
from plan import languages
from plan.model import Words
from storage.models import ActionAttempt, TimelineEntry

_PEOPLE = ("to", "who", "instead")
_TIMES = ("until", "due", "at", "verified_at", "again_at", "since", "worked", "over_at")


def log_entry(
    session: Session,
    house: House,
    incident_id: int,
    sequence: int,
    now: datetime,
    *,
    whole: bool = False,
) -> LogView:
    """The line of that sequence. Raises LookupError if there is none. `whole`: with the words that
    were moved to the private channel, where it is drawn for there."""
    reader = reader_of(session, house, incident_id, now)
    entry = timeline.entry_of(session, incident_id, sequence)
    if entry is None:
        raise LookupError(f"{reader.incident.reference} has no entry {sequence}")
    return view_of(reader, entry, whole=whole)


def view_of(
    reader: Reader, entry: TimelineEntry, *, with_buttons: bool = True, whole: bool = False
) -> LogView:
    data = dict(entry.data)
    actor = reader.person(entry.actor)
    scope = {**reader.scope, **data.pop("scope", {}), **_resolved(reader, entry, data)}
    scope["actor"] = actor.name if actor is not None else "Muster"
    return LogView(
        reference=reader.incident.reference,
        sequence=entry.sequence,
        at=entry.at,
        kind=entry.kind,
        actor=actor,
        words=_words(reader, data),
        scope=scope,
        text=words_of(entry, whole=whole),
        buttons=_buttons(reader, entry) if with_buttons else (),
        version=reader.incident.version,
        broadcast=bool(data.get("broadcast")),
    )


def words_of(entry: TimelineEntry, *, whole: bool = False) -> str | None:
    """What a person wrote; not where it was moved to the private channel."""
    if entry.text is None or (entry.data.get("isolated") and not whole):
        return None
    return entry.text.reveal()


def _resolved(reader: Reader, entry: TimelineEntry, data: dict[str, Any]) -> dict[str, Any]:
    """References become people, times and the plan's words."""
    found = {name: value for name, value in data.items() if name not in ("words", "version")}
    for name in _PEOPLE:
        if isinstance(data.get(name), str):
            found[name] = reader.person(data[name])
    for name in _TIMES:
        if isinstance(data.get(name), str):
            found[name] = datetime.fromisoformat(data[name])
    step = _step_title(reader, data.get("step"))
    if step is not None:
        found["step_title"] = step
    action = reader.plan.actions.get(str(data.get("action")))
    if action is not None:
        found["action_title"] = action.title
    if "branch" in data:
        found["branch"] = _branch_label(reader, str(data["branch"])) or data["branch"]
    if entry.kind == "resolved":
        found["summary"] = summary_of(reader)
    if entry.kind == "cases_settled":
        words = reader.kind.case_words
        found["case_kind"] = reader.kind.case_kind
        found["settled_word"] = words.settled if words is not None else None
    if "problem" in data:
        found["problem"] = problem_of(reader, {"code": data["problem"], "action": data["action"]})
        attempt = reader.session.get(ActionAttempt, data.get("attempt_id"))
        if attempt is not None:
            found["look"] = look_of(reader, attempt)
            found["attempt"] = action_outcomes.attempt_scope(reader.change(), attempt)["attempt"]
    return found


def summary_of(reader: Reader) -> Words:
    """How long the customers felt it and what became of the cases, in the plan's words."""
    texts = reader.kind.card.ended
    return texts.figures.each(
        lambda one, text: text + languages.row(one).space + texts.affected.in_(one)
    )


def _step_title(reader: Reader, step_id: object) -> Words | None:
    for section in reader.plan.sections.values():
        for step in section.steps:
            if step.id == step_id:
                return step.title
    return None


def _branch_label(reader: Reader, branch_id: str) -> Words | None:
    for section in reader.plan.sections.values():
        for step in section.steps:
            for branch in step.branches:
                if branch.id == branch_id:
                    return branch.label
    return None


def _words(reader: Reader, data: dict[str, Any]) -> Words | None:
    """The plan's own line, by its reference."""
    wanted = data.get("words")
    if not isinstance(wanted, dict):
        return None
    if "later" in wanted:
        later = follow_up_prompts.find(reader.change(), str(wanted["later"]))
        return later.ask if later is not None else None
    if "action" in wanted:
        action = reader.plan.actions.get(str(wanted["action"]))
        if action is None:
            return None
        return action.log_unknown if wanted.get("unknown") else action.log
    for section in reader.plan.sections.values():
        for step in section.steps:
            if step.id != wanted.get("step"):
                continue
            if "branch" in wanted:
                return next((b.log for b in step.branches if b.id == wanted["branch"]), None)
            return step.log
    return None


def _buttons(reader: Reader, entry: TimelineEntry) -> tuple[ButtonView, ...]:
    """A question has its buttons until it is answered."""
    if entry.kind == "asked" and follow_up_prompts.is_open(entry):
        later = follow_up_prompts.find(reader.change(), str(entry.data.get("later")))
        if later is not None:
            return tuple(buttons.of_question(reader, later.id, later.buttons, entry.sequence))
    return ()
