"""Modals that were sent: what needs no look-up is answered at once, the rest is done after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from handlers import forms
from handlers.desk import Desk
from handlers.registry import Interaction, Registry
from incidents import closing, controls, sections
from incidents.closing import ResolveForm
from incidents.outcome import Outcome
from incidents.steps import SKIP, Press, press
from plan.model import Form


def register(registry: Registry) -> None:
    registry.answer("form.step")(step_errors)
    registry.view("form.step")(step)
    registry.view("form.skip")(skip)
    registry.answer("form.resolve")(resolve_checking)
    registry.view("form.resolve")(resolve)
    registry.answer("form.wait")(wait_errors)
    for name, control in _CONTROLS.items():
        registry.view(name)(_controlled(control))


def _number(interaction: Interaction) -> int:
    return int(interaction.memory.get("incident", 0))


def plan_form(interaction: Interaction, desk: Desk) -> Form | None:
    """The form that was filled in, found in the plan by what the modal remembers."""
    memory = interaction.memory
    for section in desk.house.plan.sections.values():
        for step in section.steps:
            if step.id != memory.get("step"):
                continue
            button = next((b for b in step.buttons if b.id == memory.get("button")), None)
            if button is None:
                return None
            if button.does == "form":
                return step.form
            action = desk.house.plan.actions.get(button.action or "")
            return action.form if action is not None else None
    return None


def step_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """Format and size, and what looks like personal data: said under the field."""
    form = plan_form(interaction, desk)
    return None if form is None else forms.errors(form, interaction, desk)


async def step(interaction: Interaction, desk: Desk) -> None:
    """A step's form: recorded, or its action asked for with what was entered."""
    memory = interaction.memory
    form = plan_form(interaction, desk)
    typed = (
        forms.values(form, interaction)
        if form is not None
        else {name: forms.raw(interaction.state, name) for name in interaction.state}
    )
    wish = Press(
        _number(interaction),
        int(memory.get("version", 0)),
        str(memory.get("step", "")),
        str(memory.get("button", "")),
        desk.actor(interaction),
        values=typed,
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


def resolve_checking(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """Resolving needs fresh looks at the shop: the form turns into "checking" at once."""
    message = desk.templates.render(
        "checking", None, language=desk.people.known_language(interaction.user_id)
    )
    view = dict(message.view or {})
    view["private_metadata"] = interaction.view.get("private_metadata", "")
    return {"response_action": "update", "view": view}


async def resolve(interaction: Interaction, desk: Desk) -> None:
    """Looks anew, resolves, and says in the open modal what came of it."""
    number = _number(interaction)
    looks = await desk.guard_looks(number)
    zone = await desk.people.zone_of(interaction.user_id)
    form = ResolveForm(
        cause=forms.raw(interaction.state, "cause"),
        cause_text=forms.text(interaction, "cause_text") or None,
        prevention=forms.text(interaction, "prevention") or None,
        owner=forms.raw(interaction.state, "owner"),
        due=_day(forms.raw(interaction.state, "due"), zone),
    )
    actor = desk.actor(interaction)
    outcome = await desk.act(
        interaction,
        lambda session, at: closing.resolve(session, desk.house, number, actor, form, looks, at),
    )
    message = await desk.draw(
        interaction, "result", None, code=outcome.code, params=dict(outcome.params)
    )
    if message.view is not None:
        await desk.slack.update_view(str(interaction.view.get("id")), message.view)


def _day(value: Any, zone: ZoneInfo) -> datetime | None:
    """The end of the chosen day in the person's own zone, in UTC."""
    if not value:
        return None
    return datetime.combine(date.fromisoformat(str(value)), time(18), zone).astimezone(UTC)


def wait_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """A day in the past is no day to wait for."""
    value = forms.raw(interaction.state, "day")
    until = _day(value, ZoneInfo("UTC"))
    if until is None or until.date() > desk.clock.now().date():
        return None
    outcome = Outcome.refused("wait_past", field_id="day", until=until)
    return forms.complaint(outcome, interaction, desk)


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
    to = str(forms.raw(it.state, "person") or "")
    return controls.hand_over(session, desk.house, _number(it), desk.actor(it), to, at)


def _wait(session: Session, desk: Desk, it: Interaction, at: datetime) -> Outcome:
    until = _day(forms.raw(it.state, "day"), desk.people.known_zone(it.user_id)) or at
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
