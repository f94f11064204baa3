"""Sums of children that are an amount of their parent: what says which columns hold money.

Payments of an order add up to what it costs, those alone that went through; so do its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.survey import Row, Survey, TableSeen

_ENOUGH = 5  # orders that must agree before it proves anything
_MOSTLY = 0.8
_FACTORS = (Decimal(1), Decimal(100), Decimal("0.01"))


@dataclass(frozen=True)
class Agreement:
    """In how many of the orders the sum of `amount` in `child` is what stands in `total`."""

    total: str
    child: str
    amount: str
    share: float
    orders: int
    factor: Decimal = Decimal(1)
    state: str | None = None  # only rows in which this column
    word: Any = None  # … holds this word
    quantity: str | None = None  # the amount is of one piece

    @property
    def proves(self) -> bool:
        return self.share >= _MOSTLY and self.orders >= _ENOUGH

    @property
    def says(self) -> str:
        where = f" where {self.state} is {self.word}" if self.state is not None else ""
        pieces = f"{self.quantity} × " if self.quantity is not None else ""
        unit = {Decimal(1): "", Decimal(100): ", in hundredths"}.get(self.factor, ", in hundreds")
        return (
            f"{pieces}{self.child}.{self.amount}{where} adds up to {self.total} in "
            f"{100 * self.share:.0f} % of {self.orders} orders{unit}"
        )


def amounts(table: TableSeen) -> list[ColumnSeen]:
    """Columns that may hold money."""
    refer = table.linked()
    return [
        one
        for one in table.columns.values()
        if one.kind in ("integer", "decimal")
        and not one.key
        and not (one.certain_times)
        and one.name not in refer
        and not one.made
        and any(value != 0 for value in one.held)
    ]


def agreements(survey: Survey, orders: TableSeen) -> list[Agreement]:
    """Every child's sums beside every amount of the orders, those that agree most first."""
    totals = [one.name for one in amounts(orders)]
    by_key = {row[orders.identity]: row for row in orders.rows} if orders.identity else {}
    found: list[Agreement] = []
    for child in survey.tables.values():
        link = child.link_to(orders.name)
        if link is None or not child.rows or link.column == child.key:
            continue
        by_key = {row[link.key]: row for row in orders.rows}
        rows = survey.children(child.name, link.column, orders.name)
        money = amounts(child)
        pieces = [one for one in money if one.kind == "integer" and _small(one)]
        for one in money:
            for quantity in (None, *(p.name for p in pieces if p.name != one.name)):
                made = _agree(child, by_key, rows, totals, one.name, quantity)
                found += made
            for state in child.columns.values():
                if not state.few or len(state.counts) > 10 or state.name in child.linked():
                    continue
                if state.name == one.name or len(state.counts) < 2:
                    continue
                for word in state.counts:
                    own = {
                        key: kept
                        for key, every in rows.items()
                        if (kept := [row for row in every if row[state.name] == word])
                    }
                    found += _agree(child, by_key, own, totals, one.name, None, state.name, word)
    # What holds of all rows needs no word; what holds in more orders is more telling.
    found.sort(
        key=lambda one: (one.proves, round(one.share, 2), one.quantity is None, one.orders),
        reverse=True,
    )
    return found


def _small(column: ColumnSeen) -> bool:
    held = sorted(numbers(column.held))
    return bool(held) and held[0] >= 0 and held[len(held) // 2] <= 10 and held[-1] <= 1000


def _agree(
    child: TableSeen,
    parents: dict[Any, Row],
    rows: dict[Any, list[Row]],
    totals: list[str],
    amount: str,
    quantity: str | None = None,
    state: str | None = None,
    word: Any = None,
) -> list[Agreement]:
    sums = {
        key: made
        for key, own in rows.items()
        if key in parents and (made := _sum(own, amount, quantity))
    }
    found = []
    for total in totals:
        asked = [(made, parents[key][total]) for key, made in sums.items()]
        held = [(made, costs[0]) for made, given in asked if (costs := numbers([given]))]
        held = [(made, cost) for made, cost in held if cost]
        if not held:
            continue
        for factor in _FACTORS:
            same = sum(_near(made, cost * factor) for made, cost in held)
            if same:
                share = same / len(held)
                found.append(
                    Agreement(total, child.name, amount, share, len(held), factor, state, word,
                              quantity)
                )  # fmt: skip
    return found


def _sum(rows: list[Row], amount: str, quantity: str | None) -> Decimal:
    made = Decimal(0)
    for row in rows:
        (value, *_) = numbers([row[amount]]) or [Decimal(0)]
        (pieces, *_) = numbers([row[quantity]]) or [Decimal(0)] if quantity else [Decimal(1)]
        made += value * pieces
    return made


def _near(one: Decimal, other: Decimal) -> bool:
    """Equal, but for what a float or a rounded line leaves over."""
    return abs(one - other) <= Decimal("0.011") if one % 1 or other % 1 else one == other
