"""Unnested queries: what is asked within a query of the row outside becomes a join of it.

ClickHouse works such questions out by joins of its own, and some of them wrongly: the count of
nothing is null instead of 0, and a row outside that holds a null has no others, whatever is asked.
So they are written as joins here: what is asked of the rows that are looked at (never of the whole
table), each once, is joined to the rows within by what is equal, and the answer to the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from checks.queries.compiled_query import Refused

_SENTENCE = (
    "ClickHouse can answer “{}…” for a row only by a field of both that is equal, and a value as "
    "an aggregate: say so, as in “where p.order_key = o.key and …”"
)
_JOINED, _BASE, _VALUE, _THERE = "muster_j", "muster_b", "muster_value", "muster_there"
_Keys = Mapping[
    tuple[str, str], str
]  # columns of the row outside (alias, name), and what is theirs


def unnest(tree: exp.Expr) -> None:
    """Changes the tree. Raises Refused for what would be answered wrongly."""
    within = [one for one in tree.find_all(exp.Subquery, exp.Exists) if _is_asked(one)]
    joined: dict[tuple[int, str], exp.Expr] = {}  # what is asked twice of a row is worked out once
    for number, one in reversed(list(enumerate(within))):  # the innermost first
        outer = one.find_ancestor(exp.Select)
        asked = (id(outer), one.sql())
        answer = joined.get(asked) or _answer(one, outer, f"{_JOINED}{number}")
        if answer is not None:
            joined[asked] = answer
            one.replace(answer.copy())


def _is_asked(one: exp.Expr) -> bool:
    """Whether it stands for a value, or for whether there are rows; not for a table or a list."""
    if isinstance(one, exp.Exists):
        return isinstance(one.this, exp.Select)
    around = exp.From | exp.Join | exp.In | exp.Exists
    return isinstance(one.this, exp.Select) and not isinstance(one.parent, around)


def _answer(one: exp.Expr, outer: exp.Expr | None, alias: str) -> exp.Expr | None:
    """What stands for it in the select around, to which it is joined; None: it may stay."""
    inner: exp.Select = one.this
    own = _aliases(inner)
    beyond = [column for column in _columns(inner) if column.table not in own]
    if not beyond or not isinstance(outer, exp.Select):
        return None
    around = _aliases(outer) - own
    equals = [each for each in _conjuncts(inner) if _is_equal(each, own, around)]
    whole = inner.args.get("group") is None and _aggregates(inner) is isinstance(one, exp.Subquery)
    chosen = one.find_ancestor(exp.Where, exp.Select)
    free = isinstance(chosen, exp.Where) or not (outer.args.get("group") or _aggregates(outer))
    if not (whole and free and equals and all(column.table in around for column in beyond)):
        raise Refused(_SENTENCE.format(inner.sql()[:60]))
    names = dict.fromkeys((column.table, column.name) for column in beyond)
    keys = {name: f"k{number}" for number, name in enumerate(names)}
    return _joined(inner, outer, keys, equals, alias, exists=isinstance(one, exp.Exists))


def _joined(
    inner: exp.Select,
    outer: exp.Select,
    keys: _Keys,
    equals: list[exp.Expr],
    alias: str,
    *,
    exists: bool,
) -> exp.Expr:
    compared = {(c.table, c.name) for one in equals for c in one.find_all(exp.Column)}
    on = []
    for (table, name), key in keys.items():
        # A null is equal to nothing; in what is asked otherwise it is a value like others.
        same = exp.EQ if (table, name) in compared else exp.NullSafeEQ
        on.append(same(this=exp.column(key, table=alias), expression=exp.column(name, table=table)))
    base = alias.replace(_JOINED, _BASE)
    made = _grouped(inner, outer, keys, equals, base, valued=not exists)
    outer.append("joins", exp.Join(this=_as(made, alias), side="LEFT", on=exp.and_(*on)))
    gone = exp.Is(this=exp.column(_THERE, table=alias), expression=exp.Null())
    if exists:
        return exp.Paren(this=exp.not_(gone))
    value = exp.column(_VALUE, table=alias)
    empty = _of_nothing(inner.expressions[0].unalias())
    if _is_nothing(empty):
        return value
    return exp.Paren(this=exp.Case().when(gone, empty, copy=False).else_(value, copy=False))


def _as(select: exp.Select, alias: str) -> exp.Subquery:
    return exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def _aggregates(select: exp.Select) -> bool:
    """Whether it is an aggregate of its rows; what queries within it count is theirs."""
    return any(
        one.find_ancestor(exp.Select) is select
        for made in select.expressions
        for one in made.find_all(exp.AggFunc)
    )


def _grouped(
    inner: exp.Select,
    outer: exp.Select,
    keys: _Keys,
    equals: list[exp.Expr],
    base: str,
    *,
    valued: bool,
) -> exp.Select:
    """The query within for all rows outside at once, by what it asks of them."""
    kept = [one for one in _conjuncts(inner) if not any(one is equal for equal in equals)]
    shown = [exp.alias_(exp.column(key, table=base), key) for key in keys.values()]
    if valued:
        shown.append(exp.alias_(inner.expressions[0].unalias().copy(), _VALUE))
    made = inner.copy()
    made.set("where", None)
    made.set("expressions", [*shown, exp.alias_(exp.Literal.number(1), _THERE)])
    made.set("group", exp.Group(expressions=[exp.column(k, table=base) for k in keys.values()]))
    rows = exp.Join(on=exp.and_(*(one.copy() for one in equals)))
    made.append("joins", rows)
    if kept:
        made = made.where(*(one.copy() for one in kept), copy=False)
    for column in list(made.find_all(exp.Column)):
        key = keys.get((column.table, column.name))
        if key is not None:
            asked = exp.column(key, table=base)
            asked.meta.update(column.meta)  # what it holds, and in which form
            column.replace(asked)
    rows.set("this", _as(_asked_of(outer, keys), base))
    return made


def _asked_of(outer: exp.Select, keys: _Keys) -> exp.Select:
    """What is asked of the rows outside, each once, as far as they are chosen by what they hold."""
    around = {one for one in _aliases(outer) if not one.startswith(_JOINED)}
    start = outer.args.get("from_") or outer.args["from"]
    shown = [exp.alias_(exp.column(name, table=table), key) for (table, name), key in keys.items()]
    rows = exp.Select(expressions=shown)
    rows.set(start.arg_key, start.copy())
    joins = [one.copy() for one in outer.args.get("joins") or () if one.alias_or_name in around]
    rows.set("joins", joins)
    plain = [one.copy() for one in _conjuncts(outer) if _only_of(one, around)]
    return (rows.where(*plain, copy=False) if plain else rows).distinct(copy=False)


def _aliases(select: exp.Select) -> set[str]:
    start = select.args.get("from_") or select.args.get("from")
    tables = [start, *(select.args.get("joins") or ())]
    return {one.this.alias_or_name for one in tables if one is not None}


def _columns(select: exp.Expr) -> Iterator[exp.Column]:
    """Those that are no other query's within it."""
    for column in select.find_all(exp.Column):
        nearest = column.find_ancestor(exp.Select)
        inward: exp.Expr | None = nearest
        known: set[str] = set()
        while isinstance(inward, exp.Select) and inward is not select:
            known |= {column.table} if inward.meta.get("shop") else _aliases(inward)
            inward = inward.find_ancestor(exp.Select)
        if column.table and column.table not in known:
            yield column


