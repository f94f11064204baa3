"""Modals that were sent: what needs no look-up is answered at once, the rest is done after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from handlers import forms
from handlers.desk import Desk
from handlers.registry import Interaction, Registry
from handlers.step_forms import form_behind
from incidents import closing, controls, sections
from incidents import forms as typed
from incidents.closing import ResolveForm
from incidents.outcome import Outcome
from incidents.steps import SKIP, Press, press
from plan.model import Form


def register(registry: Registry) -> None:
    registry.answer("form.step")(step_errors)
    registry.view("form.step")(step)
    registry.view("form.skip")(skip)
    registry.view("form.send")(send)
    registry.view("form.resolve")(resolve)
    for name, control in _CONTROLS.items():
        registry.view(name)(_controlled(control))
    for name, judge in _JUDGED.items():
        registry.answer(name)(judge)


def _number(interaction: Interaction) -> int:
    return int(interaction.memory.get("incident", 0))


def plan_form(interaction: Interaction, desk: Desk) -> Form | None:
    """The form that was filled in, in the version of the plan that it was opened from."""
    memory, plan = interaction.memory, forms.plan_opened(interaction, desk)
    if plan is None:
        return None
    return form_behind(plan, str(memory.get("step")), str(memory.get("button")))


def step_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """Format and size, and what looks like personal data: said under the field."""
    form = plan_form(interaction, desk)
    return None if form is None else forms.errors(form, interaction, desk)


async def step(interaction: Interaction, desk: Desk) -> None:
    """A step's form: recorded, or its action asked for with what was entered."""
    memory = interaction.memory
    wish = Press(
        _number(interaction),
        int(memory.get("version", 0)),
        str(memory.get("step", "")),
        str(memory.get("button", "")),
        desk.actor(interaction),
        values=forms.everything(interaction.state),
    )
    await desk.act(interaction, lambda session, at: press(session, desk.house, wish, at))


async def send(interaction: Interaction, desk: Desk) -> None:
    """What customers will read was read: it goes to those that were shown, no more."""
    memory = interaction.memory
    wish = Press(
        _number(interaction),
        int(memory.get("version", 0)),
        str(memory.get("step", "")),
        str(memory.get("button", "")),
        desk.actor(interaction),
        values={},
        extra={"upto": memory.get("upto")},
    )
    await desk.act(interaction, lambda session, at: press(session, desk.house, wish, at))


async def skip(interaction: Interaction, desk: Desk) -> None:
    memory = interaction.memory
    wish = Press(
        _number(interaction),
        int(memory.get("version", 0)),
        str(memory.get("step", "")),
        SKIP,
        desk.actor(interaction),
        values={"reason": forms.text(interaction, "reason")},
    )
    await desk.act(interaction, lambda session, at: press(session, desk.house, wish, at))


async def resolve(interaction: Interaction, desk: Desk) -> None:
    """Looks anew, resolves, and says in the open modal what came of it."""
    number = _number(interaction)
    looks = await desk.guard_looks(number)
    form = _resolve_form(interaction, await desk.people.zone_of(interaction.user_id))
    actor = desk.actor(interaction)
    await desk.act(
        interaction,
        lambda session, at: closing.resolve(session, desk.house, number, actor, form, looks, at),
        kept={"looks": looks.as_json()},
    )


def _resolve_form(interaction: Interaction, zone: ZoneInfo) -> ResolveForm:
    return ResolveForm(
        cause=forms.raw(interaction.state, "cause"),
        cause_text=forms.text(interaction, "cause_text") or None,
        prevention=forms.text(interaction, "prevention") or None,
        owner=forms.raw(interaction.state, "owner"),
        due=_day(forms.raw(interaction.state, "due"), zone),
    )


def _day(value: Any, zone: ZoneInfo) -> datetime | None:
    """The end of the chosen day in the person's own zone, in UTC."""
    if not value:
        return None
    return datetime.combine(date.fromisoformat(str(value)), time(18), zone).astimezone(UTC)


def _moment(value: Any) -> datetime | None:
    """The chosen moment; Slack's picker speaks in the person's own zone and sends seconds."""
    return datetime.fromtimestamp(int(value), UTC) if value else None


@dataclass(frozen=True)
class _Text:
    """A text of a form outside the plan, and how long it may be."""

    field: str
    maximum: int = 500
    required: bool = True


