"""Total found: what an order costs, and what of it is goods, discount and shipping."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING

from checks.shop.inspection.column_seen import numbers
from checks.shop.inspection.columns_found import Clue, ColumnsFound
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import Agreement, alike, pieces, priced
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.vocabulary import strength, vocabulary

if TYPE_CHECKING:
    from checks.shop.inspection.orders_found import Orders

_PARTS = 6
_ENOUGH = 5  # orders
_FILLED = 0.02  # of the orders may lack what most have
_DOUBLE = 0.8  # of the orders in which an amount and its double are the same


def goods(table: TableSeen) -> bool:
    """Whether its rows are articles rather than payments: how many of what comes again."""
    again = [
        one
        for one in table.columns.values()
        if one.kind in ("text", "integer") and not one.few and not one.times and not one.key
        and 5 <= len(one.counts) <= 0.8 * len(one.held)
        and (one.kind == "text" or one.made or one.name in table.linked())
    ]  # fmt: skip
    return bool(pieces(table)) and bool(again)


def find(found: ColumnsFound, survey: Survey, orders: Orders) -> None:
    """By what is paid: that adds up to the whole; the lines may be the goods alone."""
    agreed = [one for one in orders.agreements if one.share >= 0.5 and one.orders >= _ENOUGH]
    agreed = [one for one in agreed if one.factor == 1] or agreed
    proven = [one for one in agreed if one.proves]
    paid = [one for one in proven if not goods(survey.tables[one.child])]
    lines = {one.total for one in proven if goods(survey.tables[one.child])}
    best = _best(paid or proven or agreed)
    if (
        len(best.keys() - lines) > 0
    ):  # what the articles add up to is the whole where nothing else is
        best = {name: one for name, one in best.items() if name not in lines}
    if not paid and proven and _more(found.table, next(iter(best))):
        names = ", ".join(f"{c.name} ({c.shown()})" for c in priced(found.table))
        said = next(iter(best.values())).says
        found.ask("total", f"{said}, which may be the goods alone: which of {names} is owed?")
        return
    if not best:
        found.choose("total", _largest(found.table), needed=True)
        return
    whole = _whole(found.table, best)
    words = vocabulary().fields["orders"]["total"]
    named = [name for name in whole if strength(name, words)[0] == 3]
    rest = [name for name in whole[1:] if _other(found.table, whole[0], name)]
    if rest and len(named) != 1 and best[whole[0]].proves:
        _ask(found, [whole[0], *rest])
        return
    sure = len(whole) == 1
    told = [
        Clue(name, 4.0 * best[name].share, best[name].says, best[name].proves and sure)
        for name in whole
    ]
    found.choose("total", told, needed=True)


def _largest(table: TableSeen) -> list[Clue]:
    """Where nothing adds up: what stands in every order and is never less than another amount."""
    money = [one for one in priced(table) if one.always and not one.made]
    for one in money:
        others = [other for other in priced(table) if other is not one and not other.made]
        pairs = [
            numbers((row[one.name], row[other.name])) for other in others for row in table.rows
        ]
        held = [pair for pair in pairs if len(pair) == 2]
        if sum(a >= b for a, b in held) >= 0.98 * len(held):
            said = "never less than another amount of its row" if held else "the only amount"
            return [Clue(one.name, 1.0, said)]
    return []


def _best(agreed: Iterable[Agreement]) -> dict[str, Agreement]:
    """Of each amount of the orders, what adds up to it in most of them."""
    made: dict[str, Agreement] = {}
    for one in agreed:
        best = made.get(one.total)
        if best is None or (round(one.share, 1), one.orders) > (round(best.share, 1), best.orders):
            made[one.total] = one
    return made


def _whole(table: TableSeen, best: dict[str, Agreement]) -> list[str]:
    """Those that stand in as many orders as any: what was paid stands in those alone that were."""
    filled = {name: sum(bool(value) for value in table.columns[name].values) for name in best}
    most = max(filled.values(), default=0)
    kept = [name for name in best if filled[name] >= most - _FILLED * len(table.rows)]
    kept = [name for name in kept if not any(_part(table, name, other) for other in kept)]
    return sorted(kept, key=lambda name: -best[name].share)


def _part(table: TableSeen, name: str, other: str) -> bool:
    """Whether it is the goods of a whole: mostly less, where they are not the same."""
    if alike(table, name, other) >= _DOUBLE:
        return False
    pairs = [numbers((row[name], row[other])) for row in table.rows]
    held = [(a, b) for a, b in (pair for pair in pairs if len(pair) == 2) if a != b]
    return sum(b > a for a, b in held) >= 0.9 * len(held) > 0


def _other(table: TableSeen, one: str, other: str) -> bool:
    """Whether it makes a difference which of them it is."""
    return table.columns[one].values != table.columns[other].values


def _more(table: TableSeen, name: str) -> bool:
    """Whether another amount is never less and often more: the goods are then a part of it."""
    mine = table.columns[name]
    for other in priced(table):
        pairs = [numbers(pair) for pair in zip(mine.values, other.values, strict=True)]
        held = [(a, b) for a, b in (pair for pair in pairs if len(pair) == 2)]
        more = sum(b > a for a, b in held)
        mostly = sum(b >= a for a, b in held) >= 0.7 * len(held)
        if other.name != name and held and more >= 0.2 * len(held) and mostly:
            return True
    return False


def _ask(found: ColumnsFound, names: list[str]) -> None:
    first = names[0]
    doubles = [
        f"{name} ({100 * alike(found.table, first, name):.0f} % the same)" for name in names[1:]
    ]
    found.doubles = names
    found.ask(
        "total",
        f"what is paid adds up to {first} as well as to {', '.join(doubles)}: which is it, in the "
        "order's own currency?",
    )


def parts(found: ColumnsFound) -> None:
    """What the total is made of: list − discount + shipping, where that holds in every order."""
    total = found.columns.get("total")
    if total is None:
        return
    money = [one for one in priced(found.table) if one.name in {c.name for c in found.free()}]
    if not 2 <= len(money) <= _PARTS:
        return
    rows = found.table.rows
    used = [one for one in money if sum(bool(row[one.name]) for row in rows) >= 0.02 * len(rows)]
    for first, off, sent in permutations(used, 3):
        held = [
            numbers([row[first.name], row[off.name], row[sent.name], row[total]]) for row in rows
        ]
        whole = [one for one in held if len(one) == 4]
        same = sum(a - b + c == cost for a, b, c, cost in whole)
        larger = sum(a - c for a, _, c, _ in whole) > Decimal(0)
        if len(whole) >= 5 and same >= 0.9 * len(whole) and larger:
            reason = f"{first.name} − {off.name} + {sent.name} is {total} in nearly every order"
            for name, column in (("list", first), ("discount", off), ("shipping", sent)):
                found.take(name, column.name, Judged("guess", reason))
            return
