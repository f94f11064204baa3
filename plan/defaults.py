"""Defaults of what a section need not write: `plan/data/defaults.yaml`, put in when it is read.

For a type, a step, a form, a confirmation and, by its kind, an action. A default may name what
stands beside it: `[[.title]]` is the title of the same step in the same language,
`[[section.title]]` that of its section. The lines of the lock screen get their frame here:
severity, who has it and the incident's number are said in the same way for every type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from plan.languages import LANGUAGES, row
from plan.phrases import is_text

Json = dict[str, Any]
_BESIDE = re.compile(r"\[\[(section)?\.([a-z_]+)\]\]")
_FRAMED = ("ring", "ring_mitigated")
_WHOLE = "incident.reference"  # a line that says its own number is a whole one, without a frame
_JOINED = (",", ";", "，", "；")  # it goes on by itself into who has it


def over(given: Mapping[str, Any], others: Mapping[str, Any]) -> Json:
    """These defaults over the others, mapping by mapping; a text is taken whole."""
    made = dict(others)
    for key, value in given.items():
        before = made.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and not is_text(value):
            made[key] = over(value, before)
        else:
            made[key] = value
    return made


def section(data: Any, defaults: Mapping[str, Any]) -> Any:
    """The section with what it left out."""
    if not isinstance(data, dict):
        return data
    made = _with(data, defaults.get("section"), data)
    if data.get("handling") == "watch" and "steps" not in data:
        made["steps"] = _watching(made, defaults.get("watch"))
    for key, fill in (("types", _type), ("steps", _step)):
        if isinstance(made.get(key), list):  # what is no list is told when it is checked
            made[key] = [fill(one, defaults, made) for one in made[key]]
    return made


def _watching(section: Json, step: Any) -> list[Json]:
    """The one step of a section that is watched, for whoever is rung for it."""
    types = section.get("types")
    first = types[0] if isinstance(types, list) and types and isinstance(types[0], dict) else {}
    role = {"role": first["role"]} if "role" in first else {}
    named = _named(step or {}, {"section": section})
    return [{"id": f"{section.get('id')}.s0", **named, **role}]


def action(data: Any, defaults: Mapping[str, Any]) -> Any:
    """The action with what it left out; what is left out depends on its kind."""
    if not isinstance(data, dict):
        return data
    made = dict(data)
    until = made.pop("until", None)
    if "doing" in made:
        frame = "action_doing" if until is None else "action_doing_until"
        made = _with(made, defaults.get(frame), {**made, "until": until})
    if "message" in made:
        made = _with(made, defaults.get("action_with_notice"), made)
    made = _with(made, (defaults.get("actions") or {}).get(data.get("kind")), data)
    for name, key in (("form", "form"), ("confirm", "confirm")):
        if isinstance(made.get(key), dict):
            made[key] = _with(made[key], defaults.get(name), made)
    return made


def notice(data: Any, defaults: Mapping[str, Any]) -> Any:
    """The message to customers with what it left out."""
    return _with(data, defaults.get("notice"), data) if isinstance(data, dict) else data


def _type(data: Any, defaults: Mapping[str, Any], above: Json) -> Any:
    if not isinstance(data, dict):
        return data
    titled = {"title": above.get("title"), **data}
    made = _with(titled, defaults.get("type"), {**titled, "section": above})
    if isinstance(made.get("declare"), dict):
        made["declare"] = _with(made["declare"], defaults.get("form"), made)
    for name in _FRAMED:
        made[name] = _framed(made.get(name), (defaults.get("frames") or {}).get(name))
    return made


def _step(data: Any, defaults: Mapping[str, Any], above: Json) -> Any:
    if not isinstance(data, dict):
        return data
    made = {"section": str(data.get("id", "")).rpartition(".s")[0], **data}
    made = _with(made, defaults.get("step"), {**made, "section": above})
    if not data.get("done_by_opening"):
        made = _with(made, defaults.get("step_with_form" if "form" in data else "step_alone"), made)
    if isinstance(made.get("form"), dict):
        made["form"] = _with(made["form"], defaults.get("form"), made)
    return made


def _with(data: Json, defaults: Any, beside: Mapping[str, Any]) -> Json:
    """The data over these defaults, mapping by mapping; a text is taken whole."""
    made = dict(data)
    for key, default in (defaults or {}).items():
        if key not in made or made[key] is None:
            made[key] = _named(default, beside)
        elif isinstance(made[key], dict) and isinstance(default, dict) and not is_text(default):
            made[key] = _with(made[key], default, beside)
    return made


def _named(default: Any, beside: Mapping[str, Any], language: str | None = None) -> Any:
    """The default with what it names beside it."""
    if isinstance(default, dict):
        return {
            key: _named(value, beside, key if key in LANGUAGES else language)
            for key, value in default.items()
        }
    if isinstance(default, list):
        return [_named(value, beside, language) for value in default]
    if not isinstance(default, str):
        return default

    def put(found: re.Match[str]) -> str:
        holder = beside.get("section") if found.group(1) else beside
        words = holder.get(found.group(2)) if isinstance(holder, Mapping) else None
        return str(words.get(language, "")) if isinstance(words, Mapping) and language else ""

    return _BESIDE.sub(put, default)


def _framed(words: Any, frame: Any) -> Any:
    """The line of the lock screen: the frame around what the type says."""
    if not is_text(words) or not is_text(frame) or any(_WHOLE in words[one] for one in words):
        return words
    return {
        language: frame[language]
        .replace("[[line,]]", _joined(words[language], language))
        .replace("[[line]]", words[language])
        for language in LANGUAGES
    }


def _joined(text: str, language: str) -> str:
    """The line, ready to go on."""
    return text if text.endswith(_JOINED) else text + row(language).comma.rstrip()