_TEXTS: Mapping[str, tuple[_Text, ...]] = {
    "form.skip": (_Text("reason"),),
    "form.dismiss": (_Text("reason"),),
    "form.reopen": (_Text("reason"),),
    "form.severity": (_Text("reason", required=False),),
    "form.wait": (_Text("reason"),),
    "form.note": (_Text("note", typed.TEXT_MAXIMUM),),
    "form.escalate": (_Text("reason", required=False),),
    "form.hand_over": (_Text("note", required=False),),
    "form.resolve": (
        _Text("cause_text", 1000, required=False),
        _Text("prevention", 2000, required=False),
    ),
}


def texts_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """What looks like personal data or is too long: under its field, before anything is done."""
    for text in _TEXTS[interaction.name]:
        said = typed.free_text(
            None,
            forms.raw(interaction.state, text.field),
            text.field,
            maximum=text.maximum,
            required=text.required,
        )
        if isinstance(said, Outcome):
            return forms.complaint(said, interaction, desk)
    return None


def wait_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """A moment in the past is none to wait for."""
    until = _moment(forms.raw(interaction.state, "until"))
    if until is not None and until <= desk.clock.now():
        outcome = Outcome.refused("wait_past", field_id="until", until=until)
        return forms.complaint(outcome, interaction, desk)
    return texts_errors(interaction, desk)


def resolve_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """What the chosen cause demands (1.2.4): known from the plan alone."""
    plan = forms.plan_opened(interaction, desk)
    form = _resolve_form(interaction, desk.people.known_zone(interaction.user_id))
    cause = plan.causes.get(form.cause or "") if plan is not None else None
    missing = closing.demanded_by_cause(cause, form) if cause is not None else None
    if missing is not None:
        return forms.complaint(closing.needed(missing), interaction, desk)
    return texts_errors(interaction, desk)


_JUDGED = {
    **dict.fromkeys(_TEXTS, texts_errors),
    "form.wait": wait_errors,
    "form.resolve": resolve_errors,
}


Control = Callable[[Session, Desk, Interaction, datetime], Outcome]


def _controlled(control: Control) -> Any:
    async def handle(interaction: Interaction, desk: Desk) -> None:
        await desk.people.zone_of(interaction.user_id)
        await desk.act(interaction, lambda session, at: control(session, desk, interaction, at))

    return handle


def _dismiss(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return closing.dismiss(
        session, desk.house, _number(it), desk.actor(it), forms.text(it, "reason"), at
    )


def _reopen(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return closing.reopen(
        session, desk.house, _number(it), desk.actor(it), forms.text(it, "reason"), at
    )


def _severity(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return controls.change_severity(
        session,
        desk.house,
        _number(it),
        desk.actor(it),
        int(forms.raw(it.state, "severity") or 0),
        at,
        reason=forms.text(it, "reason") or None,
    )


def _section(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    to = str(forms.raw(it.state, "section") or "")
    return sections.change_section(session, desk.house, _number(it), desk.actor(it), to, at)


def _hand_over(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return controls.hand_over(
        session,
        desk.house,
        _number(it),
        desk.actor(it),
        str(forms.raw(it.state, "person") or ""),
        at,
        note=forms.text(it, "note") or None,
    )


def _wait(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    until = _moment(forms.raw(it.state, "until")) or at
    return controls.wait_until(
        session, desk.house, _number(it), desk.actor(it), until, forms.text(it, "reason"), at
    )


def _note(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return controls.note(
        session, desk.house, _number(it), desk.actor(it), forms.text(it, "note"), at
    )


def _escalate(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    return controls.escalate(
        session,
        desk.house,
        _number(it),
        desk.actor(it),
        at,
        to=forms.raw(it.state, "person"),
        reason=forms.text(it, "reason") or None,
    )


def _merge(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    other = int(forms.raw(it.state, "other") or 0)
    join = sections.link if forms.raw(it.state, "how") == "link" else sections.merge
    return join(session, desk.house, _number(it), desk.actor(it), other, at)


_CONTROLS: dict[str, Control] = {
    "form.dismiss": _dismiss,
    "form.reopen": _reopen,
    "form.severity": _severity,
    "form.section": _section,
    "form.hand_over": _hand_over,
    "form.wait": _wait,
    "form.note": _note,
    "form.escalate": _escalate,
    "form.merge": _merge,
}
