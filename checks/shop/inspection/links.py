"""Links that a database does not declare: a column whose values are all keys of another table.

Small whole numbers are keys of every table, so they must also grow with it: what comes later
refers to what came later, and the last to the last. Where that leaves more than one table, it is
the one that most others refer to. People are referred to in no order; there a table must look like
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from checks.queries.entity import entities
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.columns_found import in_order
from checks.shop.inspection.survey import Link, Survey, TableSeen
from checks.shop.inspection.vocabulary import strength, vocabulary, words_of

_ASKED = 100  # values of a column that are looked for in the other table
_NEVER_BEFORE = 0.98
_NARROW = 3  # columns of a table that has none but what it refers to
_LAST = 20  # of these, the largest
_LEAST = 5  # different values, under which nothing can be said
_EXACT = 0.02  # how far the last reference is from the last key, as a share
_FAR = 0.7  # the same, beyond which it is no reference
_UNLIKELY = 1e-9
_TOGETHER = 0.8  # how much a column must grow with its own table, at least
_ALL = "all of its values are keys of"
_ID = ("id", "key", "no", "nr", "number", "ref", "fk", "code")


@dataclass(frozen=True)
class _Fit:
    link: Link
    named: bool
    distance: float  # between the largest reference and the largest key, as a share


def infer(survey: Survey, parents: list[str], *, made: bool = False) -> None:
    """Adds to every table its links to these tables that are not declared. `made`: of the columns
    that stand in no column of their table."""
    found: list[tuple[TableSeen, list[_Fit]]] = []
    for child in survey.tables.values():
        taken = {one.column for one in child.links}
        known = {one.table for one in child.links}
        for column in child.columns.values():
            if column.name in taken or column.made != made or not _may_refer(child, column):
                continue
            fits = [
                fit
                for name in parents
                if name not in known
                and name in survey.tables
                and (fit := _fit(survey, child, column, survey.tables[name])) is not None
            ]
            if fits:
                found.append((child, _likeliest(fits)))
    declared = Counter(one.table for table in survey.tables.values() for one in table.links)
    hubs = declared + Counter(fits[0].link.table for _, fits in found if len(fits) == 1)
    for child, fits in found:
        child.links.append(
            max(
                fits,
                # Of two with the same keys, the one that says more of them: the other is its copy.
                key=lambda one: (
                    hubs[one.link.table],
                    -one.distance,
                    len(survey.tables[one.link.table].columns),
                ),
            ).link
        )


def _likeliest(fits: list[_Fit]) -> list[_Fit]:
    """Those that the name says, else those whose last key is referred to, else all."""
    named = [one for one in fits if one.named]
    exact = [one for one in fits if one.distance <= _EXACT]
    return named or exact or fits


def _may_refer(child: TableSeen, column: ColumnSeen) -> bool:
    if column.kind not in ("integer", "text") or column.certain_times or column.currencies:
        return False
    # What no two rows share may be the key of a view; of few columns, it says whose the row is.
    own = column.name == (child.identity if len(child.columns) > _NARROW else child.key)
    return bool(column.counts) and (not own or column.name in child.together)


def _fit(survey: Survey, child: TableSeen, column: ColumnSeen, parent: TableSeen) -> _Fit | None:
    key = parent.identity
    if key is None or parent.name == child.name:
        return None
    target = parent.columns[key]
    if target.kind != column.kind:
        return None
    named = _named(column.name, parent.name)
    if not named and (len(column.counts) < _LEAST or column.few or _counts(column.name)):
        return None
    every = sorted(column.counts, key=str) if column.kind == "text" else sorted(column.counts)
    asked = [*every[-_LAST:], *every[:-_LAST][:: max(1, len(every) // _ASKED)]]
    present = survey.held(parent.name, key, asked)
    # A reference to a row that is gone is a fault that checks find; many are no reference.
    if len(present) < max(1, 0.95 * len(asked) - 1):
        return None
    if column.kind == "text":
        reason = f"{_ALL} {parent.name}"
        return _Fit(Link(column.name, parent.name, key, False, reason), named, 0.0)
    largest, top = max(present), max(target.held)
    distance = abs(top - largest) / max(1, abs(top))
    if named:
        return _Fit(
            Link(column.name, parent.name, key, False, f"{_ALL} {parent.name}, as its name says"),
            named,
            distance,
        )
    if _together(child, column) >= _TOGETHER and distance <= _FAR:
        reason = f"{_ALL} {parent.name}, and grow with its own rows"
        return _Fit(Link(column.name, parent.name, key, False, reason), named, distance)
    if distance <= _EXACT and _after(child, column, parent, key) >= _NEVER_BEFORE:
        reason = f"{_ALL} {parent.name}, and its rows are never before those"
        return _Fit(Link(column.name, parent.name, key, False, reason), named, distance)
    if _chance(parent, key, present) <= _UNLIKELY:
        reason = f"{_ALL} {parent.name}, which has few of the numbers between"
        return _Fit(Link(column.name, parent.name, key, False, reason), named, distance)
    if _people(parent) and distance <= 0.2 and len(column.counts) >= 2 * _LEAST:
        reason = f"{_ALL} {parent.name}, which tells of people"
        return _Fit(Link(column.name, parent.name, key, False, reason), named, distance)
    return None


def _chance(parent: TableSeen, key: str, present: set[Any]) -> float:
    """How likely so many numbers are keys of it by chance, where its keys have gaps."""
    if not parent.whole:
        return 1.0
    least, most = min(present), max(present)
    there = sum(least <= value <= most for value in parent.columns[key].counts)
    return float((there / max(1, most - least + 1)) ** len(present))


def _after(child: TableSeen, column: ColumnSeen, parent: TableSeen, key: str) -> float:
    """How many of its rows are not before the row that they would refer to."""
    mine = in_order([one for one in child.columns.values() if one.certain_times and one.always])[:1]
    theirs = in_order([one for one in parent.columns.values() if one.certain_times and one.always])[
        :1
    ]
    if not mine or not theirs:
        return 0.0
    began = {row[key]: theirs[0].moment(row[theirs[0].name]) for row in parent.rows}
    pairs = [
        (at, start)
        for row in child.rows
        if (start := began.get(row[column.name])) is not None
        and (at := mine[0].moment(row[mine[0].name])) is not None
    ]
    if len(pairs) < 2 * _LEAST:
        return 0.0
    return sum(at >= start - 1 for at, start in pairs) / len(pairs)


def _people(table: TableSeen) -> bool:
    """Whether it holds languages, telephones or addresses of mail."""
    columns = table.columns.values()
    mails = any("@" in str(one.held[0]) for one in columns if one.kind == "text" and one.held)
    return mails or any((one.languages and one.few) or one.phones for one in columns)


@cache
def _counts(column: str) -> bool:
    """Whether its name says that it counts or costs something."""
    return any(
        one.type in ("money", "integer") and strength(column, words)[0] == 3
        for entity, fields in vocabulary().fields.items()
        for name, words in fields.items()
        if (one := entities()[entity].fields[name])
    )


def _named(column: str, table: str) -> bool:
    """Whether `order_id` refers to `orders`, `kopf` to `kopf`."""
    own = tuple(word for word in words_of(column) if word not in _ID)
    there = words_of(table)
    return bool(own) and own == there[-len(own) :]


def _together(child: TableSeen, column: ColumnSeen) -> float:
    """How much the column grows with the rows of its table, by rank: 1 is always."""
    order = child.columns[child.key] if child.key is not None else None
    if order is None or order.kind != "integer":
        order = next((one for one in child.columns.values() if one.certain_times), None)
    own: Sequence[Any] = range(len(column.values)) if order is None else order.values
    at = [
        (order.moment(a) if order is not None and order.certain_times else float(a), float(b))
        for a, b in zip(own, column.values, strict=True)
        if a is not None and b is not None
    ]
    pairs = [(a, b) for a, b in at if a is not None]
    if len(pairs) < _LEAST:
        return 0.0
    ranks = list(zip(_ranks([a for a, _ in pairs]), _ranks([b for _, b in pairs]), strict=True))
    n = len(ranks)
    apart = sum((a - b) ** 2 for a, b in ranks)
    return 1 - 6 * apart / (n * (n * n - 1))


def _ranks(values: list[float]) -> list[float]:
    """Each value's place, equal ones in the middle of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for at in order[start : end + 1]:
            ranks[at] = (start + end) / 2
        start = end + 1
    return ranks


def candidates(survey: Survey) -> Iterator[str]:
    """Tables that others may refer to: in use, with a key of their own and more than few rows."""
    for table in survey.tables.values():
        own = [survey.tables.get(one.table) for one in table.links]
        part = table.part_of is not None and any(
            one is not None and one.part_of is table.part_of for one in own
        )
        if table.rows and table.identity is not None and not part:
            yield table.name
