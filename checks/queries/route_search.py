"""Route search: how changed rows of a query's tables lead to the rows on which its answer stands.

Only equalities that a row must meet to count at all are ways, and only of what names a row. A query
for which a table is left without one is asked whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from checks.queries.entity import entities
from checks.queries.own_nodes import own_nodes
from checks.queries.reach import Hop, Reach, Route

_NO_NAMES = ("currency", "language")  # texts that thousands of rows share
_WHOLES = ("group", "having", "distinct", "limit", "offset")  # many rows become one, or some


class _Beyond(Exception):
    """It is not known which rows decide."""


@dataclass(frozen=True)
class _Equal:
    """A field of one table (by its place in the list) equals one of another."""

    one: int
    field: str
    other: int
    theirs: str

    @property
    def turned(self) -> _Equal:
        return _Equal(self.other, self.theirs, self.one, self.field)


@dataclass
class _Found:
    """The tables of a query in the order in which it names them, and what of them is equal."""

    tables: list[str] = field(default_factory=list)
    equal: list[_Equal] = field(default_factory=list)


def is_whole(tree: exp.Select) -> bool:
    """Whether a row of its answer is made of many, or of some of all."""
    return any(tree.args.get(one) for one in _WHOLES) or bool(own_nodes(tree, exp.AggFunc))


def reach_of(tree: exp.Select) -> Reach | None:
    """The reach of a query as it is written; None: it is asked whole. Its texts come later."""
    if is_whole(tree):
        return None
    found = _Found()
    try:
        _read(tree, [], found)
        routes = tuple(dict.fromkeys(_routes(found)))
    except _Beyond:
        return None
    return Reach(found.tables[0], routes)


def _read(select: exp.Select, outer: list[dict[str, int]], found: _Found) -> None:
    own: dict[str, int] = {}
    start = select.args.get("from_") or select.args.get("from")
    joins = select.args.get("joins") or []
    if start is None or any(
        join.side in ("RIGHT", "FULL") or join.args.get("using") for join in joins
    ):
        raise _Beyond
    for table in [start.this, *(join.this for join in joins)]:
        if not isinstance(table, exp.Table) or table.name.lower() not in entities():
            raise _Beyond
        if table.db:  # rows that do not count are told by no stamp that is read
            raise _Beyond
        own[table.alias_or_name] = len(found.tables)
        found.tables.append(table.name.lower())
    scopes = [own, *outer]
    where = select.args.get("where")
    conditions = [join.args.get("on") for join in joins] + [where.this if where else None]
    for condition in conditions:
        found.equal += _equalities(condition, scopes, found)
    for within in own_nodes(select, exp.Select):
        _read(within, scopes, found)


def _equalities(
    condition: exp.Expr | None, scopes: list[dict[str, int]], found: _Found
) -> Iterator[_Equal]:
    """What must be equal for the condition to hold: its parts that “and” joins."""
    if isinstance(condition, exp.Paren):
        yield from _equalities(condition.this, scopes, found)
    elif isinstance(condition, exp.And):
        yield from _equalities(condition.this, scopes, found)
        yield from _equalities(condition.expression, scopes, found)
    elif isinstance(condition, exp.EQ):
        sides = [_place(side, scopes) for side in (condition.this, condition.expression)]
        if sides[0] is not None and sides[1] is not None:
            (one, mine), (other, theirs) = sides[0], sides[1]
            if one != other and _names(found, one, mine) and _names(found, other, theirs):
                yield _Equal(one, mine, other, theirs)


def _place(side: exp.Expr, scopes: list[dict[str, int]]) -> tuple[int, str] | None:
    if not isinstance(side, exp.Column) or not side.table:
        return None
    at = next((scope[side.table] for scope in scopes if side.table in scope), None)
    return None if at is None else (at, side.name.lower())


def _kind(found: _Found, at: int, name: str) -> str | None:
    kind = entities()[found.tables[at]].fields.get(name)
    return None if kind is None else kind.type


def _names(found: _Found, at: int, name: str) -> bool:
    return _kind(found, at, name) in ("key", "text") and name not in _NO_NAMES


def _routes(found: _Found) -> Iterator[Route]:
    """One for each table, the shortest; over keys rather than over texts."""

    def by_key(one: _Equal) -> bool:
        return _kind(found, one.one, one.field) != "key"

    ways = sorted([*found.equal, *(one.turned for one in found.equal)], key=by_key)
    next_of: dict[int, _Equal] = {}
    seen, waiting = {0}, deque([0])
    while waiting:
        here = waiting.popleft()
        for way in ways:
            if way.other == here and way.one not in seen:
                seen.add(way.one)
                next_of[way.one] = way
                waiting.append(way.one)
    yield Route(found.tables[0], "key", "key")
    for at in range(1, len(found.tables)):
        if at not in next_of:
            raise _Beyond
        yield _route(found, next_of, at)


def _route(found: _Found, next_of: dict[int, _Equal], start: int) -> Route:
    way = next_of[start]
    hops: list[Hop] = []
    while way.other != 0:
        then = next_of[way.other]
        if then.field != way.theirs:
            hops.append(Hop(found.tables[way.other], way.theirs, then.field))
        way = then
    return Route(found.tables[start], next_of[start].field, way.theirs, tuple(hops))
