"""Old mapping: the form that `shop.mapping` had, told in the form that it has now.

The old one had one unit and one form of times for a whole table, and its own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from checks.queries.entity import entities

_ENTITIES = {"history": "state_changes"}
_FIELDS: Mapping[str, str] = {
    "id": "key",
    "order": "order_key",
    "status": "state",
    "status_since": "state_since",
    "from_status": "from_state",
    "to_status": "to_state",
}
_OWN = {("orders", "created_at"): "placed_at"}


def is_old(mapping: object) -> bool:
    """Whether it is written in the form of before."""
    return isinstance(mapping, Mapping) and any(
        isinstance(table, Mapping) and "columns" in table for table in mapping.values()
    )


def told_anew(mapping: Mapping[str, Any]) -> str:
    """The sentence that refuses it, with the mapping as it is written now."""
    shown = yaml.safe_dump(
        {"mapping": new_form(mapping)}, allow_unicode=True, sort_keys=False, width=100
    )
    return (
        "shop.mapping is written in the form of before, with tables and columns. "
        f"In its place stands:\n{shown}"
    )


def new_form(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The same mapping, by entity and field."""
    return {
        _ENTITIES.get(name, name): _entity(_ENTITIES.get(name, name), table)
        for name, table in mapping.items()
        if isinstance(table, Mapping)
    }


def _entity(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    known = entities()[name].fields if name in entities() else {}
    once = {
        "unit": ("money", table.get("amounts", "minor")),
        "form": ("instant", table.get("times", "native")),
        "zone": ("instant", table.get("zone")),
    }
    columns = {
        _OWN.get((name, ours)) or _FIELDS.get(ours, ours): column
        for ours, column in dict(table.get("columns", {})).items()
    }
    held = {known[field].type for field in columns if field in known}
    made: dict[str, Any] = {"from": table.get("table")}
    made |= {key: value for key, (kind, value) in once.items() if kind in held and value}
    if table.get("currency"):
        made["currency"] = table["currency"]
    made["fields"] = {
        field: _field(known.get(field), column, table) for field, column in columns.items()
    }
    return made


def _field(kind: Any, column: str, table: Mapping[str, Any]) -> Any:
    if kind is None or kind.type != "word":
        languages = table.get("languages") if kind is not None and kind.words else None
        return {"column": column, "words": dict(languages)} if languages else column
    given = dict(table.get("statuses", {}))
    words = {word: them for word, them in given.items() if word in kind.words}
    own = {word: them for word, them in given.items() if word not in kind.words}
    made = {
        "column": column,
        **({"words": words} if words else {}),
        **({"own": own} if own else {}),
    }
    return made if len(made) > 1 else column
