"""Compiled query: a shop's own SQL for each engine, what it binds and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checks.queries.entity import Type
from checks.queries.entity_mapping import FieldMapping
from checks.queries.looked_rows import LookedRows
from checks.queries.reach import Reach
from checks.shop.clickhouse_types import CLICKHOUSE

DIALECT = "postgres"  # in which a query is written
ENGINES = {
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
    CLICKHOUSE: "clickhouse",
}


class QueryError(ValueError):
    """The query cannot be read, or asks for what there is not: one sentence."""


class NotMapped(QueryError):
    """The query asks for what this shop does not map: right, but not here."""


class Refused(QueryError):
    """The query is right, and this engine cannot be asked so."""


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
        if not isinstance(found, datetime):
            return found
        if self.form is None:  # in no column's form it would be held against another clock
            raise QueryError(f":{self.parameter} is a time: compare it with a field that is one")
        return self.form.bound(found)


@dataclass(frozen=True)
class Query:
    """A query that is ready for each engine. `needs`: the entities that it asks of."""

    texts: Mapping[str, str]  # by SQLAlchemy's name of the engine
    outputs: tuple[Output, ...]
    binds: Mapping[str, Bind]
    needs: tuple[str, ...]
    words: tuple[tuple[str, str], ...] = ()  # the fields of words that it asks of: entity, field
    reach: Reach | None = None  # None: what changed does not tell what it finds
    refused: Mapping[str, str] = field(default_factory=dict)  # by engine, why it cannot be asked
    looked: tuple[LookedRows, ...] = ()  # what it goes over; of the first table first

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(one.parameter for one in self.binds.values() if one.parameter)

    @property
    def without_form(self) -> frozenset[str]:
        """Parameters that are held against no field that is a time."""
        loose = (one for one in self.binds.values() if one.form is None)
        return frozenset(one.parameter for one in loose if one.parameter)

    def has(self, name: str) -> bool:
        return any(one.name == name for one in self.outputs)

    def sql(self, engine: str) -> str:
        """In the words of the engine (SQLAlchemy's name of it). Raises QueryError for another."""
        if engine in self.refused:
            raise Refused(self.refused[engine])
        if engine not in self.texts:
            raise QueryError(f"no query is written for {engine}; there are {', '.join(ENGINES)}")
        return self.texts[engine]

    def bound(self, given: Mapping[str, Any], engine: str) -> dict[str, Any]:
        """The values to bind. Raises KeyError for a parameter that is not given."""
        return {name: _held(bind.of(given), engine) for name, bind in self.binds.items()}


def quoted(name: str, engine: str) -> str:
    mark = "`" if ENGINES[engine] == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def _held(value: Any, engine: str) -> Any:
    """SQLite knows no times: they stand there as the text that SQLAlchemy writes. ClickHouse is
    given the seconds since 1970."""
    if engine == CLICKHOUSE and isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if engine == "sqlite" and isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value