def _conjuncts(select: exp.Select) -> list[exp.Expr]:
    where = select.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _is_equal(one: exp.Expr, own: set[str], around: set[str]) -> bool:
    """Whether what the row within holds is to be a field of the row outside."""
    if not isinstance(one, exp.EQ):
        return False
    sides = (one.this, one.expression), (one.expression, one.this)
    return any(
        isinstance(theirs, exp.Column) and _only_of(mine, own) and _only_of(theirs, around)
        for mine, theirs in sides
    )


def _only_of(made: exp.Expr, aliases: set[str]) -> bool:
    """Whether it speaks of these tables, and of them alone."""
    if made.find(exp.Select) is not None:
        return False
    tables = [one.table for one in made.find_all(exp.Column)]
    return bool(tables) and all(one in aliases for one in tables)


def _of_nothing(made: exp.Expr) -> exp.Expr:
    """What the value is where there are no rows: a count is 0, every other aggregate null."""
    empty = exp.Paren(this=made.copy())  # held by something, so that all of it may be replaced
    for call in list(empty.find_all(exp.AggFunc)):
        call.replace(exp.Literal.number(0) if isinstance(call, exp.Count) else exp.Null())
    return empty


def _is_nothing(made: exp.Expr) -> bool:
    """Whether it comes to null, whatever else is in it."""
    if isinstance(made, exp.Binary):
        return _is_nothing(made.this) or _is_nothing(made.expression)
    passes = isinstance(made, exp.Paren | exp.Round | exp.Abs | exp.Neg)
    return isinstance(made, exp.Null) or (passes and _is_nothing(made.this))
