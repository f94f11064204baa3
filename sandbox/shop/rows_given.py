"""Rows that a tester or a fault of data alone writes into the shop's tables.

A drill of a shop's own section has no fault of ours to switch on: it writes what its check finds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from sandbox.shop.clock import stamp
from sandbox.shop.problems import Problem
from sandbox.shop.store import get, put
from sandbox.shop.verbs import insert

__all__ = ["MOST", "plant", "take_away", "write"]

MOST = 5_000  # rows in one request
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)


def write(c: sqlite3.Connection, tables: Mapping[str, Any]) -> dict[str, list[int]]:
    """Rows by table, as they are given; the numbers that they got. Raises Problem 422."""
    found: dict[str, list[int]] = {}
    for table, given in tables.items():
        if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
            raise Problem(
                422, "invalid_field", f"“{table[:40]}” is not valid: give a list of rows."
            )
        if len(given) > MOST:
            raise Problem(422, "invalid_field", f"“{table[:40]}” has more than {MOST} rows.")
        found[table] = [insert(c, table, row) for row in given]
    return found


def plant(
    c: sqlite3.Connection, kind: str, rows: Iterable[Mapping[str, Any]], scope: Mapping[str, Any]
) -> int:
    """The rows of a fault: a column is an expression over what was set, `index`, `ago(hours=1)`."""
    now: datetime = scope["now"]
    kept: dict[str, list[int]] = get(c, f"planted.{kind}", {})
    made = 0
    for one in rows:
        for index in range(int(_value(one.get("times", "1"), scope))):
            seen = {**scope, "index": index, "now": stamp(now), "ago": _ago(now)}
            row = {name: _value(str(at), seen) for name, at in one["row"].items()}
            kept.setdefault(one["table"], []).append(insert(c, one["table"], row))
            made += 1
    put(c, f"planted.{kind}", kept)
    return made


def take_away(c: sqlite3.Connection, kind: str) -> None:
    """What the fault wrote is there no more."""
    kept: dict[str, list[int]] = get(c, f"planted.{kind}", {})
    for table, numbers in kept.items():
        for number in numbers:
            c.execute(f"DELETE FROM {table} WHERE rowid = ?", (number,))  # noqa: S608 - our own name
    put(c, f"planted.{kind}", {})


def _ago(now: datetime) -> Any:
    return lambda **ago: stamp(now - timedelta(**ago))


def _value(source: str, scope: Mapping[str, Any]) -> Any:
    try:
        return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)(**scope)
    except TemplateError as error:
        raise Problem(500, "fault", f"“{source}” of a fault cannot be read: {error}.") from None
