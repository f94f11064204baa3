"""Missing index: where a query reads a whole table, the index by which it would not have to.

Read from the database's own plan and the query as it is sent. Only what compares a column as it
stands is answered by an index: an equality, a list of words, and after these one range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlglot import exp, parse_one
from sqlglot.errors import ParseError, TokenError

from checks.queries.compiled_query import quoted

_FEW = 10_000  # rows: of fewer no engine asks an index
_READS = {"sqlite": "sqlite", "postgresql": "postgres"}  # the others speak MySQL's words
_VALUE = re.compile(r"(?<!:):\w+")
_WHOLE = {
    "sqlite": re.compile(r"^SCAN (?P<alias>\w+)$"),
    "postgresql": re.compile(r"Seq Scan on (?P<table>\S+)(?: (?P<alias>\w+))?"),
}
_RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE)


@dataclass
class _Compared:
    """The columns of one table of the query by which its rows are chosen."""

    table: str
    equal: list[str] = field(default_factory=list)
    range: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        return [*self.equal, *self.range[:1]]


def missing_indexes(
    connection: Connection, sql: str, plan: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """One line for each table that is read whole though an index could answer: its statement."""
    engine = connection.dialect.name
    whole = set(_read_whole(plan, engine))
    try:
        tree = parse_one(_VALUE.sub("?", sql), read=_READS.get(engine, "mysql"))
    except (ParseError, TokenError):
        return
    said: set[str] = set()
    for alias, compared in _compared(tree):
        if alias not in whole or not compared.columns or compared.table in said:
            continue
        if _is_large(connection, compared.table) and not _has_one(connection, compared):
            said.add(compared.table)
            yield (
                f"{compared.table} is read whole. An index would answer: "
                f"{_statement(compared, engine)}"
            )


def _read_whole(plan: Iterable[Mapping[str, Any]], engine: str) -> Iterator[str]:
    for row in plan:
        if engine not in _WHOLE:
            if row.get("type") == "ALL":
                yield str(row["table"])
            continue
        found = _WHOLE[engine].search(str(list(row.values())[-1]))
        if found is not None:
            yield found.groupdict().get("alias") or found.group("table")


def _compared(tree: exp.Expr) -> Iterator[tuple[str, _Compared]]:
    """By alias, in the order of the query; a subquery's tables are its own."""
    for select in tree.find_all(exp.Select):
        joins = select.args.get("joins") or []
        sources = [select.args.get("from_") or select.args.get("from"), *joins]
        tables = {
            one.this.alias_or_name: _Compared(_name(one.this))
            for one in sources
            if one is not None and isinstance(one.this, exp.Table)
        }
        where = select.args.get("where")
        wanted = [where.this] if where is not None else []
        for part in [*wanted, *(one.args["on"] for one in joins if one.args.get("on"))]:
            for asked in part.flatten() if isinstance(part, exp.And) else (part,):
                _note(asked, tables)
        yield from tables.items()


def _name(table: exp.Table) -> str:
    return ".".join(one for one in (table.db, table.name) if one)


def _note(asked: exp.Expr, tables: Mapping[str, _Compared]) -> None:
    if isinstance(asked, exp.In):
        sides: Sequence[Any] = (asked.this,)
    elif isinstance(asked, (exp.EQ, *_RANGES)):
        sides = (asked.this, asked.expression)
    else:
        return
    for side in sides:
        if not isinstance(side, exp.Column) or side.table not in tables:
            continue
        compared = tables[side.table]
        kept = compared.range if isinstance(asked, _RANGES) else compared.equal
        if side.name not in kept:
            kept.append(side.name)


def _is_large(connection: Connection, table: str) -> bool:
    few = f"SELECT 1 FROM {_quoted(table, connection.dialect.name)} LIMIT {_FEW + 1}"  # noqa: S608
    return (connection.scalar(text(f"SELECT count(*) FROM ({few}) AS x")) or 0) > _FEW  # noqa: S608


def _has_one(connection: Connection, compared: _Compared) -> bool:
    """Whether one begins with what is compared: then the engine had its reasons."""
    schema, _, name = compared.table.rpartition(".")
    inspector = inspect(connection)
    try:
        indexes = inspector.get_indexes(name, schema or None)
        known: list[Sequence[str | None]] = [one["column_names"] for one in indexes]
        known.append(inspector.get_pk_constraint(name, schema or None)["constrained_columns"])
    except SQLAlchemyError:
        return True
    first = set(compared.equal or compared.range)
    return any(columns and columns[0] in first for columns in known)


def _statement(compared: _Compared, engine: str) -> str:
    columns = compared.columns
    name = "_".join(("muster", compared.table.rpartition(".")[2], *columns))[:60]
    named = ", ".join(quoted(one, engine) for one in columns)
    return f"CREATE INDEX {quoted(name, engine)} ON {_quoted(compared.table, engine)} ({named});"


def _quoted(table: str, engine: str) -> str:
    return ".".join(quoted(one, engine) for one in table.split("."))
