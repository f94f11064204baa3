"""Renaming of every table and column of a shop that is there, whatever made it.

The names are drawn by a seed and say nothing (`t17`, `c203`); keys, types and rows stay.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, text

_PLACE = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Renamed:
    """What each table and column is called now."""

    tables: dict[str, str]
    columns: dict[str, dict[str, str]]

    def called(self, given: Any) -> Any:
        """The same with `{table}` and `{table.column}` in its texts replaced by what it is now."""
        if isinstance(given, dict):
            return {self.called(key): self.called(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.called(one) for one in given]
        if isinstance(given, str):
            return _PLACE.sub(self._one, given)
        return given

    def _one(self, found: re.Match[str]) -> str:
        table, column = found.groups()
        return self.columns[table][column] if column else self.tables[table]


def renamed(url: str, seed: int) -> Renamed:
    """Renames all of it in place."""
    engine = create_engine(url)
    try:
        names = _drawn(engine, random.Random(seed))
        for statement in _statements(engine, names):
            with engine.begin() as connection:
                connection.execute(text(statement.replace(":", r"\:")))
    finally:
        engine.dispose()
    return names


def _drawn(engine: Engine, rng: random.Random) -> Renamed:
    found = inspect(engine)
    tables = sorted(found.get_table_names())
    numbers = rng.sample(range(1, 10 * len(tables)), len(tables))
    called = {table: f"t{number}" for table, number in zip(tables, numbers, strict=True)}
    columns = {}
    for table in tables:
        own = [str(one["name"]) for one in found.get_columns(table)]
        picked = rng.sample(range(1, 1000), len(own))
        columns[table] = {name: f"c{number}" for name, number in zip(own, picked, strict=True)}
    return Renamed(called, columns)


def _statements(engine: Engine, names: Renamed) -> list[str]:
    quote = engine.dialect.identifier_preparer.quote
    made = []
    for table, columns in names.columns.items():
        made += [
            f"alter table {quote(table)} rename column {quote(name)} to {new}"
            for name, new in columns.items()
        ]
    return made + [f"alter table {quote(old)} rename to {new}" for old, new in names.tables.items()]
