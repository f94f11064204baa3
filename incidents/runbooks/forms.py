"""Forms as they were filled in: each field checked for kind and limits, typed text screened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import privacy
from incidents import scope as scopes
from incidents.alerting.escalation import timer
from incidents.change import Change
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.runbooks.places import Place
from plan.model import Form, FormField
from storage.money import Money
from storage.types import Personal

TEXT_MAXIMUM = 3000  # characters; Slack: plain_text_input holds at most as many


@dataclass(frozen=True)
class Checked:
    """The values as they are kept: money as JSON, times in ISO 8601 UTC, text as it was typed."""

    form: Form
    values: Mapping[str, Any]
    personal: frozenset[str]

    def plain(self) -> dict[str, Any]:
        """Without what stands in personal fields: those only show that there is something."""
        return {
            name: bool(value) if name in self.personal else value
            for name, value in self.values.items()
        }

    def quote(self) -> str | None:
        """What the person wrote, for the thread: shown there as literal text."""
        parts = [str(self.values[field.id]) for field in self._written()]
        return "\n".join(parts) or None

    def _written(self) -> list[FormField]:
        return [one for one in self.form.fields if one.personal and self.values.get(one.id)]


@dataclass(frozen=True)
class Text:
    """One typed text that passed."""

    plain: str

    @property
    def personal(self) -> Personal:
        return Personal(self.plain)


def check(
    session: Session | None,
    house: House,
    form: Form,
    values: Mapping[str, Any],
    change: Change | None = None,
    *,
    known: tuple[str, ...] = (),
) -> Checked | Outcome:
    """The checked form, or the refusal of its first wrong field (`field_id` names it)."""
    kept: dict[str, Any] = {}
    scope = change.scope if change is not None else {}
    for field in form.fields:
        value = values.get(field.id)
        if value is None or value == "" or value is False:
            if field.required:
                return _wrong("field_required", field, scope)
            continue
        found = _value(house, field, value, scope, known)
        if isinstance(found, Outcome):
            return found
        kept[field.id] = found
    return Checked(form, kept, frozenset(one.id for one in form.fields if one.personal))


def _wrong(code: str, field: FormField, scope: Mapping[str, Any], **params: Any) -> Outcome:
    return Outcome.refused(code, field=field.label, field_id=field.id, scope=scope, **params)


def _value(
    house: House,
    field: FormField,
    value: object,
    scope: Mapping[str, Any],
    known: tuple[str, ...],
) -> Any:
    match field.kind:
        case "text" | "lines":
            return _text(field, str(value), scope, known)
        case "number":
            return _number(field, str(value), scope)
        case "money":
            return _money(house, field, value, scope)
        case "date":
            return _day(field, str(value), scope)
        case "datetime":
            return _moment(field, value, scope)
        case "select":
            if str(value) not in {option.id for option in field.options}:
                return _wrong("field_required", field, scope)
            return str(value)
        case "tick":
            return True
        case _:
            return str(value)


def _text(
    field: FormField, value: str, scope: Mapping[str, Any], known: tuple[str, ...]
) -> str | Outcome:
    text = value.strip()
    maximum = min(field.maximum or TEXT_MAXIMUM, TEXT_MAXIMUM)
    if not text and field.required:
        return _wrong("field_required", field, scope)
    if len(text) > maximum:
        return _wrong("too_long", field, scope, length=len(text), maximum=maximum)
    found = privacy.screen(text, known=known)
    if found:
        return _wrong("personal_data", field, scope, kind=found[0].kind)
    return text


def _number(field: FormField, value: str, scope: Mapping[str, Any]) -> int | Outcome:
    try:
        number = int(value.strip().replace(",", "") if "," in value else value.strip())
    except ValueError:
        return _wrong("number_wrong", field, scope, typed=value[:40])
    if field.minimum is not None and number < field.minimum:
        return _wrong("too_small", field, scope, minimum=field.minimum)
    if field.maximum is not None and number > field.maximum:
        return _wrong("too_large", field, scope, maximum=field.maximum)
    return number


def _money(
    house: House, field: FormField, value: object, scope: Mapping[str, Any]
) -> dict[str, Any] | Outcome:
    if isinstance(value, Mapping):
        return Money.from_json(dict(value)).as_json()
    try:
        amount = Money.parse(str(value), house.currency)
    except ValueError:
        return _wrong("amount_wrong", field, scope, typed=str(value)[:40])
    if amount.minor <= 0 and (field.minimum is None or field.minimum > 0):
        return _wrong("too_small", field, scope, minimum=field.minimum or 1)
    if field.maximum is not None and amount.minor > field.maximum:
        return _wrong("too_large", field, scope, maximum=field.maximum)
    return amount.as_json()


def _day(field: FormField, value: str, scope: Mapping[str, Any]) -> str | Outcome:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return _wrong("field_required", field, scope)


def _moment(field: FormField, value: object, scope: Mapping[str, Any]) -> str | Outcome:
    try:
        if isinstance(value, int | float) or str(value).isdigit():
            return datetime.fromtimestamp(float(str(value)), UTC).isoformat()
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return _wrong("field_required", field, scope)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()


def free_text(
    change: Change | None,
    value: object,
    field_id: str,
    *,
    maximum: int = TEXT_MAXIMUM,
    required: bool = True,
    known: tuple[str, ...] = (),
) -> Text | Outcome:
    """A text outside the plan's forms (a reason, a note): the same rules."""
    text = str(value or "").strip()
    if not text and required:
        return Outcome.refused("field_required", field=field_id, field_id=field_id)
    if len(text) > maximum:
        return Outcome.refused(
            "too_long", field=field_id, field_id=field_id, length=len(text), maximum=maximum
        )
    found = privacy.screen(text, known=known)
    if found:
        return Outcome.refused(
            "personal_data", field=field_id, field_id=field_id, kind=found[0].kind
        )
    return Text(text)


def remember_due(change: Change, place: Place, checked: Checked) -> None:
    """A vendor's word on when: when it has passed and nothing has recovered, the owner is asked."""
    if place.plan.kind != "vendor_contact":
        return
    for field in checked.form.fields:
        value = checked.values.get(field.id)
        if field.kind == "datetime" and value:
            due = datetime.fromisoformat(str(value))
            if due > change.now:
                timer(change, "answer_due", due, step=place.plan.id)


__all__ = ["Checked", "Text", "check", "free_text", "remember_due", "scopes"]
