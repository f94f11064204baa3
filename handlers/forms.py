"""What a person typed into a form, as Slack's state holds it; the domain judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.desk import Desk
from handlers.registry import Interaction
from incidents import forms, loading
from incidents.outcome import Outcome
from plan.model import Form, Plan


def raw(state: Mapping[str, Any], name: str) -> Any:
    """The value of an input (block_id = the field, action_id `value`), whatever the element."""
    element = (state.get(name) or {}).get("value") or {}
    if element.get("type") == "checkboxes":
        return bool(element.get("selected_options"))
    if element.get("selected_option"):
        return element["selected_option"].get("value")
    for key in ("value", "selected_user", "selected_date", "selected_date_time"):
        if element.get(key) is not None:
            return element[key]
    return None


def text(interaction: Interaction, name: str) -> str:
    """The text of one input, trimmed; empty when nothing was typed."""
    value = raw(interaction.state, name)
    return "" if value is None else str(value).strip()


def values(form: Form, interaction: Interaction) -> dict[str, Any]:
    """Every field of the plan's form as it was typed."""
    state = interaction.state
    return {field.id: raw(state, field.id) for field in form.fields}


def errors(form: Form, interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """The acknowledgement that sends the form back, or None: pure, nothing is looked up."""
    checked = forms.check(None, desk.house, form, values(form, interaction))
    return complaint(checked, interaction, desk) if isinstance(checked, Outcome) else None


def complaint(outcome: Outcome, interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """The refusal of a field as Slack shows it: under the field, in the person's language.

    None where the form that is open has no such field: Slack would take no error for it.
    """
    field = str(outcome.params.get("field_id"))
    if field not in interaction.state:
        return None
    message = desk.templates.answer(
        outcome.code, outcome.params, language=desk.people.known_language(interaction.user_id)
    )
    return {"response_action": "errors", "errors": {field: message.text}}


def checking(interaction: Interaction, desk: Desk) -> dict[str, Any]:
    """The form stays, and says that its result comes: what is sent is never out of sight."""
    message = desk.templates.render(
        "checking", None, language=desk.people.known_language(interaction.user_id)
    )
    metadata = interaction.view.get("private_metadata", "")
    view = {**(message.view or {}), "private_metadata": metadata}
    return {"response_action": "update", "view": view}


def plan_opened(interaction: Interaction, desk: Desk) -> Plan | None:
    """The plan that the open form was taken from; None where it is not in memory (any more)."""
    return loading.plan_at_hand(desk.house, str(interaction.memory.get("plan")))
