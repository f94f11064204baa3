"""Kinds of rows in one table: orders and refunds, articles and shipping, told apart by a word.

A table is split where a word decides what a row is, not how it fares: whether it belongs to another
row of its own table, or which names stand under it. Each kind is looked at as a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.sums import amounts
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.table_seen import Link, TableSeen

_MOST = 6  # kinds of rows in one table
_LEAST = 5  # rows of one kind
_CLEAR = 0.05  # of a kind's rows may be otherwise


def split_by_reference(survey: Survey) -> None:
    """Orders among which their refunds stand, each referring to its order."""
    for table in list(survey.tables.values()):
        if not amounts(table) or not any(one.certain_times for one in table.columns.values()):
            continue
        for own in _own_references(survey, table):
            kinds = next(_deciding(table, [_filled(value) for value in own.values]), None)
            if kinds is None:
                continue
            column, belongs = kinds
            parts = _split(survey, table, column, belongs)
            heads = [part for word, part in parts.items() if not belongs[word]]
            _refer(survey, table.name, heads[0].name)
            reason = f"it refers to a row of {heads[0].name}"
            for word, part in parts.items():
                if belongs[word]:
                    key = str(table.identity)
                    part.links.append(Link(own.name, heads[0].name, key, False, reason))
            break


def _own_references(survey: Survey, table: TableSeen) -> Iterator[ColumnSeen]:
    """Columns that hold keys of the own table in some rows, and nothing in others."""
    key = table.identity
    if key is None:
        return
    for column in table.columns.values():
        if column.name == key or column.kind != table.columns[key].kind or column.times:
            continue
        held = {value for value in column.held if _filled(value)}
        if not _LEAST <= len(held) < len(table.rows) - _LEAST:
            continue
        if len(survey.held(table.name, key, held)) >= 0.95 * len(held):
            yield column


def split_by_names(survey: Survey, named: dict[str, list[str]]) -> None:
    """Articles among which shipping and taxes stand: other names belong to each. `named`: a table,
    its columns that are names of another."""
    for name, columns in named.items():
        table = survey.tables[name]
        if table.part_of is not None:
            continue
        found: dict[str, list[dict[Any, bool]]] = {}
        for made in columns:
            filled = [_filled(value) for value in table.columns[made].values]
            for column, decided in _deciding(table, filled):
                found.setdefault(column, []).append(decided)
        kinds = [column for column, decided in found.items() if _each_its_own(decided)]
        best = max(kinds, key=lambda one: len(found[one]), default=None)
        if best is None:
            continue
        parts = list(_split(survey, table, best, found[best][0]).values())
        _refer(survey, table.name, max(parts, key=lambda one: len(one.rows)).name)
        for part in parts:
            for made in columns:
                if not part.columns[made].held:
                    del part.columns[made]


def _each_its_own(decided: list[dict[Any, bool]]) -> bool:
    """Whether every word has names that no other word has: what a state decides is otherwise."""
    alone = {word for one in decided for word, has in one.items() if has and sum(one.values()) == 1}
    return len(decided) >= 2 and alone == set(decided[0])


def _refer(survey: Survey, table: str, part: str) -> None:
    """What refers to the table refers to that part of it."""
    for other in survey.tables.values():
        other.links = [
            replace(one, table=part) if one.table == table else one for one in other.links
        ]


def _filled(value: Any) -> bool:
    """A number that refers to nothing may be 0."""
    return value not in (None, "", 0)


def _deciding(table: TableSeen, filled: Iterable[bool]) -> Iterator[tuple[str, dict[Any, bool]]]:
    """The columns whose word says whether it is filled, with what each word says."""
    there = list(filled)
    for column in table.columns.values():
        if not column.few or not 2 <= len(column.counts) <= _MOST or column.made:
            continue
        rows: dict[Any, list[bool]] = {}
        for word, one in zip(column.values, there, strict=True):
            rows.setdefault(word, []).append(one)
        shares = {word: sum(held) / len(held) for word, held in rows.items()}
        clear = all(share <= _CLEAR or share >= 1 - _CLEAR for share in shares.values())
        if clear and len({share > 0.5 for share in shares.values()}) == 2 and None not in shares:
            yield column.name, {word: share > 0.5 for word, share in shares.items()}


def _split(
    survey: Survey, table: TableSeen, column: str, words: Iterable[Any]
) -> dict[Any, TableSeen]:
    """The parts, in the place of the table."""
    made: dict[Any, TableSeen] = {}
    for word in words:
        rows = [row for row in table.rows if row[column] == word]
        columns = {
            one.name: ColumnSeen(
                one.name, one.declared, tuple(row[one.name] for row in rows), survey.now,
                unique=one.unique, key=one.key, route=one.route, sql=one.sql,
            )
            for one in table.columns.values()
            if one.name != column
        }  # fmt: skip
        name = f"{table.name} where {column} is {word}"
        part = TableSeen(
            name, columns, rows, table.key, list(table.links), table.together, table,
            (column, word),
        )  # fmt: skip
        made[word] = survey.tables[name] = part
    del survey.tables[table.name]
    return made
