"""Children found: what each table that belongs to the orders must be, entity by entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import (
    Clue,
    ColumnsFound,
    coded,
    decides,
    in_order,
    keyed,
    linked,
)
from checks.shop.inspection.orders_found import Orders
from checks.shop.inspection.sums import Agreement
from checks.shop.inspection.survey import Survey, TableSeen
from checks.shop.inspection.vocabulary import meaning

_REFERRED = 0.4  # how many of the orders have a row of what happens to few of them, at most


@dataclass(frozen=True)
class Around:
    """What is known when a table is looked at: the orders, and what was found before."""

    survey: Survey
    orders: Orders
    total: str | None
    placed: Mapping[str, TableSeen]

    def share(self, table: TableSeen) -> float:
        """How many of the sampled orders it speaks of."""
        link = table.link_to(self.orders.table.name)
        if link is None or not self.orders.table.rows:
            return 0.0
        rows = self.survey.children(table.name, link.column, self.orders.table.name)
        return len(rows) / len(self.survey.parents(self.orders.table.name))


Finder = Callable[[Around, TableSeen], ColumnsFound | None]


def begun(
    around: Around, entity: str, table: TableSeen, *, key: bool = True
) -> ColumnsFound | None:
    """With its key and the orders that it refers to; None: it refers to none."""
    found = ColumnsFound(entity, table)
    if key:
        keyed(found)
    return found if linked(found, "order_key", around.orders.table.name) else None


def state_of(
    found: ColumnsFound, place: str, clues: list[Clue], *, needed: bool = True, field: str = "state"
) -> None:
    """The column of its state: by what was told, by words that are known, else the only one."""
    told = list(clues)
    for one in found.free():
        if not one.few or one.currencies:
            continue
        known = [word for word in one.counts if meaning(place, word)]
        if known and len(known) >= 0.5 * len(one.counts):
            reason = f"holds words that shops use for it ({one.shown(5)})"
            told.append(Clue(one.name, 2.5, reason, proves=len(known) >= 3))
        deciding = [other for other in found.table.columns.values() if decides(one, other)]
        if deciding:
            told.append(Clue(one.name, 1.0, f"it says if there is a {deciding[0].name}"))
    few = [one for one in found.free() if one.few and not one.currencies and not one.spaced]
    few = [one for one in few if one.name not in found.table.linked()]
    if not told and len(few) == 1:
        told.append(Clue(few[0].name, 0.4, f"the only one of few words ({few[0].shown(5)})"))
    found.choose(field, told, needed=needed)


def first_time(found: ColumnsFound, name: str, *, needed: bool = False) -> None:
    """The first of its times."""
    times = in_order([one for one in found.free() if one.certain_times and len(one.held) > 0])
    only = len(times) == 1
    reason = "the only time of its row" if only else "never after another time of its row"
    clues = [Clue(one.name, 2.0, reason, proves=only) for one in times[:1] if only or one.always]
    found.choose(name, clues, needed=needed)


def payments(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, and what went through adds up to what they cost."""
    found = begun(around, "payments", table)
    if found is None:
        return None
    agreed = [
        one
        for one in around.orders.agreements
        if one.child == table.name and one.quantity is None and one.total == around.total
    ]
    coded(found)
    # Rows of every state may add up as well, where nothing failed: a word is no clue then.
    best = max((one for one in agreed if one.proves), key=lambda one: one.share, default=None)
    stated = [one for one in agreed if one.proves and one.state is not None]
    all_rows = max((one.share for one in agreed if one.state is None), default=0.0)
    told = [Clue(best.amount, 5.0, best.says, True)] if best is not None else []
    told += [
        Clue(one.amount, 2.0 * one.share, one.says)
        for one in agreed[:1]
        if best is None and one.share >= 0.3
    ]
    found.choose("amount", told, needed=True)
    words = [
        Clue(one.state, 4.0 * one.share, one.says, proves=one.share > all_rows + 0.02)
        for one in stated[:1]
        if one.state is not None and one.share >= all_rows
    ]
    state_of(found, "payments.state", words)
    first_time(found, "created_at", needed=True)
    _details(found)
    return found


def _details(found: ColumnsFound) -> None:
    """Who carried it and how: words that every row has; where it failed: one that few have."""
    state = found.columns.get("state")
    free = [one for one in found.free() if one.kind == "text" and one.few]
    always = [one for one in free if one.always and len(one.counts) > 0]
    differ = [one for one in always if len(one.counts) > 1] or always
    differ = [one for one in differ if not one.spaced] or differ
    clues = [Clue(one.name, 1.0, f"a word in every row ({one.shown(4)})") for one in differ]
    if found.choose("channel", clues if len(differ) == 1 else []) is None and differ:
        names = ", ".join(f"{one.name} ({one.shown(4)})" for one in differ)
        found.ask("channel", f"any of these could be it: {names}")
    found.choose("method")
    seldom = [one for one in free if not one.always and state is not None and one.held]
    told = [Clue(one.name, 0.8, f"said only of some ({one.shown(4)})") for one in seldom]
    found.choose("stage", told if len(told) == 1 else [])
    found.choose("bank")


