"""Forms: what a person typed into a form, as Slack's state holds it; the domain judges it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from handlers.context import Desk
from handlers.registry import Interaction
from incidents import loading
from incidents.command_table import Text
from incidents.outcome import Outcome
from incidents.runbooks import case_answers, forms
from plan.model import Form, Plan

_GROUP = "cases."  # block ids of the groups of cases to choose from


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


def cases_chosen(state: Mapping[str, Any]) -> list[str]:
    """The ids of the cases that were ticked, in all groups of ten."""
    chosen = [
        option["value"]
        for name in state
        if name.startswith(_GROUP)
        for option in (state[name].get("value") or {}).get("selected_options") or ()
    ]
    return list(map(str, chosen))


def everything(state: Mapping[str, Any]) -> dict[str, Any]:
    """Each input as it was typed; the chosen cases under one name."""
    found = {name: raw(state, name) for name in state if not name.startswith(_GROUP)}
    if len(found) < len(state):
        found[case_answers.CHOSEN] = cases_chosen(state)
    return found


def values(form: Form, interaction: Interaction) -> dict[str, Any]:
    """Every field of the plan's form as it was typed."""
    found = everything(interaction.state)
    wanted = {*(field.id for field in form.fields), case_answers.CHOSEN}
    return {name: value for name, value in found.items() if name in wanted}


def errors(form: Form, interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
    """The acknowledgement that sends the form back, or None: pure, nothing is looked up."""
    given = values(form, interaction)
    if given.get(case_answers.CHOSEN) == []:
        missing = Outcome.refused("choose_cases", field_id=case_answers.FIELD)
        return complaint(missing, interaction, desk)
    checked = forms.check(None, desk.house, form, given)
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


def text_errors(
    texts: Iterable[Text], interaction: Interaction, desk: Desk
) -> dict[str, Any] | None:
    """What looks like personal data or is too long: under its field, before anything is done."""
    for one in texts:
        said = forms.free_text(
            None,
            raw(interaction.state, one.field),
            one.field,
            maximum=one.maximum,
            required=one.required,
        )
        if isinstance(said, Outcome):
            return complaint(said, interaction, desk)
    return None


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
