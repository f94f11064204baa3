"""Compiled query: a shop's own SQL for each engine, what it binds and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlglot import exp

from checks.queries.entity import Type
from checks.queries.entity_mapping import FieldMapping

DIALECT = "postgres"  # in which a query is written
_ENGINES = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql"}


class QueryError(ValueError):
    """The query cannot be read, or asks for what there is not: one sentence."""


@dataclass(frozen=True)
class Output:
    """A column of the answer, and how what stands in it is read."""

    name: str
    type: Type | None = None
    mapping: FieldMapping | None = None


@dataclass(frozen=True)
class Bind:
    """What is bound: a value, or a parameter, a moment in the form of a column."""

    value: Any = None
    parameter: str | None = None
    form: FieldMapping | None = None

    def of(self, given: Mapping[str, Any]) -> Any:
        if self.parameter is None:
            return self.value
        found = given[self.parameter]
        return self.form.bound(found) if self.form and isinstance(found, datetime) else found


@dataclass
class Query:
    """A query that is ready for each engine. `needs`: the entities that it asks of."""

    tree: exp.Select
    outputs: tuple[Output, ...]
    binds: Mapping[str, Bind]
    needs: tuple[str, ...]
    words: tuple[tuple[str, str], ...] = ()  # the fields of words that it asks of: entity, field
    _texts: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(one.parameter for one in self.binds.values() if one.parameter)

    def has(self, name: str) -> bool:
        return any(one.name == name for one in self.outputs)

    def sql(self, engine: str) -> str:
        """In the words of the engine (SQLAlchemy's name of it). Raises QueryError for another."""
        if engine not in _ENGINES:
            raise QueryError(f"no query is written for {engine}; there are {', '.join(_ENGINES)}")
        if engine not in self._texts:
            self._texts[engine] = self.tree.sql(_ENGINES[engine], identify=True)
        return self._texts[engine]

    def bound(self, given: Mapping[str, Any], engine: str) -> dict[str, Any]:
        """The values to bind. Raises KeyError for a parameter that is not given."""
        return {name: _held(bind.of(given), engine) for name, bind in self.binds.items()}


def quoted(name: str, engine: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql(_ENGINES[engine]))


def _held(value: Any, engine: str) -> Any:
    """SQLite knows no times: they stand there as the text that SQLAlchemy writes."""
    if engine == "sqlite" and isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value
