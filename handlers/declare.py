"""Declare: intake by forms, declare an incident, file a complaint. An order is looked up after the
ack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.errors import ShopError
from checks.model import CaseFound
from handlers import forms
from handlers.cases import first_known
from handlers.context import Desk
from handlers.customers import personal_of
from handlers.gate import may
from handlers.registry import Asks, Interaction, Registry
from handlers.sent_forms import type_of
from handlers.step_forms import FormView
from handlers.typed import numbers
from incidents.lifecycle.declaring import Declaration, declarable, declare
from incidents.rights import Right
from plan.model import IncidentType
from storage.money import Money


def register(registry: Registry) -> None:
    registry.answer("form.declare")(answer)
    registry.view("form.declare", asks=Asks(Right.DECLARE))(submitted)
    registry.answer("form.complaint")(answer)
    registry.view("form.complaint", asks=Asks(Right.COMPLAINT))(submitted)


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
        FormView(kind.declare, {}),
        callback="form.complaint" if is_complaint(kind) else "form.declare",
        values=dict(values),
        metadata={"channel": interaction.channel_id, "type": kind.id},
    )


def answer(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """The chosen type's form, or the form's errors."""
    language = desk.people.known_language(interaction.user_id)
    memory = interaction.memory
    if memory.get("choose"):
        chosen = str(forms.raw(interaction.state, "type") or "")
        picked = type_of(desk.house, {"type": chosen})
        if picked is None or picked.declare is None:
            return None  # no such type is offered
        message = desk.templates.render(
            "form",
            FormView(picked.declare, {}),
            language=language,
            params={
                "callback": "form.declare",
                "metadata": {"channel": memory.get("channel"), "type": picked.id},
            },
        )
        return {"response_action": "update", "view": message.view}
    kind = type_of(desk.house, interaction.memory)
    if kind is None or kind.declare is None:
        return None
    return forms.errors(kind.declare, interaction, desk)


async def submitted(interaction: Interaction, desk: Desk) -> None:
    """Opens the incident; the modal says what came of it, or is the filled form with the error."""
    kind = type_of(desk.house, interaction.memory)
    if kind is None or kind.declare is None:
        if not interaction.memory.get("choose"):  # there the acknowledgement was the type's form
            await desk.say(interaction, "type_gone")
        return
    # Whatever its form is called: the type says whose right it asks for.
    if not await may(interaction, desk, Right.COMPLAINT if is_complaint(kind) else Right.DECLARE):
        return
    values = forms.values(kind.declare, interaction)
    named = numbers(str(values.get("order") or ""))
    case: CaseFound | None = None
    known: tuple[str, ...] = ()
    if named and not desk.house.doors.knows_orders:  # nobody can say that there is none
        values["order"] = named[0]
    elif named:
        try:
            order = await first_known(desk, named)
            case, known = _case(order, desk), personal_of(order)
        except ShopError:
            await desk.say(interaction, "shop_unreachable")
            return
        if case is None:
            await desk.say(interaction, "order_unknown", order=named[-1])
            return
        values["order"] = case.key
    declared = Declaration(
        _chosen_type(kind, values),
        values,
        desk.actor(interaction),
        source=kind.intake,
        case=case,
        known=known,
    )
    await desk.act(interaction, lambda s, at: declare(s, desk.house, declared, at))


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
