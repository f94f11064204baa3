"""Money found: what was paid for the orders, and what went back."""

from __future__ import annotations

from collections.abc import Sequence

from checks.shop.inspection.around import Around, begun, first_time, state_of
from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import Clue, ColumnsFound, coded, linked
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import alike, priced
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.vocabulary import strength, vocabulary

_DOUBLE = 0.8  # of the rows in which an amount and its double are the same
_REFERRED = 0.4  # how many of the orders have a row of what happens to few of them, at most


def payments(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, and what went through adds up to what they cost."""
    found = begun(around, "payments", table)
    if found is None:
        return None
    totals: Sequence[str | None] = around.doubles or [around.total]
    agreed = [
        one
        for one in around.orders.agreements
        if one.child == table.name and one.quantity is None and one.total in totals
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
    pairs: dict[str, str] = {}
    for total in around.doubles:
        own = [one for one in agreed if one.proves and one.total == total]
        if own:
            pairs.setdefault(max(own, key=lambda one: one.share).amount, total)
    if len(pairs) > 1 and around.doubles:
        told_of = ", ".join(f"{amount} if the total is {total}" for amount, total in pairs.items())
        found.doubles = list(pairs)
        found.ask("amount", f"it goes with the order's total: {told_of}")
    else:
        found.choose("amount", told, needed=True)
    # What the other words add is too much: so this one says what counts.
    telling = sorted(stated, key=lambda one: -one.share)
    words = [
        Clue(one.state, 4.0 * one.share, one.says, proves=True)
        for one in telling[:1]
        if one.state is not None and one.share > all_rows + 0.02
    ]
    state_of(found, "payments.state", words)
    first_time(found, "created_at", needed=True)
    _details(found)
    return found


def _details(found: ColumnsFound) -> None:
    """Who carried it and how: words that every row has; where it failed: one that few have."""
    state = found.columns.get("state")
    free = [one for one in found.free() if one.kind == "text" and one.few]
    always = [one for one in free if one.always and len(one.counts) > 0 and not one.currencies]
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
        for one in priced(table)
        if one.name in {c.name for c in found.free()} and _within(around, table, one)
    ]
    most = max((sum(abs(value) for value in numbers(one.held)) for one in money), default=None)
    whole = [one for one in money if sum(abs(v) for v in numbers(one.held)) == most]
    told = [
        Clue(one.name, 1.5, "never more than its order costs, and few orders have one")
        for one in whole
        if few and _differs(table, money, whole[0]) is None
    ]
    others = _differs(table, money, whole[0]) if whole else None
    if few and others is not None and not _by_name(found):
        found.doubles = [one.name for one in money]
        found.ask("amount", f"{whole[0].name} is the most that goes back; or is it {others}?")
    else:
        found.choose("amount", told, needed=True)
    if "amount" in found.columns and _below(table.columns[found.columns["amount"]]):
        found.forms["amount"] = "-{}"
    state_of(found, "refunds.state", [])
    if "state" not in found.judged:
        _made(around, found)
    first_time(found, "created_at")
    return found


def _made(around: Around, found: ColumnsFound) -> None:
    """Where no column says what became of it: each row is money that went back."""
    name, table = "made", found.table
    values = [name] * len(table.rows)
    column = ColumnSeen(name, None, tuple(values), around.survey.now, sql=f"'{name}'")
    table.add(column, values)
    found.take("state", name, Judged("guess", "no column says what became of it: each was made"))


def _differs(table: TableSeen, money: list[ColumnSeen], whole: ColumnSeen) -> str | None:
    """Another amount that is no part of the whole: nearly as much, in other money perhaps."""
    names = [
        one.name
        for one in money
        if one is not whole and one.values != whole.values
        and alike(table, one.name, whole.name) >= _DOUBLE
    ]  # fmt: skip
    return ", ".join(names) or None


def _by_name(found: ColumnsFound) -> bool:
    words = vocabulary().fields[found.entity]["amount"]
    return any(strength(one.name, words)[0] == 3 for one in found.free())


def _below(amount: ColumnSeen) -> bool:
    """Whether what goes back stands there below zero."""
    held = numbers(amount.held)
    return bool(held) and all(value <= 0 for value in held)


def _within(around: Around, table: TableSeen, amount: ColumnSeen) -> bool:
    """Whether it is never more than what its order costs, and mostly more than nothing."""
    link = table.link_to(around.orders.table.name)
    total = next(iter(around.doubles), around.total)
    if link is None or total is None:
        return False
    costs = {row[link.key]: row[total] for row in around.orders.table.rows}
    sign = -1 if _below(amount) else 1
    pairs = [
        (sign * row[amount.name] if row[amount.name] is not None else None, costs[row[link.column]])
        for row in table.rows
        if row[link.column] in costs
    ]
    held = [(a, c) for pair in pairs if len(both := numbers(pair)) == 2 for a, c in [both]]
    return bool(held) and sum(0 < a <= c for a, c in held) >= 0.9 * len(held)