def refunds(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to few orders, or to payments, and is never more than the order costs."""
    found = begun(around, "refunds", table)
    if found is None:
        return None
    paid = around.placed.get("payments")
    if paid is not None and paid.name != table.name:
        linked(found, "payment_key", paid.name)
    coded(found)
    few = around.share(table) <= _REFERRED
    money = [
        one
        for one in found.free()
        if one.kind in ("decimal", "integer") and not one.times and _within(around, table, one)
    ]
    told = [
        Clue(one.name, 1.5, "never more than its order costs, and few orders have one")
        for one in money
        if few and len(money) == 1
    ]
    found.choose("amount", told, needed=True)
    state_of(found, "refunds.state", [])
    first_time(found, "created_at")
    return found


def _within(around: Around, table: TableSeen, amount: ColumnSeen) -> bool:
    """Whether it is never more than what its order costs, and mostly more than nothing."""
    link = table.link_to(around.orders.table.name)
    if link is None or around.total is None:
        return False
    costs = {row[link.key]: row[around.total] for row in around.orders.table.rows}
    pairs = [
        (row[amount.name], costs[row[link.column]])
        for row in table.rows
        if row[link.column] in costs
    ]
    held = [(a, c) for pair in pairs if len(both := numbers(pair)) == 2 for a, c in [both]]
    return bool(held) and sum(0 < a <= c for a, c in held) >= 0.9 * len(held)


def order_lines(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, with an article and how many of it."""
    found = begun(around, "order_lines", table)
    if found is None:
        return None
    coded(found)
    agreed = [one for one in around.orders.agreements if one.child == table.name and one.proves]
    lines = [one for one in agreed if one.state is None]
    pieces = next((one.quantity for one in lines if one.quantity is not None), None)
    _pieces(found, pieces)
    found.choose("amount", _line_amount([one for one in lines if one.quantity is None]))
    _article(found)
    if not {"quantity", "sku"} <= found.columns.keys():
        return None
    return found


def _line_amount(agreed: Sequence[Agreement]) -> list[Clue]:
    """The column whose sums agree. Where several do, the rows do not tell which: with and without
    tax, or in the shop's own currency, they differ only where there is some."""
    if not agreed:
        return []
    first = agreed[0]
    others = sorted({one.amount for one in agreed} - {first.amount})
    says = f"{first.says}; so does {', '.join(others)}" if others else first.says
    return [Clue(first.amount, 4.0, says, not others, doubt=bool(others))]


def _pieces(found: ColumnsFound, proven: str | None = None) -> None:
    small = [
        one
        for one in found.free()
        if one.kind == "integer" and not one.times and one.name not in found.table.linked()
        and (held := sorted(numbers(one.held)))
        and 0 < held[len(held) // 2] <= 10 and held[-1] <= 999
    ]  # fmt: skip
    clues = [
        Clue(one.name, 1.5, f"small whole numbers ({one.shown(4)})", one.name == proven)
        for one in small
        if len(small) == 1 or one.name == proven
    ]
    found.choose("quantity", clues)


def _article(found: ColumnsFound) -> None:
    """A text that stands again and again, of many."""
    texts = [
        one
        for one in found.free()
        if one.kind == "text" and one.readable and not one.nearly_unique and not one.currencies
        and len(one.counts) >= 3
    ]  # fmt: skip
    clues = [
        Clue(one.name, 1.0, f"a short text that comes again ({one.shown(2)})")
        for one in texts
        if len(texts) == 1
    ]
    found.choose("sku", clues)


def scans(around: Around, table: TableSeen) -> ColumnsFound | None:
    """As the lines, of fewer orders, and with the same articles."""
    lines = around.placed.get("order_lines")
    found = begun(around, "scans", table, key=False)
    if found is None or lines is None or lines.name == table.name:
        return None
    _pieces(found)
    articles = [
        one
        for one in found.free()
        if one.kind == "text" and not one.few | (len(one.counts) < 2)
        and any(set(one.counts) <= set(c.counts) for c in lines.columns.values())
    ]  # fmt: skip
    told = [Clue(one.name, 2.0, f"the articles of {lines.name}") for one in articles]
    found.choose("sku", told)
    first_time(found, "at")
    return found if {"quantity", "sku"} <= found.columns.keys() else None


def state_changes(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Where the orders came from and went to."""
    found = begun(around, "state_changes", table)
    if found is None:
        return None
    past = around.orders.history
    mine = past if past is not None and past.table == table.name else None
    before = mine.from_state if mine is not None else None
    found.choose(
        "to_state", [Clue(mine.to_state, 6.0, mine.says, True)] if mine is not None else []
    )
    told = [Clue(before, 6.0, "what the row before it says", True)] if before is not None else []
    found.choose("from_state", told)
    if not {"to_state", "from_state"} <= found.columns.keys():
        return None
    at = [Clue(mine.at, 3.0, "the time of the change", True)] if mine is not None else []
    found.choose("at", at, needed=True)
    return found


CHILDREN: Mapping[str, Finder] = {
    "state_changes": state_changes,
    "payments": payments,
    "order_lines": order_lines,
    "refunds": refunds,
    "scans": scans,
}
