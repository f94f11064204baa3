"""Reads what a person typed into a form: by field, checked for form and size, nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from plan.model import FormField
from storage.money import Money

TEXT_LIMIT = 3000  # Slack: a plain text input


@dataclass
class Filled:
    """The values by field, and for each wrong field the answer's code with its parameters."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return str(self.values.get(name) or "").strip()


def raw(state: Mapping[str, Any], name: str) -> Any:
    """The value of an input (block_id = the field, action_id `value`), whatever the element."""
    element = (state.get(name) or {}).get("value") or {}
    kind = element.get("type")
    if kind == "checkboxes":
        return [option["value"] for option in element.get("selected_options") or []]
    if element.get("selected_option"):
        return element["selected_option"].get("value")
    for key in ("value", "selected_user", "selected_date", "selected_date_time"):
        if element.get(key) is not None:
            return element[key]
    return None


def read(fields: tuple[FormField, ...], state: Mapping[str, Any], currency: str) -> Filled:
    """Reads the plan's fields. What is wrong stands in `errors`; nothing is raised."""
    filled = Filled()
    for entry in fields:
        given = raw(state, entry.id)
        if given is None or given == "" or (isinstance(given, str) and not given.strip()):
            if entry.required and entry.kind != "tick":
                filled.errors[entry.id] = ("field_required", {"field": entry.label})
            elif entry.kind == "tick":
                filled.values[entry.id] = False
            continue
        _read_one(entry, given, currency, filled)
    return filled


def _read_one(entry: FormField, given: Any, currency: str, filled: Filled) -> None:
    match entry.kind:
        case "number":
            _number(entry, str(given), filled)
        case "money":
            try:
                filled.values[entry.id] = Money.parse(str(given), currency).as_json()
            except ValueError:
                filled.errors[entry.id] = ("amount_wrong", {"typed": str(given)[:40]})
        case "datetime":
            filled.values[entry.id] = datetime.fromtimestamp(int(given), UTC).isoformat()
        case "tick":
            filled.values[entry.id] = bool(given)
        case "text" | "lines":
            _text(entry, str(given).strip(), filled)
        case "select" | "person" | "date":
            filled.values[entry.id] = str(given)


def _number(entry: FormField, typed: str, filled: Filled) -> None:
    try:
        number = Decimal(typed)
    except InvalidOperation:
        filled.errors[entry.id] = ("number_wrong", {"typed": typed[:40]})
        return
    if entry.minimum is not None and number < entry.minimum:
        filled.errors[entry.id] = ("too_small", {"field": entry.label, "minimum": entry.minimum})
    elif entry.maximum is not None and number > entry.maximum:
        filled.errors[entry.id] = ("too_large", {"field": entry.label, "maximum": entry.maximum})
    else:
        whole = number == number.to_integral_value()
        filled.values[entry.id] = int(number) if whole else str(number)


def _text(entry: FormField, typed: str, filled: Filled) -> None:
    limit = min(entry.maximum or TEXT_LIMIT, TEXT_LIMIT)
    if len(typed) > limit:
        filled.errors[entry.id] = (
            "too_long",
            {"field": entry.label, "length": len(typed), "maximum": limit},
        )
    else:
        filled.values[entry.id] = typed
