"""Settings errors: turns what pydantic says about a configuration into one sentence a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_REMEDIES = {
    "missing": "is missing; add it",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of names to values",
    "model_attributes_type": "must be a mapping of names to values",
    "too_short": "must not be empty",
    "union_tag_not_found": "lacks “kind”; say which kind of check it is",
}


class SettingsError(Exception):
    """Mistakes in the configuration, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def sentences(error: ValidationError, model: type[BaseModel], source: str) -> list[str]:
    """One sentence for each mistake: the place, what is wrong, what to do."""
    return [_sentence(dict(item), model, source) for item in error.errors()]


def _sentence(item: dict[str, Any], model: type[BaseModel], source: str) -> str:
    location: tuple[Any, ...] = tuple(item["loc"])
    kind = item["type"]
    place = _place(location)
    if kind == "extra_forbidden":
        known = _keys(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        advice = f"did you mean “{near[0]}”?" if near else f"known are {', '.join(sorted(known))}."
        if not known and not near:
            advice = "remove it."
        return f"{source}: {place} is not a key here; {advice}"
    if kind in _REMEDIES:
        return f"{source}: {place} {_REMEDIES[kind]}."
    if kind == "union_tag_invalid":
        context = item.get("ctx", {})
        return (
            f"{source}: {place}.kind “{context.get('tag')}” is not known; "
            f"use one of {context.get('expected_tags')}."
        )
    if kind == "literal_error":
        return f"{source}: {place} is {_shown(item)}; use {item['ctx']['expected']}."
    if kind == "value_error":
        return f"{source}: {place}: {item['ctx']['error']}."
    if kind == "string_pattern_mismatch":
        return (
            f"{source}: {place} is {_shown(item)}, which has not the right form "
            f"({item['ctx']['pattern']}); correct it."
        )
    return f"{source}: {place} is {_shown(item)}; {_lower(item['msg'])}."


def _shown(item: dict[str, Any]) -> str:
    value = item.get("input")
    return f"“{value}”" if isinstance(value, str | int | float) else "of the wrong form"


def _lower(message: str) -> str:
    return message.replace("Input should", "it should").rstrip(".")


def _place(location: Iterable[Any]) -> str:
    text = ""
    for part in location:
        if str(part).startswith("~"):  # which of several forms was tried
            continue
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if text else str(part)
    return text or "the file"


def _keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that are known at a place, by walking the models."""
    current: list[type[BaseModel]] = [model]
    for part in location:
        following: list[type[BaseModel]] = []
        for candidate in current:
            if isinstance(part, int):
                following.append(candidate)
                continue
            field = next(
                (f for name, f in candidate.model_fields.items() if part in (name, f.alias)),
                None,
            )
            if field is not None:
                following.extend(_models(field.annotation))
            else:
                # a name the user chose (channels.NAME) or the tag of a union (http_probe)
                following.append(candidate)
        current = _by_tag(following, location) or following
    return sorted(
        {f.alias or name for candidate in current for name, f in candidate.model_fields.items()}
    )


def _by_tag(models: list[type[BaseModel]], location: tuple[Any, ...]) -> list[type[BaseModel]]:
    return [
        m
        for m in models
        if "kind" in m.model_fields
        and any(tag in location for tag in get_args(m.model_fields["kind"].annotation))
    ]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in get_args(annotation) for m in _models(arg)]
