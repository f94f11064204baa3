"""Buttons as they stand on a card, under a step, or under a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from incidents import case_totals
from incidents.read.reader import Reader
from incidents.runbooks import runbook
from incidents.runbooks.by_hand import BY_HAND
from incidents.runbooks.places import Place
from incidents.runbooks.runbook import Offer
from incidents.shop_actions import requests
from incidents.shop_actions.message_preview import writes_of
from incidents.views import ButtonView
from plan.expressions import ExpressionError
from plan.model import Action, Button

_DOES = {"form": "step.form", "branch": "step.branch", "done": "step.done", "cases": "cases.open"}
Style = Literal["primary", "danger"] | None


def reference(reader: Reader) -> str:
    """The value of a button: incident, version and tag."""
    return reader.incident.drawn


def own(reader: Reader, action_id: str, catalogue: str, **scope: Any) -> ButtonView:
    """A button of the product itself."""
    return ButtonView(action_id, reference(reader), None, catalogue, scope=scope)


def of_offer(reader: Reader, place: Place, offer: Offer, *, green: bool = False) -> ButtonView:
    """A button of the plan, with the scope of its label and its confirmation."""
    button = offer.button
    action = reader.plan.actions[button.action] if button.action else None
    with_form = (
        button.does == "form"
        or (action is not None and action.form is not None)
        or writes_of(reader.plan, action) is not None  # its text is read first
    )
    return ButtonView(
        action_id="step.form" if with_form else _DOES.get(button.does, "step.run"),
        value=f"{reference(reader)}:{place.plan.id}:{button.id}",
        label=button.label,
        style=_style(action, green=green),
        confirm=None if with_form or action is None else action.confirm,
        scope=offer_scope(reader, offer, action),
    )


def _style(action: Action | None, *, green: bool) -> Style:
    """Red only what cannot be taken back, green only the next step."""
    if action is not None and action.irreversible:
        return "danger"
    return "primary" if green else None


def offer_scope(reader: Reader, offer: Offer, action: Action | None) -> dict[str, Any]:
    scope: dict[str, Any] = {"target": dict(offer.target)}
    if action is not None and action.cases is None and action.form is None:
        try:
            scope["params"] = requests.fill_params(
                {**action.params, **offer.button.params}, reader.scope
            )
        except ExpressionError:
            scope["params"] = {}
    return scope


def offered(reader: Reader, place: Place) -> list[Offer]:
    return list(
        runbook.offers_of(reader.plan, place.plan, reader.cases, reader.scope, reader.house.doors)
    )


def on_card(reader: Reader, place: Place) -> list[Offer]:
    return [offer for offer in offered(reader, place) if offer.button.on_card]


def green_of(reader: Reader, place: Place) -> str | None:
    """Which button of the next step is green, on the card and in the runbook: its first."""
    first = next(iter(on_card(reader, place) or offered(reader, place)), None)
    return first.button.id if first is not None else None


def skip(reader: Reader, place: Place) -> ButtonView:
    return ButtonView("step.skip", f"{reference(reader)}:{place.plan.id}:skip", None, "skip")


def by_hand(reader: Reader, place: Place) -> ButtonView:
    """Said to be done where Muster has no door to do it."""
    value = f"{reference(reader)}:{place.plan.id}:{BY_HAND}"
    return ButtonView("step.by_hand", value, None, "by_hand")


def of_question(
    reader: Reader, later_id: str, buttons: Iterable[Button], sequence: int
) -> list[ButtonView]:
    """The buttons of something that was asked; their line is what they are about, not a version."""
    found: list[ButtonView] = []
    for offer in runbook.offers(
        reader.plan, tuple(buttons), reader.cases, reader.scope, reader.house.doors
    ):
        button = offer.button
        action = reader.plan.actions[button.action] if button.action else None
        found.append(
            ButtonView(
                action_id="later.run",
                value=f"{reference(reader)}:{later_id}:{button.id}:{sequence}",
                label=button.label,
                style=_style(action, green=not found),
                confirm=action.confirm if action is not None else None,
                scope=offer_scope(reader, offer, action),
            )
        )
    return unique(found)


def unique(buttons: Iterable[ButtonView]) -> list[ButtonView]:
    """Inside one block each action_id stands once: "step.run", "step.run#2"."""
    seen: dict[str, int] = {}
    found: list[ButtonView] = []
    for button in buttons:
        count = seen.get(button.action_id, 0) + 1
        seen[button.action_id] = count
        name = button.action_id if count == 1 else f"{button.action_id}#{count}"
        found.append(replace(button, action_id=name))
    return found


def aim_of(reader: Reader, place: Place | None) -> dict[str, Any]:
    """`target` and `asked`, as the step's own words see them."""
    if place is None:
        return {"target": {}}
    asked = runbook.asked(place.plan, reader.cases, reader.scope)
    return {**asked, "target": _target_of(reader, place)}


def _target_of(reader: Reader, place: Place) -> Mapping[str, Any]:
    """What the step's own words speak of: the reach of its first button that reaches cases."""
    for button in place.plan.buttons:
        action = reader.plan.actions.get(button.action or "")
        if action is not None and action.cases is not None:
            can = runbook.ready(reader.plan, place.plan, action, reader.cases, reader.scope)
            return case_totals.target(case_totals.reached(action, can, reader.scope))
    return {}
