"""Unread values of a field: conditions for rows that hold nothing there, or nothing that is read.

A database compares what is no time or amount all the same, and each in a way of its own. So what
can be read is asked in the form in which the mapping says that it is written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, not_, or_

from checks.queries.entity import entities
from checks.shop.logical_table import LogicalTable

_FIRST = datetime(1971, 1, 2, tzinfo=UTC)  # what lies before it is what shops write for no time
_LAST = datetime(9000, 1, 1, tzinfo=UTC)
_DAY = "____-__-__%"  # as every text begins that is read as a time
_LETTER = "A"  # behind every digit, in whatever order a database sorts
_NUMBERS = ("money", "integer")
_WRITTEN = ("iso", "iso_z", "sql")  # forms in which a time is a text


def unread(table: LogicalTable, name: str, engine: str) -> ColumnElement[bool]:
    """The rows in which the field holds nothing, or what is none of its type."""
    own, mapped = table.col(name), table.field(name)
    kind = entities()[table.entity].fields[name].type
    asked: list[Any] = [own.is_(None)]
    if kind == "instant":
        asked += _no_times(table, name, engine)
    elif kind in _NUMBERS and engine == "sqlite":  # any column holds a text there
        asked.append(func.typeof(own).in_(("text", "blob")))
    elif mapped.empty:
        asked.append(own == "")
    return or_(*asked)


def _no_times(table: LogicalTable, name: str, engine: str) -> list[Any]:
    own, mapped = table.col(name), table.field(name)
    held = table.types.of(str(table.mapping.table), str(mapped.column))
    if mapped.form in ("epoch", "epoch_ms"):
        return [own < mapped.bound(_FIRST), own > mapped.bound(_LAST)]
    if mapped.form in _WRITTEN or engine == "sqlite":
        text = own if isinstance(held, String) else _as_text(own, engine)
        month, day = func.substr(text, 6, 2), func.substr(text, 9, 2)
        return [
            text < f"{_FIRST:%Y}",
            text >= _LETTER,
            not_(text.like(_DAY)),
            not_(month.between("01", "12")),
            not_(day.between("01", "31")),
        ]
    return [own < table.bind_time(_FIRST, name)]


def _as_text(own: Any, engine: str) -> Any:
    """A value of whatever type, as it is written."""
    return cast(own, String) if engine in ("sqlite", "postgresql") else func.concat(own, "")
