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
_MORE = 0.05
_FIRST = 40  # orders, of which at least one agrees where most do
_COVERED = 0.4  # of the orders that have any row, so many have one with the word
_DIFFERENT = 5  # numbers, under which they are rather a count or a sort than amounts
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
    among: int = 0  # orders of which there is any row, whatever its word

    @property
    def proves(self) -> bool:
        """A word that few orders have proves nothing: what failed may add up as well."""
        covered = self.state is None or self.orders >= _COVERED * self.among
        return self.share >= _MOSTLY and self.orders >= _ENOUGH and covered

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
    """Columns that may hold money: numbers of which there are many."""
    refer = table.linked()
    return [
        one
        for one in table.columns.values()
        if one.kind in ("integer", "decimal")
        and not one.key
        and not (one.certain_times)
        and one.name not in refer
        and (one.route is None or one.route.number)
        and one.sql is None
        and any(value != 0 for value in one.held)
    ]


def priced(table: TableSeen) -> list[ColumnSeen]:
    """Those of them that hold what something costs: not the same few numbers over and over."""
    return [one for one in amounts(table) if len(one.counts) >= min(_DIFFERENT, len(table.rows))]


def pieces(table: TableSeen) -> list[ColumnSeen]:
    """Columns that may say how many of something: small whole numbers, also in a decimal."""
    refer = table.linked()
    return [
        one
        for one in table.columns.values()
        if one.kind in ("integer", "decimal") and not one.key and not one.times
        and one.name not in refer and (one.route is None or one.route.number) and one.sql is None
        and all(value % 1 == 0 for value in numbers(one.held)) and _small(one)
    ]  # fmt: skip


def alike(table: TableSeen, one: str, other: str) -> float:
    """In how many of the rows that have both, two amounts are the same."""
    pairs = [numbers((row[one], row[other])) for row in table.rows]
    held = [(a, b) for a, b in (pair for pair in pairs if len(pair) == 2) if a or b]
    return sum(a == b for a, b in held) / len(held) if held else 0.0


def agreements(survey: Survey, orders: TableSeen) -> list[Agreement]:
    """Every child's sums beside every amount of the orders, those that agree most first."""
    counts = {one.name for one in pieces(orders)}
    totals = [one.name for one in priced(orders) if one.name not in counts]
    found: list[Agreement] = []
    for child in survey.tables.values():
        link = child.link_to(orders.name)
        if link is None or not child.rows or link.column == child.key or not totals:
            continue
        by_key = {row[link.key]: row for row in orders.rows}
        costs = {
            total: _costs(by_key, total)
            for total in totals
            if not _through(orders.columns[total], child)
        }
        rows = survey.children(child.name, link.column, orders.name)
        several = [one.name for one in pieces(child)]
        for one in (one for one in priced(child) if one.name not in several):
            plain = _agree(child, costs, rows, one.name)
            found += plain
            alone = {each.total: each.share for each in plain if each.factor == 1}
            for quantity in several:
                # Times how many: that says something only where it agrees more than without.
                times = _agree(child, costs, rows, one.name, quantity)
                found += [each for each in times if each.share > alone.get(each.total, 0.0) + _MORE]
            for state in child.columns.values():
                if not state.few or len(state.counts) > 10 or state.name in child.linked():
                    continue
                if state.name == one.name or len(state.counts) < 2 or state.currencies:
                    continue
                for word in state.counts:
                    own = {
                        key: kept
                        for key, every in rows.items()
                        if (kept := [row for row in every if row[state.name] == word])
                    }
                    found += _agree(
                        child, costs, own, one.name, None, state.name, word, among=len(rows)
                    )
    # What holds of all rows needs no word; what holds in more orders is more telling.
    found.sort(
        key=lambda one: (one.proves, round(one.share, 2), one.quantity is None, one.orders),
        reverse=True,
    )
    return found


def _through(column: ColumnSeen, child: TableSeen) -> bool:
    """Whether it stands in that child: its own sum says nothing."""
    return column.route is not None and any(hop.table == child.name for hop in column.route.hops)


def _costs(parents: dict[Any, Row], total: str) -> dict[Any, Decimal]:
    return {key: made[0] for key, row in parents.items() if (made := numbers([row[total]]))}


def less(
    survey: Survey, orders: TableSeen, total: str, child: TableSeen
) -> list[tuple[Agreement, str]]:
    """What of the child adds up to the total less another amount: the goods less the shipping."""
    link = child.link_to(orders.name)
    if link is None or link.column == child.key:
        return []
    by_key = {row[link.key]: row for row in orders.rows}
    whole = _costs(by_key, total)
    rows = survey.children(child.name, link.column, orders.name)
    found = []
    for other in priced(orders):
        off = _costs(by_key, other.name)
        used = sum(bool(value) for value in off.values())
        if other.name == total or used < max(_ENOUGH, 0.2 * len(whole)):
            continue
        rest = {key: value - off[key] for key, value in whole.items() if key in off}
        name = f"{total} − {other.name}"
        for one in priced(child):
            agreed = _agree(child, {name: rest}, rows, one.name)
            found += [(each, other.name) for each in agreed if each.proves and each.factor == 1]
    return sorted(found, key=lambda one: -one[0].share)


def _small(column: ColumnSeen) -> bool:
    held = sorted(numbers(column.held))
    return (
        bool(held) and held[0] >= 0 and held[len(held) // 2] <= 10 and held[-1] <= 1000
        and held[int(0.97 * len(held))] > 1
    )  # fmt: skip


def _agree(
    child: TableSeen,
    costs: dict[str, dict[Any, Decimal]],
    rows: dict[Any, list[Row]],
    amount: str,
    quantity: str | None = None,
    state: str | None = None,
    word: Any = None,
    among: int = 0,
) -> list[Agreement]:
    """What the sums are beside each of the `costs`: a total, what it is of each order."""
    sums = {
        key: made for key, own in rows.items() if (made := _sum(own, amount, quantity)) is not None
    }
    found = []
    for total, of in costs.items():
        held = [(made, of[key]) for key, made in sums.items() if of.get(key)]
        if len({cost for _, cost in held}) < min(_DIFFERENT, len(held)):
            continue
        for factor in _FACTORS:
            if not any(_near(made, cost * factor) for made, cost in held[:_FIRST]):
                continue
            same = sum(_near(made, cost * factor) for made, cost in held)
            if same:
                share = same / len(held)
                found.append(
                    Agreement(total, child.name, amount, share, len(held), factor, state, word,
                              quantity, among)
                )  # fmt: skip
    return found


def _sum(rows: list[Row], amount: str, quantity: str | None) -> Decimal | None:
    """None: no row has an amount. One that was given back whole is 0, and no agreement."""
    held = [
        (made[0], row) for row in rows if (made := numbers([row[amount]]))
    ]  # fmt: skip
    if not held:
        return None
    if quantity is None:
        return sum((value for value, _ in held), Decimal(0))
    return sum(
        (value * times[0] for value, row in held if (times := numbers([row[quantity]]))),
        Decimal(0),
    )


def _near(one: Decimal, other: Decimal) -> bool:
    """Equal, but for what a float or a rounded line leaves over."""
    return abs(one - other) <= Decimal("0.011") if one % 1 or other % 1 else one == other
