"""Forms: filling in a modal as a person does, by the fields' ids, in the form that Slack sends."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_GROUP = "cases."  # block ids of the groups of cases to choose from


def state_values(view: Json, answers: Json) -> Json:
    """The `values` of a submission. KeyError names an answer for which the view has no field."""
    values: Json = {}
    used: set[str] = set()
    for block in view.get("blocks", []):
        if block.get("type") != "input":
            continue
        element = block["element"]
        if str(block["block_id"]).startswith(_GROUP) and "cases" in answers:
            used.add("cases")
            values[block["block_id"]] = {
                element["action_id"]: _chosen(block["block_id"], element, answers["cases"])
            }
            continue
        name = _answer_for(block, element, answers)
        if name is None:
            continue
        used.add(name)
        values.setdefault(block["block_id"], {})[element["action_id"]] = _value(
            element, answers[name]
        )
    missing = set(answers) - used
    if missing:
        known = [b.get("block_id") for b in view.get("blocks", []) if b.get("type") == "input"]
        raise KeyError(f"the form has no field for {sorted(missing)}; it has {known}")
    return values


def _chosen(group: str, element: Json, answer: Any) -> Json:
    """The cases ticked in one group of ten: `all`, or their places in the whole list from 0."""
    first = int(group.removeprefix(_GROUP)) * 10
    options = element["options"]
    picked = [
        option
        for place, option in enumerate(options, first)
        if answer == "all" or place in answer or option["value"] in answer
    ]
    return {"type": element["type"], "selected_options": picked}


def _answer_for(block: Json, element: Json, answers: Json) -> str | None:
    for name in answers:
        if name in (block.get("block_id"), element.get("action_id")):
            return str(name)
        if str(block.get("block_id", "")).endswith(f".{name}"):
            return str(name)
    return None


def _value(element: Json, answer: Any) -> Json:
    kind = element["type"]
    if kind in ("static_select", "radio_buttons", "external_select"):
        return {"type": kind, "selected_option": _option(element, answer)}
    if kind in ("checkboxes", "multi_static_select"):
        chosen = answer if isinstance(answer, list) else [answer]
        return {"type": kind, "selected_options": [_option(element, one) for one in chosen]}
    if kind == "users_select":
        return {"type": kind, "selected_user": answer}
    if kind == "datepicker":
        return {"type": kind, "selected_date": answer}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": int(answer)}
    if kind == "timepicker":
        return {"type": kind, "selected_time": answer}
    return {"type": kind, "value": str(answer)}


def _option(element: Json, answer: Any) -> Json:
    options = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options.extend(group["options"])
    for option in options:
        if answer in (option["value"], option["text"]["text"]):
            return dict(option)
    raise KeyError(f"no option “{answer}” among {[o['value'] for o in options]}")
