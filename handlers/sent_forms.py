"""Form that was sent and refused: drawn again as it is now, with what was typed in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.action_values import Target
from handlers.show import incident_id
from handlers.step_forms import FormView, asked
from incidents import loading, read
from incidents.lifecycle.command_rows import TABLE, Command
from incidents.organisation import House
from incidents.shop_actions.looks import GuardLooks
from plan.model import IncidentType

Drawn = tuple[str, Any, dict[str, Any]]
"""Template, view, parameters."""


@dataclass(frozen=True)
class SentForm:
    """What is kept of a submission until its answer stands: references in clear, text encrypted."""

    name: str  # form.note
    memory: Mapping[str, Any]
    refused: Mapping[str, Any]  # code and params of the refusal
    state: Mapping[str, Any] = field(repr=False, default_factory=dict)  # Slack's, as it was sent
    typed: tuple[str, ...] = field(repr=False, default=())
    looks: Mapping[str, Any] | None = field(repr=False, default=None)
    closed: bool = False  # it is not for who sent it: nothing of the incident is drawn

    @classmethod
    def of(cls, params: Mapping[str, Any], secret: Mapping[str, Any]) -> SentForm:
        return cls(
            name=str(params["form"]),
            memory=dict(params["memory"]),
            refused={"code": params["code"], "params": params["params"]},
            state=dict(secret.get("state") or {}),
            typed=tuple(secret.get("typed") or ()),
            looks=secret.get("looks"),
            closed=bool(params.get("closed")),
        )

    @property
    def target(self) -> Target:
        memory = self.memory
        return Target(
            int(memory.get("incident", 0)),
            int(memory.get("version", 0)),
            str(memory.get("step", "")),
            str(memory.get("button", "")),
        )

    def as_result(self) -> dict[str, Any]:
        """For the modal that only says what became of it."""
        return {**self.refused, "typed": self.typed}


def again(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    """The form, as it is drawn now; None where it cannot be offered any more."""
    if sent.closed:
        return None
    drawn = _FORMS.get(sent.name, _command)(session, house, sent, now)
    if drawn is None:
        return None
    template, view, params = drawn
    given = {"metadata": dict(sent.memory), "refused": sent.refused, **params}
    return template, view, given


def _step(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    wanted = asked(session, house, sent.target, now)
    if wanted is None or wanted.view is None:
        return None
    return "form", wanted.view, {"callback": sent.name}


def _told(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    wanted = asked(session, house, sent.target, now)
    if wanted is None:
        return None
    view = {"reference": f"INC-{sent.target.number}"}
    return (
        sent.name.replace(".", "_"),
        view,
        {"step_title": wanted.step_title, "scope": dict(wanted.scope)},
    )


def _resolve(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    view, params = resolving(session, house, sent.memory, sent.looks or {}, now)
    return None if view is None else ("resolve", view, params)


def _declared(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    kind = type_of(house, sent.memory)
    if kind is None or kind.declare is None:
        return None
    return "form", FormView(kind.declare, {}), {"callback": sent.name}


def _command(session: Session, house: House, sent: SentForm, now: datetime) -> Drawn | None:
    row = TABLE.get(sent.name.removeprefix("form."))
    return None if row is None else drawn_form(session, house, row, sent.target.number, now)


_FORMS: Mapping[str, Callable[[Session, House, SentForm, datetime], Drawn | None]] = {
    "form.step": _step,
    "form.skip": _told,
    "form.by_hand": _told,
    "form.resolve": _resolve,
    "form.declare": _declared,
    "form.complaint": _declared,
}


def drawn_form(
    session: Session, house: House, row: Command, number: int, now: datetime
) -> Drawn | None:
    """The template, the view and the parameters of a command's form; None: no such incident."""
    incident = loading.incident_of(session, number)
    if incident is None or row.form is None:
        return None
    view = {
        "reference": incident.reference,
        "severity": incident.severity,
        "section": incident.section,
    }
    return row.form, view, row.choices(session, house, incident, now)


def type_of(house: House, memory: Mapping[str, Any]) -> IncidentType | None:
    """The type whose form an intake modal remembers."""
    try:
        return house.plan.incident_type(str(memory["type"]))
    except KeyError:
        return None


def resolving(
    session: Session,
    house: House,
    memory: Mapping[str, Any],
    looks: Mapping[str, Any],
    now: datetime,
) -> tuple[Any, dict[str, Any]]:
    """The view and parameters of the form that resolves, over fresh looks; no view: no incident."""
    found = incident_id(session, int(memory.get("incident", 0)))
    if found is None:
        return None, {}
    taken = GuardLooks.from_json(looks) if looks else None
    view = read.resolve_view(session, house, found, now, taken)
    owner = view.owner.user_id if view.owner else None
    return view, {"owner": owner, "metadata": dict(memory)}


# --- what was typed, in the form that is drawn anew

_INITIAL: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}


def fill(view: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The view with what stands in `state` as the initial values of its fields."""
    blocks = [
        {**block, "element": _filled(block["element"], state[block["block_id"]])}
        if block.get("type") == "input" and block.get("block_id") in state
        else block
        for block in view.get("blocks", ())
    ]
    return {**view, "blocks": blocks}


def _filled(element: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = _INITIAL.get(str(element.get("type")))
    if names is None:
        return dict(element)
    held, initial = names
    value = (values.get(str(element.get("action_id"))) or {}).get(held)
    empty = {name: given for name, given in element.items() if name != initial}
    kept = _offered(element, value) if held.startswith("selected_option") else value
    if isinstance(kept, str) and "max_length" in element:
        kept = kept[: int(element["max_length"])]
    return {**empty, initial: kept} if kept not in (None, "", []) else empty


def _offered(element: Mapping[str, Any], value: Any) -> Any:
    """The chosen options as they are offered now; what is not offered any more is left out."""
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    offered = {str(one["value"]): one for group in groups for one in group["options"]}
    chosen = value if isinstance(value, list) else [value]
    found = [
        offered[str(one["value"])]
        for one in chosen
        if isinstance(one, Mapping) and str(one.get("value")) in offered
    ]
    return found if isinstance(value, list) else next(iter(found), None)
