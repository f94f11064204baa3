"""Row reading: what a query compares of each of its tables, noted while the query is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from checks.queries.entity import entities
from checks.queries.looked_rows import LookedRows
from checks.queries.route_search import is_whole

Named = Callable[[exp.Column], "tuple[Reading, str, str] | None"]
"""The table of a column as the query reads it, its entity and field; None: it is of no entity."""


@dataclass
class Reading:
    """What is read of one table of a query, while the query is read."""

    fields: dict[str, None] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: tuple[str, str] | None = None

    def note(self, column: exp.Column, name: str) -> None:
        """One column, as it stands in the query that was written."""
        if isinstance(column.parent, exp.Is):
            self.absent.add(name)
        elif not _only_shown(column):
            self.fields[name] = None

    def rows(self, entity: str) -> LookedRows:
        judged = tuple(name for name in self.fields if name not in self.absent)
        words = tuple((name, ours) for name, ours in self.words.items())
        return LookedRows(entity, judged, words, self.since)


def _only_shown(column: exp.Column) -> bool:
    """Whether it stands among the answers of the whole query: no row is left out by it there."""
    node: exp.Expr = column
    while node.parent is not None and not isinstance(node.parent, exp.Select):
        node = node.parent
    above = node.parent
    return above is not None and above.parent is None and node.arg_key == "expressions"


def narrow(select: exp.Select, named: Named) -> None:
    """Notes of each table what of it a select asks for: words, and from which time on."""
    for asked in _conjuncts(select):
        if isinstance(asked, exp.EQ | exp.In):
            _words(asked, named)
        elif isinstance(asked, exp.GTE | exp.GT):
            _since(asked, named)


def _words(asked: exp.EQ | exp.In, named: Named) -> None:
    column = asked.this
    given = asked.expressions if isinstance(asked, exp.In) else [asked.expression]
    if not isinstance(column, exp.Column) or not given:
        return
    found = named(column)
    if found is None or not all(isinstance(one, exp.Literal) for one in given):
        return
    reading, entity, name = found
    if entities()[entity].fields[name].type == "word" and name not in reading.words:
        reading.words[name] = tuple(one.name for one in given)


def _since(asked: exp.Expr, named: Named) -> None:
    column, moment = asked.this, asked.expression
    if not isinstance(column, exp.Column) or not isinstance(moment, exp.Placeholder):
        return
    found = named(column)
    if found is None:
        return
    reading, entity, name = found
    if entities()[entity].fields[name].type == "instant" and reading.since is None:
        reading.since = (name, moment.name)


def _conjuncts(select: exp.Select) -> Iterator[exp.Expr]:
    """What each row must meet: the parts of its `where` and of its joins."""
    where = select.args.get("where")
    joins = [join.args.get("on") for join in select.args.get("joins") or ()]
    for one in (where.this if where is not None else None, *joins):
        if one is not None:
            yield from one.flatten() if isinstance(one, exp.And) else [one]


def called_of(tree: exp.Select) -> str | None:
    """The table whose row the answer calls by its number; None: many rows become one, or none is
    called so."""
    if is_whole(tree):
        return None
    named = [one for one in tree.expressions if one.alias_or_name.lower() == "number"]
    column = named[0].unalias() if named else None
    return column.table or None if isinstance(column, exp.Column) else None
