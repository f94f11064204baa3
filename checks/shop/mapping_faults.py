"""Mapping faults: what a mapping names and the shop's database does not have.

Looked for once a database has refused a question: a name that is misspelt is no outage, and who
reads of it must know which place of the configuration to correct, and to what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError

from checks.queries.entity_mapping import EntitiesMapping, EntityMapping

_FEW = 8  # columns that are told, where none is near
_BESIDE = {  # columns that every table has and that none tells of
    "sqlite": ("rowid", "oid", "_rowid_"),
    "postgresql": ("ctid", "xmin", "xmax", "tableoid"),
}
_REFUSALS = (1054, 1064, 1103, 1109, 1146, 1305)  # MariaDB and MySQL: unknown column, table …
_REFUSED = re.compile(  # SQLite, and ClickHouse by the names of its codes
    "no such (column|table|function)|syntax error|UNKNOWN_(IDENTIFIER|TABLE|DATABASE|FUNCTION)"
    "|NO_SUCH_COLUMN|NOT_FOUND_COLUMN|SYNTAX_ERROR"
)
_BY_LETTER = ("postgresql", "clickhousedb")  # engines in which Total is another column than total


def mapping_fault(
    connection: Connection, mapping: EntitiesMapping, why: str
) -> tuple[str, str] | None:
    """The place of the mapping that names what there is not, and the sentence about it.

    `why`: the database's own word, said of a piece of the shop's SQL. None: it is something else.
    """
    tables = _Tables(connection)
    for entity, mapped in mapping.entities.items():
        for place, table, columns in _named(entity, mapped):
            said = tables.lacks(place, table, columns)
            if said is not None:
                return said
    quote = connection.dialect.identifier_preparer.quote
    for entity, mapped in mapping.entities.items():
        for place, asked in _pieces(entity, mapped, quote):
            if _refused(connection, asked):
                return place, f"{place}: the database does not take it: {why}"
    return None


def is_of_names(error: DBAPIError) -> bool:
    """Whether a database refused a question for what it names or how it is written, not for its
    own state: by the codes that each engine has for that."""
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):  # PostgreSQL's: 42501 is a right that is missing
        return state.startswith("42") and state != "42501"
    given = getattr(error.orig, "args", ())
    if given and isinstance(given[0], int):
        return given[0] in _REFUSALS
    return _REFUSED.search(str(error.orig)) is not None


def _named(
    entity: str, mapped: EntityMapping
) -> Iterator[tuple[str, str, Mapping[str, str | None]]]:
    """Each table that is named, where, and its columns by where they are: None, as the table."""
    place = f"shop.mapping.{entity}"
    if mapped.table is not None:
        yield f"{place}.from", mapped.table, {}
    for field, one in mapped.fields.items():
        at = f"{place}.fields.{field}"
        if one.column is not None and mapped.table is not None:
            yield at, mapped.table, {at: one.column}
        if one.join is not None:
            yield f"{at}.join.from", one.join.from_, {}
            there = {f"{at}.join.column": one.join.column}
            yield f"{at}.join", one.join.from_, there
            for theirs, own in one.join.on.items():
                yield f"{at}.join.on", one.join.from_, {f"{at}.join.on": theirs}
                if mapped.table is not None:
                    yield f"{at}.join.on", mapped.table, {f"{at}.join.on": own}


def _pieces(
    entity: str, mapped: EntityMapping, quote: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Each piece of the shop's own SQL by its place, as a question that reads no row."""
    place = f"shop.mapping.{entity}"
    if mapped.listing is not None:
        return
    table = ".".join(map(quote, str(mapped.table).split(".")))
    source = f"({mapped.select}) t" if mapped.select is not None else f"{table} t"
    if mapped.select is not None:
        yield f"{place}.select", f"SELECT 1 FROM {source} WHERE 1 = 0"  # noqa: S608 - the shop's own
    if mapped.where is not None:
        asked = f"SELECT 1 FROM {source} WHERE 1 = 0 AND ({mapped.where})"  # noqa: S608
        yield f"{place}.where", asked
    for field, one in mapped.fields.items():
        if one.sql is not None:
            asked = f"SELECT ({one.sql}) FROM {source} WHERE 1 = 0"  # noqa: S608
            yield f"{place}.fields.{field}.sql", asked
        elif one.column is not None and mapped.select is not None:
            asked = f"SELECT t.{quote(one.column)} FROM {source} WHERE 1 = 0"  # noqa: S608
            yield f"{place}.fields.{field}", asked


def _refused(connection: Connection, asked: str) -> bool:
    try:
        connection.execute(text(asked.replace(":", r"\:")))
    except SQLAlchemyError:
        connection.rollback()
        return True
    return False


class _Tables:
    """What a database has, read once."""

    def __init__(self, connection: Connection) -> None:
        self._inspector: Any = inspect(connection)
        self._engine = connection.dialect.name
        self._columns: dict[str, list[str] | None] = {}

    def lacks(
        self, place: str, table: str, columns: Mapping[str, str | None]
    ) -> tuple[str, str] | None:
        """What of it there is not: where that stands, and the sentence."""
        if table not in self._columns:
            self._columns[table] = self._read(table)
        known = self._columns[table]
        if known is None:  # what cannot be looked at is not said to be missing
            return None
        if not known:
            there = self._nearest(table, self._names(table))
            return place, f"{place}: the database has no table “{table}”{there}"
        for at, column in columns.items():
            if column is not None and not self._has(column, known):
                there = self._nearest(column, known)
                return at, f"{at}: {table} has no column “{column}”{there}"
        return None

    def _read(self, table: str) -> list[str] | None:
        """Its columns: none where there is no such table; None where nobody can tell."""
        schema, _, name = table.rpartition(".")
        try:
            found = self._inspector.get_columns(name, schema=schema or None)
        except NoSuchTableError:
            return []
        except SQLAlchemyError:
            return None if self._is_there(name, schema) else []
        return [str(one["name"]) for one in found]

    def _is_there(self, name: str, schema: str) -> bool:
        return name in self._names(f"{schema}.{name}" if schema else name)

    def _names(self, table: str) -> list[str]:
        """Tables and views beside which it would stand."""
        schema = table.rpartition(".")[0] or None
        try:
            names = self._inspector.get_table_names(schema=schema)
            return [*names, *self._inspector.get_view_names(schema=schema)]
        except SQLAlchemyError:
            return []

    def _has(self, column: str, known: Iterable[str]) -> bool:
        names = [*known, *_BESIDE.get(self._engine, ())]
        if self._engine in _BY_LETTER:
            return column in names
        return column.lower() in {one.lower() for one in names}

    @staticmethod
    def _nearest(name: str, names: list[str]) -> str:
        own = name.rpartition(".")[2].lower()
        by_lower = {one.lower(): one for one in names}
        near = get_close_matches(own, by_lower, n=1)
        if near:
            return f"; the nearest is “{by_lower[near[0]]}”"
        if not names:
            return ""
        more = " …" if len(names) > _FEW else ""
        return f"; there are {', '.join(names[:_FEW])}{more}"
