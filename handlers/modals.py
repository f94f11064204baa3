"""Modals of a step that were sent: what needs no look-up is answered at once, the rest after it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from handlers import forms
from handlers.context import Desk
from handlers.registry import Asks, Interaction, Registry
from incidents.command_table import Text
from incidents.outcome import Outcome
from incidents.rights import Right
from incidents.runbooks.by_hand import BY_HAND
from incidents.step_press import SKIP, Press, press
from plan import step_buttons
from plan.model import Form


def register(registry: Registry) -> None:
    registry.answer("form.step")(step_errors)
    registry.view("form.step", asks=Asks(Right.STEP))(step)
    for name, button in (("form.skip", SKIP), ("form.by_hand", BY_HAND)):
        registry.answer(name)(told_errors)
        registry.view(name, asks=Asks(Right.STEP))(partial(told, button=button))
    registry.view("form.send", asks=Asks(Right.ACTION))(send)


def _number(interaction: Interaction) -> int:
    return int(interaction.memory.get("incident", 0))


def plan_form(interaction: Interaction, desk: Desk) -> Form | None:
    """The form that was filled in, in the version of the plan that it was opened from."""
    memory, plan = interaction.memory, forms.plan_opened(interaction, desk)
    if plan is None:
        return None
    found = step_buttons.find(plan, str(memory.get("step")), str(memory.get("button")))
    return found.form if found is not None else None


def step_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """Format and size, and what looks like personal data: said under the field."""
    form = plan_form(interaction, desk)
    return None if form is None else forms.errors(form, interaction, desk)


async def step(interaction: Interaction, desk: Desk) -> None:
    """A step's form: recorded, or its action asked for with what was entered."""
    await _press(interaction, desk, None, values=forms.everything(interaction.state))


async def send(interaction: Interaction, desk: Desk) -> None:
    """What customers will read was read: it goes to those that were shown, no more."""
    upto = interaction.memory.get("upto")
    await _press(interaction, desk, None, values={}, extra={"upto": upto})


async def told(interaction: Interaction, desk: Desk, *, button: str) -> None:
    """Why a step is skipped, or what was done by hand, in one line."""
    reason = forms.text(interaction, "reason")
    await _press(interaction, desk, button, values={"reason": reason})


async def _press(interaction: Interaction, desk: Desk, button: str | None, **more: Any) -> None:
    memory = interaction.memory

    def work(session: Session, at: datetime) -> Outcome:
        wish = Press(
            _number(interaction),
            int(memory.get("version", 0)),
            str(memory.get("step", "")),
            str(memory.get("button", "")) if button is None else button,
            desk.actor(interaction),
            **more,
        )
        return press(session, desk.house, wish, at)

    await desk.act(interaction, work)


def told_errors(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """It is short, and holds no personal data."""
    return forms.text_errors((Text("reason"),), interaction, desk)
