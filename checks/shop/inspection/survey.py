"""Survey of a database: its tables and views of every schema, each with a bounded sample of rows.

Nothing is read whole: the newest rows of each table by its key, the children of some of them, and
the different words of a column that holds few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func, inspect, select, true
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.exc import SQLAlchemyError

from checks.shop.inspection.column_seen import ColumnSeen

SAMPLE = 1000  # rows of one table that are looked at
_CHILDREN = 5000  # rows that refer to some of them
_PARENTS = 400
_PLACES = 10  # between the first key and the newest ones, from which older rows are taken
_WORDS = 40  # different words of one column
_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys", "pg_catalog", "pg_toast"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Link:
    """A column that says to which row of another table this one belongs. `declared`: by a key."""

    column: str
    table: str
    key: str
    declared: bool
    reason: str


@dataclass
class TableSeen:
    """One table or view; `rows` are a sample of it, the newest by its key among them."""

    name: str
    columns: dict[str, ColumnSeen]
    rows: list[Row]
    key: str | None = None
    links: list[Link] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the sample is all that it holds."""
        return len(self.rows) < SAMPLE

    @cached_property
    def identity(self) -> str | None:
        """Its key; of a view, the first column in which no value stands twice."""
        if self.key is not None:
            return self.key
        found = (one.name for one in self.columns.values() if one.always and one.nearly_unique)
        return next(found, None)

    def link_to(self, table: str) -> Link | None:
        """The surest of its links to that table: one that is declared, then the first."""
        found = [one for one in self.links if one.table == table]
        return next((one for one in found if one.declared), found[0] if found else None)

    def linked(self) -> set[str]:
        return {one.column for one in self.links}


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

    def children(self, child: str, column: str, parent: str) -> dict[Any, list[Row]]:
        """The rows of a table that refer to some of the sampled rows of another, by their key."""
        place = (child, column, parent)
        if place not in self._children:
            above = self.tables[parent]
            link = self.tables[child].link_to(parent)
            key = link.key if link is not None else str(above.identity)
            keys = [row[key] for row in self.parents(parent) if row.get(key) is not None]
            below = self.tables[child]
            join = below.columns[column].join
            if join is None or below.whole:
                self._children[place] = self.rows_with(child, column, keys)
            else:
                self._children[place] = self._beyond(child, column, join, keys)
        found: dict[Any, list[Row]] = {}
        for row in self._children[place]:
            found.setdefault(row[column], []).append(row)
        return found

    def rows_with(self, table: str, column: str, values: Iterable[Any]) -> list[Row]:
        """The rows in which the column holds one of the values; not more than some thousands."""
        seen, wanted = self.tables[table], set(values)
        if seen.whole:
            return [row for row in seen.rows if row[column] in wanted]
        own = [one.name for one in seen.columns.values() if not one.made]
        query = _select(table, own).where(sql_column(column).in_(list(wanted)))
        return self._ask(query.limit(_CHILDREN))

    def _beyond(self, child: str, column: str, join: Mapping[str, Any], keys: Any) -> list[Row]:
        """The same through the table between: each row with what it refers to there."""
        ((there, own),) = join["on"].items()
        between = self.rows_with(join["from"], join["column"], keys)
        above = {row[there]: row[join["column"]] for row in between}
        return [{**row, column: above[row[own]]} for row in self.rows_with(child, own, above)]

    def held(self, table: str, column: str, values: Iterable[Any]) -> set[Any]:
        """Those of these values that the column holds."""
        seen = self.tables[table]
        if seen.whole:
            return set(values) & set(seen.columns[column].counts)
        own: ColumnElement[Any] = sql_column(column)
        asked = select(own.label("held")).select_from(_table(table, ()))
        return {row["held"] for row in self._ask(asked.where(own.in_(list(values))).distinct())}

    def words(self, table: str, column: str) -> dict[Any, int]:
        """Every different word of a column with its count; of the sample where that fails."""
        seen = self.tables[table]
        if seen.whole:
            return dict(seen.columns[column].counts.most_common())
        own: ColumnElement[Any] = sql_column(column)
        asked = (
            select(own.label("word"), func.count().label("n"))
            .select_from(_table(table, ()))
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
    """As it can be counted: a document is held as one that nothing is compared with."""
    try:
        hash(value)
    except TypeError:
        return (str(value),)
    return value
