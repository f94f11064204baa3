"""Payload codec: parameters of an answer as JSON and back, people, times and the plan's words keep
their kind.

A row of the work table holds JSON; the template needs the objects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from incidents.views import ButtonView, CardView, ListItem, NextView, PersonView
from plan.model import CardWords, Confirm, Form, Model, Words
from storage.types import Personal

_TAG = "__kind__"
_MODELS: dict[str, type[Model]] = {m.__name__: m for m in (Words, Confirm, Form, CardWords)}
_VIEWS: dict[str, type[Any]] = {
    v.__name__: v for v in (PersonView, ButtonView, NextView, ListItem, CardView)
}


def pack(value: Any) -> Any:
    """JSON of the value. TypeError for what has no form in it: a bug, not data."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Personal):
        return str(value)  # masks itself (rule 9): a work item's payload is not encrypted
    if isinstance(value, datetime):
        return {_TAG: "time", "at": value.isoformat()}
    if isinstance(value, Model):
        return {_TAG: type(value).__name__, "data": value.model_dump(mode="json", by_alias=True)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if name not in _VIEWS:
            raise TypeError(f"{name} cannot stand in an answer")
        fields = {f.name: pack(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_TAG: name, "data": fields}
    if isinstance(value, Mapping):
        return {str(key): pack(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [pack(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot stand in an answer")


def unpack(value: Any) -> Any:
    """The objects again."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TAG)
    if kind is None:
        return {key: unpack(item) for key, item in value.items()}
    if kind == "time":
        return datetime.fromisoformat(value["at"])
    if kind in _MODELS:
        return _MODELS[kind].model_validate(value["data"])
    return _VIEWS[kind](**{key: unpack(item) for key, item in value["data"].items()})
