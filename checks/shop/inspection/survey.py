"""Survey of a database: its tables and views of every schema, each with a bounded sample of rows.

Nothing is read whole: the newest rows of each table by its key, the children of some of them, and
the different words of a column that holds few.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func, inspect, select, true
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.exc import SQLAlchemyError

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.route import Route, Speech
from checks.shop.inspection.table_seen import SAMPLE, Link, Row, TableSeen

__all__ = ["SAMPLE", "Link", "Row", "Survey", "TableSeen"]
_CHILDREN = 20_000  # rows that refer to some of them
_PARENTS = 400
_PLACES = 10  # between the first key and the newest ones, from which older rows are taken
_WORDS = 40  # different words of one column
_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys", "pg_catalog", "pg_toast"}


class Survey:
    """All tables of a database, and further looks at some of their rows."""

    def __init__(self, engine: Engine, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.dialect = engine.dialect.name
        self._engine = engine
        self._preparer = engine.dialect.identifier_preparer
        self._children: dict[tuple[str, str, str], list[Row]] = {}
        self.tables = self._read()

    def _read(self) -> dict[str, TableSeen]:
        inspector = inspect(self._engine)
        found: dict[str, TableSeen] = {}
        for schema in self._schemas(inspector):
            found |= self._schema(inspector, schema)
        return found

    def quoted(self, name: str) -> str:
        """A name as it stands in this database's SQL."""
        return ".".join(self._preparer.quote(part) for part in name.split("."))

    def _schemas(self, inspector: Inspector) -> list[str | None]:
        """The one that the address names first; on MariaDB a schema is another database."""
        default = inspector.default_schema_name
        others = [
            name
            for name in inspector.get_schema_names()
            if name != default and name not in _SYSTEM and not name.startswith("pg_")
        ]
        if self.dialect == "sqlite":
            return [None]
        if self.dialect in ("mysql", "mariadb") and inspector.get_table_names():
            return [None]
        return [None, *others]

    def _schema(self, inspector: Inspector, schema: str | None) -> dict[str, TableSeen]:
        kinds = ObjectKind.ANY
        columns = inspector.get_multi_columns(schema=schema, kind=kinds)
        keys = inspector.get_multi_pk_constraint(schema=schema, kind=kinds)
        foreign = inspector.get_multi_foreign_keys(schema=schema, kind=kinds)
        unique = inspector.get_multi_unique_constraints(schema=schema, kind=kinds)
        indexes = inspector.get_multi_indexes(schema=schema, kind=kinds)
        found = {}
        for place, own in columns.items():
            name = ".".join(part for part in place if part)
            given: Any = keys.get(place) or {}
            pair = list(given.get("constrained_columns") or ())
            key = str(pair[0]) if len(pair) == 1 else None
            alone = {str(one["column_names"][0]) for one in unique.get(place) or ()
                     if len(one["column_names"]) == 1}  # fmt: skip
            alone |= {str(one["column_names"][0]) for one in indexes.get(place) or ()
                      if one.get("unique") and len(one["column_names"]) == 1}  # fmt: skip
            names = [str(one["name"]) for one in own]
            rows = self._newest(name, names, key)
            seen = {
                str(one["name"]): ColumnSeen(
                    str(one["name"]),
                    one["type"],
                    tuple(row[str(one["name"])] for row in rows),
                    self.now,
                    unique=str(one["name"]) in alone,
                    key=str(one["name"]) == key,
                )
                for one in own
            }
            table = TableSeen(name, seen, rows, key)
            table.together = tuple(map(str, pair)) if len(pair) > 1 else ()
            table.links = [_declared(one) for one in foreign.get(place) or () if _single(one)]
            found[name] = table
        return found

    def _newest(self, name: str, columns: Sequence[str], key: str | None) -> list[Row]:
        query = _select(name, columns).limit(SAMPLE)
        if key is not None:
            query = query.order_by(sql_column(key).desc())
        rows = self._ask(query)
        if key is None or len(rows) < SAMPLE or not isinstance(rows[0][key], int):
            return rows
        return self._spread(name, columns, key, rows)

    def _spread(self, name: str, columns: Sequence[str], key: str, newest: list[Row]) -> list[Row]:
        """Half of them the newest, half from the years before: in a large shop, what is a few hours
        old has not been everywhere yet."""
        own: ColumnElement[Any] = sql_column(key)
        kept = newest[: SAMPLE // 2]
        first = self._ask(_select(name, [key]).order_by(own).limit(1))[0][key]
        step = max(1, (kept[-1][key] - first) // _PLACES)
        found = {row[key]: row for row in newest[SAMPLE // 2 :]} if step == 1 else {}
        for place in range(first, kept[-1][key], step):
            query = _select(name, columns).where(own >= place, own < kept[-1][key]).order_by(own)
            rows = self._ask(query.limit(SAMPLE // 2 // _PLACES))
            found |= {row[key]: row for row in rows}
        older = sorted(found.values(), key=lambda row: row[key], reverse=True)
        return [*kept, *older, *newest[len(kept) + len(older) :]][:SAMPLE]

    def _ask(self, query: Select[Any]) -> list[Row]:
        """The rows; none where the database does not give them: a view that is broken, no right."""
        try:
            with self._engine.connect() as connection:
                found = connection.execute(query).mappings().all()
        except SQLAlchemyError:
            return []
        return [{name: _plain(value) for name, value in row.items()} for row in found]

    def parents(self, table: str) -> list[Row]:
        """The sampled rows whose children are looked at, of every age."""
        rows = self.tables[table].rows
        return rows[:: max(1, len(rows) // _PARENTS)][:_PARENTS]

    @property
    def speech(self) -> Speech:
        """How routes are written in this database's SQL."""
        return Speech(self.dialect, self.quoted, self._place)

    def _place(self, name: str) -> tuple[str, tuple[str, Any] | None]:
        table = self.tables[name]
        return table.place, table.kind

    def children(self, child: str, column: str, parent: str) -> dict[Any, list[Row]]:
        """The rows of a table that refer to some of the sampled rows of another, by their key."""
        place = (child, column, parent)
        if place not in self._children:
            above = self.tables[parent]
            link = self.tables[child].link_to(parent)
            key = link.key if link is not None else str(above.identity)
            keys = [row[key] for row in self.parents(parent) if row.get(key) is not None]
            self._children[place] = self._below(child, column, keys)
        found: dict[Any, list[Row]] = {}
        for row in self._children[place]:
            found.setdefault(row[column], []).append(row)
        return found

    def _below(self, child: str, column: str, keys: Iterable[Any]) -> list[Row]:
        """The rows in which the column, its own or at the end of a route, is one of the keys."""
        table, route = self.tables[child], self.tables[child].columns[column].route
        start, values = column, set(keys)
        if route is not None and not table.whole:
            start = route.start
            for hop in reversed(route.hops):
                found = self.rows_with(hop.table, hop.column, values)
                values = {row[hop.key] for row in found} - {None}
        rows = self.rows_with(child, start, values)
        if table.whole:
            return rows
        for one in table.columns.values():
            if one.route is not None:
                for row, value in zip(rows, self.led(rows, one.route), strict=True):
                    row[one.name] = value
        return rows

    def led(self, rows: Sequence[Row], route: Route) -> list[Any]:
        """What each of the rows comes to over the route; nothing where it leads nowhere."""
        at = [row[route.start] for row in rows]
        for hop in route.hops:
            at = [number_in(value) for value in at] if hop.number else at
            found = self.rows_with(hop.table, hop.key, set(at) - {None})
            there: dict[Any, Any] = {}
            for row in found:
                if hop.kind is None or row[hop.kind[0]] == hop.kind[1]:
                    there.setdefault(row[hop.key], row[hop.column])
            at = [there.get(value) for value in at]
        if route.member is not None:
            at = [_member(value, route.member) for value in at]
        return [number_in(value) for value in at] if route.number else at

    def rows_with(self, table: str, column: str, values: Iterable[Any]) -> list[Row]:
        """The rows in which the column holds one of the values; not more than some thousands."""
        seen, wanted = self.tables[table], set(values)
        if seen.whole:
            return [row for row in seen.rows if row[column] in wanted]
        own = [one.name for one in seen.columns.values() if not one.made]
        query = self._of(seen, _select(seen.place, own))
        return self._ask(query.where(sql_column(column).in_(list(wanted))).limit(_CHILDREN))

    def _of(self, table: TableSeen, query: Select[Any]) -> Select[Any]:
        """The query of a table that is a part of one."""
        return query if table.kind is None else query.where(
            sql_column(table.kind[0]) == table.kind[1]
        )  # fmt: skip

    def held(self, table: str, column: str, values: Iterable[Any]) -> set[Any]:
        """Those of these values that the column holds, in any kind of its table's rows."""
        seen = self.tables[table]
        if seen.whole:
            return set(values) & set((seen.part_of or seen).columns[column].counts)
        own: ColumnElement[Any] = sql_column(column)
        asked = select(own.label("held")).select_from(_table(seen.place, ()))
        return {row["held"] for row in self._ask(asked.where(own.in_(list(values))).distinct())}

    def words(self, table: str, column: str) -> dict[Any, int]:
        """Every different word of a column with its count; of the sample where that fails."""
        seen = self.tables[table]
        if seen.whole or seen.columns[column].made:
            return dict(seen.columns[column].counts.most_common())
        own: ColumnElement[Any] = sql_column(column)
        asked = (
            self._of(seen, select(own.label("word"), func.count().label("n")))
            .select_from(_table(seen.place, ()))
            .where(true(), own.is_not(None))
            .group_by(own)
            .order_by(func.count().desc())
            .limit(_WORDS)
        )
        rows = self._ask(asked)
        counted = {row["word"]: int(row["n"]) for row in rows if row["word"] != ""}
        return counted or dict(seen.columns[column].counts.most_common())


def _table(name: str, columns: Sequence[str]) -> Any:
    schema, _, own = name.rpartition(".")
    return sql_table(own, *(sql_column(one) for one in columns), schema=schema or None)


def _select(name: str, columns: Sequence[str]) -> Select[Any]:
    made = _table(name, columns)
    return select(*made.c)


def _single(key: Any) -> bool:
    return len(key["constrained_columns"]) == 1


def _declared(key: Any) -> Link:
    column, there = str(key["constrained_columns"][0]), str(key["referred_columns"][0])
    table = ".".join(part for part in (key["referred_schema"], key["referred_table"]) if part)
    return Link(column, table, there, True, f"its foreign key refers to {table}.{there}")


def _plain(value: Any) -> Any:
    """As it can be counted: of a document, its text."""
    return value if isinstance(value, Hashable) else json.dumps(value, default=str, sort_keys=True)


def document(value: Any) -> dict[str, Any] | None:
    """The document that a text holds; None: it holds none."""
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _member(value: Any, name: str) -> Any:
    return (document(value) or {}).get(name)


def number_in(value: Any) -> Decimal | None:
    """The number that a text is; None: it is none."""
    if isinstance(value, bool | dict | list) or value in (None, ""):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
