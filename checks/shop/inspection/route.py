"""Route: how a row comes to what stands in other tables, hop by hop.

The street of an order's address; the order of a payment that belongs to it through two tables; how
many of an article, where that is a row of names and values. One form for all of them: as the
mapping writes it, and as a sample of rows is looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Hop:
    """The rows of a table whose `key` is what was come with, and what is taken of them.

    `kind`: of several rows, the one in which a column holds this word. `several`: there may be more
    than one even so. `number`: what was come with is the text of a number.
    """

    table: str
    key: str
    column: str
    kind: tuple[str, Any] | None = None
    several: bool = False
    number: bool = False


@dataclass(frozen=True)
class Route:
    """From a column of the row's own over the hops. `number`: what stands there is a text of one;
    `member`: of a document, what stands under this name."""

    start: str
    hops: tuple[Hop, ...]
    number: bool = False
    member: str | None = None

    @property
    def join(self) -> dict[str, Any] | None:
        """As the mapping says it without SQL, where that can."""
        plain = len(self.hops) == 1 and not self.number and self.member is None
        if not plain or self.hops[0].kind is not None or self.hops[0].several:
            return None
        (hop,) = self.hops
        return {"from": hop.table, "on": {hop.key: self.start}, "column": hop.column}

    def on(self, *hops: Hop) -> Route:
        """Further on from where it leads."""
        first, *rest = hops
        return Route(self.start, (*self.hops, replace(first, number=self.number), *rest))


_NUMBERS = {"sqlite": "numeric", "postgresql": "numeric(20, 6)"}


@dataclass(frozen=True)
class Speech:
    """How one engine's SQL is written. `place`: the table of a name, and what of it counts."""

    dialect: str
    quoted: Callable[[str], str]
    place: Callable[[str], tuple[str, tuple[str, Any] | None]]

    def of(self, route: Route) -> str:
        """The route as a piece of SQL of a row that is called `t`."""
        if not route.hops:
            return self._as(f"t.{self.quoted(route.start)}", route)
        first, *rest = route.hops
        last = f"h{len(route.hops)}.{self.quoted(route.hops[-1].column)}"
        wanted = self._as(last, route)
        text = f"select {wanted} from {self._table(first)} h1"  # noqa: S608 - proposed, never run here
        where = [
            f"h1.{self.quoted(first.key)} = t.{self.quoted(route.start)}",
            *self._kinds(first, 1),
        ]
        for at, hop in enumerate(rest, start=2):
            before = f"h{at - 1}.{self.quoted(route.hops[at - 2].column)}"
            came = self._number(before) if hop.number else before
            text += f" join {self._table(hop)} h{at} on h{at}.{self.quoted(hop.key)} = {came}"
            where += self._kinds(hop, at)
        return f"({text} where {' and '.join(where)})"

    def at(self, column: Any) -> str:
        """A column of a row that is called `t`, wherever it stands."""
        if column.route is not None:
            return self.of(column.route)
        return str(column.sql or f"t.{self.quoted(column.name)}")

    def _table(self, hop: Hop) -> str:
        return self.quoted(self.place(hop.table)[0])

    def _kinds(self, hop: Hop, at: int) -> list[str]:
        told = [kind for kind in (hop.kind, self.place(hop.table)[1]) if kind is not None]
        return [self.same(f"h{at}", *kind) for kind in told]

    def same(self, of: str, column: str, word: Any) -> str:
        """A column of that row holds the word."""
        return f"{of}.{self.quoted(column)} = {literal(word)}"

    def _as(self, last: str, route: Route) -> str:
        if route.member is not None:
            last = f"({self.member(last, route.member)})"
        if any(hop.kind is not None or hop.several for hop in route.hops):
            last = f"min({last})"
        if not route.number and route.member is None:
            return last
        return self._number(last)

    def _number(self, text: str) -> str:
        return f"cast({text} as {_NUMBERS.get(self.dialect, 'decimal(20, 6)')})"

    def member(self, column: str, name: str) -> str:
        """What stands in a document under the name."""
        if self.dialect == "postgresql":
            return f"{column} ->> {literal(name)}"
        taken = "json_extract" if self.dialect == "sqlite" else "json_value"
        path = f'$."{name}"'
        return f"{taken}({column}, {literal(path)})"


def literal(word: Any) -> str:
    """A word as it stands in SQL."""
    return str(word) if isinstance(word, int) else "'" + str(word).replace("'", "''") + "'"
