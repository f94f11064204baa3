"""Orders found: the table that others refer to and whose amounts they add up to, and its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

from checks.shop.inspection import history, joined, links, sums
from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import PROOF, Clue, ColumnsFound, coded, in_order, keyed
from checks.shop.inspection.history import History
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import Agreement
from checks.shop.inspection.survey import Survey, TableSeen
from checks.shop.inspection.vocabulary import (
    is_copy,
    meaning,
    strength,
    table_strength,
    vocabulary,
    words_of,
)

_TRIED = 6  # tables that are looked at closely
_MANY = 80  # tables, beyond which only the likeliest are looked for as what others refer to
_PARTS = 6
_NONE = 100.0  # what no clue outweighs
_MOVING = (
    "moves with every change of the row, so an order that stands still may look new; is there a "
    "time of its state?"
)
_LAST = "the time that comes last in its row; does it move with every change of the row?"
_FUTURE = "it lies in the future for some orders"


@dataclass(frozen=True)
class Orders:
    """The orders of a shop, and what their children say of them."""

    table: TableSeen
    agreements: list[Agreement]
    history: History | None
    judged: Judged
    others: list[str]  # tables that could be it as well


def find(survey: Survey) -> Orders | None:
    """The table of the orders; None: none looks like it."""
    tables = [one for one in survey.tables.values() if one.rows]
    likely = sorted(tables, key=_at_first_sight, reverse=True)[:_TRIED]
    parents = list(links.candidates(survey))
    if len(parents) > _MANY:
        parents = [one.name for one in likely]
    links.infer(survey, parents)
    likely = sorted(tables, key=lambda t: _at_first_sight(t) + _referred(survey, t), reverse=True)
    ranked = sorted(
        ((_closely(survey, one), one) for one in likely[:_TRIED]), key=lambda one: -one[0][0]
    )
    ranked = [one for one in ranked if one[0][0] >= 3]
    if not ranked:
        return None
    (weight, agreed, past), best = ranked[0]
    joined.reach_orders(survey, best)
    joined.look_up_addresses(survey, best)
    agreed = sums.agreements(survey, best)
    proven = any(one.proves for one in agreed) or past is not None
    reasons = [agreed[0].says] if agreed and agreed[0].proves else []
    reasons += [past.says] if past is not None else []
    reasons += ["by its name"] if table_strength(best.name, "orders") else []
    said = "; ".join(reasons) or f"{_inbound(survey, best)} tables refer to it"
    close = [str(one.name) for (other, _, _), one in ranked[1:] if weight - other < 2]
    certainty = "sure" if proven and not close else "guess"
    named = [
        name for name in survey.tables if name != best.name and strength(
            name, vocabulary().tables["orders"])[0] >= 1 and is_copy(name)
    ]  # fmt: skip
    others = list(dict.fromkeys([*close, *named]))
    return Orders(best, agreed, past, Judged(certainty, said), others)  # type: ignore[arg-type]


def _at_first_sight(table: TableSeen) -> float:
    columns = table.columns.values()
    named = table_strength(table.name, "orders")
    fields = vocabulary().fields["orders"]
    fit = sum(
        any(strength(c.name, fields[f])[0] == 3 for c in columns)
        for f in ("state", "total", "placed_at", "number")
    )
    return (
        2.0 * named
        + 0.3 * fit
        + 0.5 * bool(sums.amounts(table))
        + 0.5 * any(one.certain_times for one in columns)
        + 0.3 * any(one.few for one in columns)
        - 4.0 * is_copy(table.name)
    )


def _inbound(survey: Survey, table: TableSeen) -> int:
    return sum(
        any(link.table == table.name for link in other.links[:12])
        for other in survey.tables.values()
        if other.rows
    )


def _referred(survey: Survey, table: TableSeen) -> float:
    return 0.5 * min(6, _inbound(survey, table))


def _closely(survey: Survey, table: TableSeen) -> tuple[float, list[Agreement], History | None]:
    agreed = sums.agreements(survey, table)
    past = history.find(survey, table)
    weight = _at_first_sight(table) + _referred(survey, table)
    weight += 2.0 * len({one.child for one in agreed if one.proves})
    weight += 3.0 * (past is not None)
    return weight, agreed, past


def fields(survey: Survey, orders: Orders) -> ColumnsFound:
    """Which of its columns is what."""
    table = orders.table
    found = ColumnsFound("orders", table)
    keyed(found)
    coded(found)
    found.choose("language", _languages(found))
    _state(found, orders)
    _times(found, survey, orders)
    _total(found, orders)
    _number(found)
    _customer(found, survey)
    _parts(found)
    for name in ("list", "discount", "shipping"):
        if name not in found.columns:
            found.choose(name)
    _reached(found)
    return found


def _languages(found: ColumnsFound) -> Iterator[Clue]:
    for one in found.free():
        if one.languages and one.few:
            yield Clue(one.name, 3.0, f"holds tags of languages ({one.shown(4)})", True)


def _state(found: ColumnsFound, orders: Orders) -> None:
    clues = []
    for one in found.free():
        if not one.few:
            continue
        known = [word for word in one.counts if meaning("orders.state", word)]
        if orders.history is not None and orders.history.state == one.name:
            clues.append(Clue(one.name, 6.0, orders.history.says, True))
        if len(known) >= 0.5 * len(one.counts):
            reason = f"holds words that shops use for states ({one.shown(5)})"
            clues.append(Clue(one.name, 3.0, reason, proves=len(known) >= 3))
        elif len(one.counts) >= 3 and one.name not in found.table.linked():
            clues.append(Clue(one.name, 0.4, f"holds few different words ({one.shown(6)})"))
    found.choose("state", clues, needed=True)


def _times(found: ColumnsFound, survey: Survey, orders: Orders) -> None:
    """The time that is never after another is when it was placed; that of its last change, since
    when it stands there."""
    times = [one for one in found.free() if one.certain_times]
    order = in_order([one for one in times if len(one.held) > 1])
    since = orders.history.since if orders.history is not None else None
    clues = []
    if order and order[0].always:
        first = order[0]
        if len(order) > 1:
            reason = "never after another time of its row"
            clues.append(Clue(first.name, 2.0, reason))
        else:
            clues.append(Clue(first.name, 0.5, "the only time of its row"))
    if since is not None:
        reason = f"is the time of the last row of {orders.history.table}"  # type: ignore[union-attr]
        found.choose("state_since", [Clue(since, PROOF, reason, True)])
    found.choose("placed_at", [one for one in clues if one.column not in found.columns.values()])
    ahead = [one for one in found.free() if one.certain_times and _ahead(one)]
    found.choose("promised_at", [Clue(one.name, 1.0, _FUTURE) for one in ahead])
    if since is None:
        _since(found, survey, orders)


def _since(found: ColumnsFound, survey: Survey, orders: Orders) -> None:
    """Where no column holds the time of the last change: that change itself, or else the time that
    comes last in its row, which is a question."""
    words = vocabulary().fields["orders"]["state_since"]
    named = [
        one
        for one in found.free()
        if one.times and strength(one.name, words)[0] == 3 and not _moves(one.name)
    ]
    if orders.history is not None and not named:
        made = joined.last_change(
            survey, orders.table, orders.history, found.columns.get("placed_at")
        )
        reason = f"the last {orders.history.table}.{orders.history.at} of the order"
        found.take("state_since", made.name, Judged("guess", reason))
        return
    free = [one for one in found.free() if one.times]
    moving = [Clue(one.name, 0.0, _MOVING, doubt=True) for one in free if _moves(one.name)]
    later = [one for one in in_order([one for one in free if one.certain_times])[-1:] if not moving]
    last = [Clue(one.name, 0.6, _LAST, doubt=True) for one in later]
    found.choose("state_since", [*moving, *last], needed=True)


def _moves(name: str) -> bool:
    return "_".join(words_of(name)) in vocabulary().moving


def _ahead(column: ColumnSeen) -> bool:
    """Whether some of its times are yet to come, by more than a zone could explain."""
    now = column.now.timestamp()
    return any(
        (at := column.moment(value)) is not None and at > now + 86400 for value in column.held
    )


def _total(found: ColumnsFound, orders: Orders) -> None:
    clues: dict[str, Clue] = {}
    for one in orders.agreements:
        if one.total in clues or one.share < 0.5:
            continue
        clues[one.total] = Clue(one.total, 4.0 * one.share, one.says, one.proves)
    best = max((one.weight for one in clues.values()), default=0.0)
    alike = [one for one in clues.values() if one.proves and best - one.weight < 0.2]
    told = list(clues.values())
    if len(alike) > 1:  # equal in most orders: the name decides, and it stays a guess
        told = [Clue(one.column, one.weight, one.reason, False) for one in told]
    elif len(alike) == 1:
        told = [
            one if one is alike[0] else Clue(one.column, one.weight, one.reason) for one in told
        ]
    found.choose("total", told, needed=True)


def _number(found: ColumnsFound) -> None:
    clues = [
        Clue(one.name, 2.5, f"a short text, no two the same ({one.shown(1)})", one.unique)
        for one in found.free()
        if one.readable and one.nearly_unique and one.always and not one.phones
    ]
    if found.choose("number", clues) is None:
        if len(clues) > 1:
            names = ", ".join(one.column for one in clues)
            found.ask("number", f"any of these could be what people call an order by: {names}")
        elif "key" in found.columns:
            reason = "nothing else that people could call an order by: its key"
            found.take("number", found.columns["key"], Judged("guess", reason), 0.0)


def _customer(found: ColumnsFound, survey: Survey) -> None:
    clues = []
    for one in found.free():
        link = next((link for link in found.table.links if link.column == one.name), None)
        if link is None or link.table == found.table.name:
            continue
        above = survey.tables.get(link.table)
        if above is None:
            continue
        known = table_strength(link.table, "customers")
        if one.nearly_unique and not known:  # people come again; an address may be each order's own
            continue
        speaks = any((c.languages and c.few) or c.phones for c in above.columns.values())
        weight = 1.0 * known + 1.5 * speaks + 0.5 * (len(one.counts) > 20)
        proves = link.declared and (known == 3 or speaks)
        clues.append(Clue(one.name, weight, link.reason, proves))
    if found.choose("customer", clues) is None and not clues:
        _people(found)


def _people(found: ColumnsFound) -> None:
    """Whole numbers that come again, and refer to nothing that is there: whose the orders are?"""
    decimals = any(one.kind == "decimal" for one in sums.amounts(found.table))
    again = [
        one
        for one in found.free()
        if one.kind == "integer" and not (one.times or one.few or one.nearly_unique)
    ]
    if decimals and again:
        names = ", ".join(f"{one.name} ({one.shown()})" for one in again)
        found.ask("customer", f"is it the customer's number, which comes again: {names}?")


def _parts(found: ColumnsFound) -> None:
    """What the total is made of: list − discount + shipping, where that holds in every order."""
    total = found.columns.get("total")
    if total is None:
        return
    money = [one for one in sums.amounts(found.table) if one.name in {c.name for c in found.free()}]
    if not 2 <= len(money) <= _PARTS:
        return
    rows = found.table.rows
    used = [one for one in money if sum(bool(row[one.name]) for row in rows) >= 0.02 * len(rows)]
    for goods, off, sent in permutations(used, 3):
        held = [
            numbers([row[goods.name], row[off.name], row[sent.name], row[total]]) for row in rows
        ]
        whole = [one for one in held if len(one) == 4]
        same = sum(a - b + c == cost for a, b, c, cost in whole)
        larger = sum(a - c for a, _, c, _ in whole) > Decimal(0)
        if len(whole) >= 5 and same >= 0.9 * len(whole) and larger:
            reason = f"{goods.name} − {off.name} + {sent.name} is {total} in nearly every order"
            for name, column in (("list", goods), ("discount", off), ("shipping", sent)):
                found.take(name, column.name, Judged("guess", reason))
            return


def _reached(found: ColumnsFound) -> None:
    """How its customer is reached, and where it goes."""
    for name, holds, what in (
        ("phone", "phones", "holds numbers of telephones"),
        ("postcode", "postcodes", "holds what looks like postcodes"),
        ("address", "addresses", "holds several words with numbers, as addresses do"),
    ):
        fit = [one for one in found.free() if getattr(one, holds) and not one.unique]
        clues = [Clue(one.name, 1.5, f"{what} ({one.shown(1)})") for one in fit]
        # Of two addresses, the one to which it is sent.
        clues += [
            Clue(one.name, 0.5, "where it is sent to")
            for one in found.free()
            if one.join is not None
            and vocabulary().sending & set(words_of(one.name.partition(".")[0]))
            and (one in fit or strength(one.name, vocabulary().fields["orders"][name])[0] >= 2)
        ]  # fmt: skip
        clues += [
            Clue(one.name, -_NONE, "of another kind")
            for one in found.free()
            if vocabulary().no_places & set(words_of(one.name))
        ]
        found.choose(name, clues)
