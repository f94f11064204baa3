"""Intake by forms: declare an incident, file a complaint. An order is looked up after the ack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.errors import ShopError
from checks.model import CaseFound
from handlers import forms
from handlers.desk import Desk
from handlers.registry import Interaction, Registry
from incidents.declaring import Declaration, declarable, declare
from incidents.outcome import Outcome
from plan.model import Form, IncidentType
from storage.money import Money


@dataclass(frozen=True)
class _FormView:
    form: Form
    scope: Mapping[str, Any]


def register(registry: Registry) -> None:
    registry.answer("form.declare")(answer)
    registry.view("form.declare")(submitted)
    registry.answer("form.complaint")(answer)
    registry.view("form.complaint")(submitted)


async def declare_form(interaction: Interaction, desk: Desk, kind: str | None) -> None:
    """The form of a type; without one, the choice of types first."""
    if kind is None:
        types = [
            (entry.id, section, entry.title)
            for section, entry in declarable(desk.house.plan)
            if not is_complaint(entry)
        ]
        await desk.open(
            interaction,
            "declare",
            {},
            types=types,
            metadata={"channel": interaction.channel_id, "choose": True},
        )
        return
    await _open(interaction, desk, desk.house.plan.incident_type(kind), {})


async def open_complaint(
    interaction: Interaction, desk: Desk, *, order: str, text: str = ""
) -> None:
    """The complaint's form, with what is known filled in."""
    kind = _complaint(desk)
    if kind is None:
        await desk.say(interaction, "not_offered")
        return
    await _open(interaction, desk, kind, {"order": order or None, "text": text or None})


def is_complaint(kind: IncidentType) -> bool:
    """What comes in by /complaint: its form asks how it came in (7.2)."""
    return kind.declare is not None and kind.intake == "complaint"


def _complaint(desk: Desk) -> IncidentType | None:
    """The type that /complaint opens; a chosen option may lead to another."""
    return next((kind for _, kind in declarable(desk.house.plan) if is_complaint(kind)), None)


async def _open(
    interaction: Interaction, desk: Desk, kind: IncidentType, values: Mapping[str, Any]
) -> None:
    if kind.declare is None:
        await desk.say(interaction, "not_offered")
        return
    await desk.open(
        interaction,
        "form",
        _FormView(kind.declare, {}),
        callback="form.complaint" if is_complaint(kind) else "form.declare",
        values=dict(values),
        metadata={"channel": interaction.channel_id, "type": kind.id},
    )


def _kind(interaction: Interaction, desk: Desk) -> IncidentType | None:
    name = interaction.memory.get("type")
    try:
        return desk.house.plan.incident_type(str(name)) if name else None
    except KeyError:
        return None


def answer(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """The chosen type's form, the form's errors, or "checking" where an order is looked up."""
    language = desk.people.known_language(interaction.user_id)
    memory = interaction.memory
    if memory.get("choose"):
        chosen = str(forms.raw(interaction.state, "type") or "")
        picked = desk.house.plan.incident_type(chosen)
        assert picked.declare is not None  # noqa: S101 - only such types are offered
        message = desk.templates.render(
            "form",
            _FormView(picked.declare, {}),
            language=language,
            params={
                "callback": "form.declare",
                "metadata": {"channel": memory.get("channel"), "type": picked.id},
            },
        )
        return {"response_action": "update", "view": message.view}
    kind = _kind(interaction, desk)
    if kind is None or kind.declare is None:
        return None
    wrong = forms.errors(kind.declare, interaction, desk)
    if wrong is not None:
        return wrong
    message = desk.templates.render("checking", None, language=language)
    view = {**(message.view or {}), "private_metadata": interaction.view["private_metadata"]}
    return {"response_action": "update", "view": view}


async def submitted(interaction: Interaction, desk: Desk) -> None:
    """Opens the incident; the modal says what came of it, or is the filled form with the error."""
    kind = _kind(interaction, desk)
    if kind is None or kind.declare is None:
        return
    values = forms.values(kind.declare, interaction)
    named = str(values.get("order") or "").strip()
    case: CaseFound | None = None
    if named:
        try:
            case = _case(await desk.order(named), desk)
        except ShopError:
            await _again(interaction, desk, kind, values, "shop_unreachable", {})
            return
        if case is None:
            await _again(interaction, desk, kind, values, "order_unknown", {"order": named[:60]})
            return
        values["order"] = case.key
    declared = Declaration(
        _chosen_type(kind, values),
        values,
        desk.actor(interaction),
        source=kind.intake,
        case=case,
    )
    outcome = await desk.act(interaction, lambda s, at: declare(s, desk.house, declared, at))
    await _result(interaction, desk, outcome)


def _chosen_type(kind: IncidentType, values: Mapping[str, Any]) -> str:
    """The type, or the one that a chosen option opens (6.3: attitude goes to private ears)."""
    for entry in kind.declare.fields if kind.declare else ():
        for option in entry.options:
            if option.opens is not None and values.get(entry.id) == option.id:
                return option.opens
    return kind.id


def _case(order: Mapping[str, Any] | None, desk: Desk) -> CaseFound | None:
    """What may be kept of the shop's order: references and money, nothing of the person."""
    if order is None:
        return None
    payments = [p for p in order.get("payments") or [] if p.get("status") == "captured"]
    customer = order.get("customer") or {}
    total = order.get("total_minor")
    currency = str(order.get("currency") or desk.house.currency)
    facts = {
        "order_id": str(order.get("id")),
        "payment_id": str(payments[-1]["id"]) if payments else None,
        "language": order.get("language") or customer.get("language"),
    }
    return CaseFound(
        kind="order",
        key=str(order.get("number")),
        amount=None if total is None else Money(int(total), currency),
        customer_key=str(customer.get("id") or order.get("customer_id") or "") or None,
        facts={name: value for name, value in facts.items() if value},
    )


async def _again(
    interaction: Interaction,
    desk: Desk,
    kind: IncidentType,
    values: Mapping[str, Any],
    code: str,
    params: Mapping[str, Any],
) -> None:
    """The filled form with the error above it; nothing was opened."""
    assert kind.declare is not None  # noqa: S101 - the form was just filled in
    language = await desk.people.language_of(interaction.user_id)
    said = desk.templates.answer(code, params, language=language).text
    message = await desk.draw(
        interaction,
        "form",
        _FormView(kind.declare, {}),
        callback=interaction.name,
        values=dict(values),
        error=said,
        metadata=interaction.memory,
    )
    await _update(interaction, desk, message.view)


async def _result(interaction: Interaction, desk: Desk, outcome: Outcome) -> None:
    message = await desk.draw(
        interaction, "result", None, code=outcome.code, params=dict(outcome.params)
    )
    await _update(interaction, desk, message.view)


async def _update(interaction: Interaction, desk: Desk, view: Mapping[str, Any] | None) -> None:
    if view is not None:
        await desk.slack.update_view(str(interaction.view.get("id")), view)
