"""state.values: what an element holds, and what Slack's client checks before it sends a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sandbox.slack import limits
from sandbox.slack.blocks.objects import offered
from sandbox.slack.blocks.walk import each_element
from sandbox.slack.errors import Json, Refused


class Holding(NamedTuple):
    """Where an element's value stands: in state.values, and in the element as its first value."""

    field: str
    initial: str | None
    many: bool = False


HOLDINGS: Final[Mapping[str, Holding]] = {
    "plain_text_input": Holding("value", "initial_value"),
    "email_text_input": Holding("value", "initial_value"),
    "url_text_input": Holding("value", "initial_value"),
    "number_input": Holding("value", "initial_value"),
    "rich_text_input": Holding("rich_text_value", "initial_value"),
    "file_input": Holding("files", None, many=True),
    "datepicker": Holding("selected_date", "initial_date"),
    "timepicker": Holding("selected_time", "initial_time"),
    "datetimepicker": Holding("selected_date_time", "initial_date_time"),
    "radio_buttons": Holding("selected_option", "initial_option"),
    "checkboxes": Holding("selected_options", "initial_options", many=True),
    "static_select": Holding("selected_option", "initial_option"),
    "external_select": Holding("selected_option", "initial_option"),
    "users_select": Holding("selected_user", "initial_user"),
    "conversations_select": Holding("selected_conversation", "initial_conversation"),
    "channels_select": Holding("selected_channel", "initial_channel"),
    "multi_static_select": Holding("selected_options", "initial_options", many=True),
    "multi_external_select": Holding("selected_options", "initial_options", many=True),
    "multi_users_select": Holding("selected_users", "initial_users", many=True),
    "multi_conversations_select": Holding(
        "selected_conversations", "initial_conversations", many=True
    ),
    "multi_channels_select": Holding("selected_channels", "initial_channels", many=True),
}
Values = dict[str, dict[str, Json]]

REQUIRED: Final = "Please complete this required field."


def initial_values(blocks: Sequence[Json], kept: Values | None = None) -> Values:
    """The values of all elements that hold one. A value from before stays where the element of
    the same block_id, action_id and type is still there (Slack: views.update)."""
    values: Values = {}
    for block, element in each_element(blocks):
        holding = HOLDINGS.get(element["type"])
        if holding is None:
            continue
        before = (kept or {}).get(block["block_id"], {}).get(element["action_id"])
        if before is not None and before.get("type") == element["type"]:
            value = before
        else:
            first = element.get(holding.initial) if holding.initial else None
            value = {
                "type": element["type"],
                holding.field: first if first is not None else [] if holding.many else None,
            }
        values.setdefault(block["block_id"], {})[element["action_id"]] = value
    return values


def copied(values: Values) -> Values:
    """For a payload: what a person chooses later must not change it."""
    return {block_id: dict(actions) for block_id, actions in values.items()}


def fill_in(values: Values, blocks: Sequence[Json], given: Any) -> None:
    """Takes over what a person entered. Raises `bad_values` for a field that is not there."""
    if not isinstance(given, dict) or not all(
        isinstance(actions, dict) and all(isinstance(v, dict) for v in actions.values())
        for actions in given.values()
    ):
        raise Refused("bad_values", messages=["values must be {block_id: {action_id: {…}}}"])
    elements = {
        (b["block_id"], e["action_id"]): e for b, e in each_element(blocks) if e["type"] in HOLDINGS
    }
    for block_id, actions in given.items():
        for action_id, value in actions.items():
            element = elements.get((block_id, action_id))
            if element is None:
                raise Refused("bad_values", messages=[f"no field {block_id}/{action_id}"])
            values[block_id][action_id] = state_value(element, value)


def state_value(element: Json, value: Json) -> Json:
    """A value as it stands in state.values. Raises `bad_values` when it does not fit."""
    holding = HOLDINGS[element["type"]]
    where = element.get("action_id")
    if value.get("type", element["type"]) != element["type"] or holding.field not in value:
        raise Refused("bad_values", messages=[f"{where}: {element['type']} needs {holding.field}"])
    held = value[holding.field]
    chosen = held if holding.many else [held]
    if not isinstance(chosen, list):
        raise Refused("bad_values", messages=[f"{where}: {holding.field} must be an array"])
    options = offered(element)
    if options:
        held = [_offered(option, options, where) for option in chosen if option is not None]
        if not holding.many:
            held = held[0] if held else None
    if holding.field == "value" and held == "":
        held = None
    return {"type": element["type"], holding.field: held}


def _offered(choice: Any, options: Sequence[Json], where: str | None) -> Json:
    wanted = choice.get("value") if isinstance(choice, dict) else choice
    for option in options:
        if option["value"] == wanted:
            return option
    raise Refused("bad_values", messages=[f"{where}: {wanted!r} is not offered"])


def errors_before_sending(blocks: Iterable[Json], values: Values) -> dict[str, str]:
    """What Slack's client shows beside the fields instead of sending: block_id → sentence."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        holding = HOLDINGS[element["type"]]
        held = values[block["block_id"]][element["action_id"]].get(holding.field)
        if held is None or held == [] or (isinstance(held, str) and not held.strip()):
            if not block.get("optional"):
                errors[block["block_id"]] = REQUIRED
            continue
        check = _CHECKS.get(element["type"])
        problem = check(element, held) if check else _count(element, held)
        if problem:
            errors[block["block_id"]] = problem
    return errors


def _text(element: Json, held: str) -> str | None:
    least = element.get("min_length", 0)
    most = element.get("max_length", limits.PLAIN_TEXT_INPUT)
    if len(held) < least:
        return f"This field must be at least {least} characters long."
    if len(held) > most:
        return f"This field must be at most {most} characters long."
    return None


_WHOLE, _DECIMAL = re.compile(r"-?\d+"), re.compile(r"-?(\d+\.?\d*|\.\d+)")


def _number(element: Json, held: str) -> str | None:
    decimals = element["is_decimal_allowed"]
    if not (_DECIMAL if decimals else _WHOLE).fullmatch(str(held)):
        return "Please enter a valid number." if decimals else "Please enter a whole number."
    if "min_value" in element and float(held) < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and float(held) > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None


def _matches(pattern: str, words: str) -> Callable[[Json, Any], str | None]:
    compiled = re.compile(pattern)
    return lambda element, held: None if compiled.fullmatch(str(held)) else words


def _count(element: Json, held: Any) -> str | None:
    most = element.get("max_selected_items") or element.get("max_files")
    if most is not None and isinstance(held, list) and len(held) > most:
        return f"Please choose at most {most}."
    return None


_CHECKS: Final[Mapping[str, Callable[[Json, Any], str | None]]] = {
    "plain_text_input": _text,
    "number_input": _number,
    "email_text_input": _matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "Please enter a valid email."),
    "url_text_input": _matches(r"https?://\S+", "Please enter a valid URL."),
    "datepicker": _matches(r"\d{4}-\d{2}-\d{2}", "Please enter a valid date."),
    "timepicker": _matches(r"\d{2}:\d{2}", "Please enter a valid time."),
    "datetimepicker": _matches(r"\d{10}", "Please enter a valid date and time."),
}
