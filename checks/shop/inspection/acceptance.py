"""Acceptance of a table as an entity: what its name says, and what its rows prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checks.shop.inspection.around import Around
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.columns_found import ColumnsFound, in_order
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import Agreement, amounts, priced
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.total_found import goods
from checks.shop.inspection.vocabulary import meaning, table_strength

_MOST = 0.5  # of the orders have what every order has


def _proves(one: ColumnsFound, *names: str) -> bool:
    return all(name in one.judged and one.judged[name].certainty == "sure" for name in names)


def _knows(one: ColumnsFound, name: str = "state") -> int:
    """How many of the words of its state are known, where most are."""
    column = one.columns.get(name)
    if column is None:
        return 0
    words = one.table.columns[column].counts
    known = sum(meaning(f"{one.entity}.{name}", word) is not None for word in words)
    return known if 2 * known > len(words) else 0


def _knows_all(one: ColumnsFound) -> bool:
    column = one.columns.get("state")
    return column is not None and _knows(one) == len(one.table.columns[column].counts) > 0


def accepted(around: Around, one: ColumnsFound) -> Judged | None:
    """Why the table is the entity; None: nothing says so but its shape."""
    named = table_strength(one.table.name, one.entity)
    why = _RULES[one.entity](around, one)
    if named >= 2 and all(name in one.columns for name in _CORE[one.entity]):
        said = f"by its name; {why}" if why else "by its name"
        proven = why and (named == 3 or one.entity in _CONCLUSIVE)
        return Judged("sure" if proven else "guess", said)
    if why is None:
        return None
    return Judged("sure" if one.entity in _CONCLUSIVE else "guess", why)


def _changes(around: Around, one: ColumnsFound) -> str | None:
    past = around.orders.history
    return past.says if past is not None and past.table == one.table.name else None


def _payments(around: Around, one: ColumnsFound) -> str | None:
    if not ((_proves(one, "amount") or one.doubles) and "created_at" in one.columns):
        return None
    if around.share(one.table) < _MOST:  # what was given back adds up too, in few orders
        return None
    if _article_a_piece(around, one):
        return None
    return "it refers to the orders, and its amounts add up to theirs"


def _article_a_piece(around: Around, one: ColumnsFound) -> bool:
    """Whether it is rather lines: an amount of one piece times how many adds up."""
    return any(
        a.child == one.table.name
        and a.proves
        and a.quantity is not None
        and "state" not in one.columns
        for a in around.orders.agreements
    )


def _refunds(around: Around, one: ColumnsFound) -> str | None:
    if "amount" not in one.columns and not one.doubles:
        return None
    if one.table.part_of is not None and one.table.part_of is around.orders.table.part_of:
        return "rows among the orders that refer to one, with what goes back"
    if "payment_key" in one.columns and around.share(one.table) <= 0.5:
        return "it refers to payments of few orders"
    if not _few(around, one):
        return None
    paid = _of_payments(around, one)
    if paid is not None and _later(around, one):
        return f"it refers to {paid}, whose amounts add up, of few orders, and later than the order"
    back = _counted(around, one)
    if back is not None and _later(around, one):
        return f"{back.says}, which no other order has, and later than the order"
    return "words of refunds in few orders" if _knows_all(one) else None


def _of_payments(around: Around, one: ColumnsFound) -> str | None:
    """What was paid, to which it refers, whatever of it was taken as the payments."""
    paid = {a.child for a in around.orders.agreements if a.proves and a.total == around.total}
    for link in one.table.links:
        there = around.survey.tables.get(link.table)
        if link.table in paid and there is not None and not one.table.columns[link.column].made:
            return None if goods(there) else there.name
    return None


def _counted(around: Around, one: ColumnsFound) -> Agreement | None:
    """What adds up to an amount that stands in the orders alone that have a row of it."""
    columns = around.orders.table.columns
    for agreed in around.orders.agreements:
        if agreed.child != one.table.name or not agreed.proves or agreed.state is not None:
            continue
        filled = sum(bool(value) for value in columns[agreed.total].values)
        if agreed.total != around.total and filled <= 1.1 * agreed.orders + 1:
            return agreed
    return None


def _later(around: Around, one: ColumnsFound) -> bool:
    """Whether most of its rows are more than an hour after their order."""
    placed = next((c for c in in_order(_times(around.orders.table))), None)
    mine = next((c for c in in_order(_times(one.table))), None)
    link = one.table.link_to(around.orders.table.name)
    if placed is None or mine is None or link is None:
        return False
    began = {row[link.key]: placed.moment(row[placed.name]) for row in around.orders.table.rows}
    lags = [
        at - start
        for row in one.table.rows
        if (start := began.get(row[link.column])) is not None
        and (at := mine.moment(row[mine.name])) is not None
    ]
    return len(lags) >= 5 and sum(lag > 3600 for lag in lags) >= 0.8 * len(lags)


def _times(table: TableSeen) -> list[ColumnSeen]:
    return [c for c in table.columns.values() if c.certain_times and c.always and not c.made]


def _few(around: Around, one: ColumnsFound) -> bool:
    return around.share(one.table) <= 0.4


def _lines(around: Around, one: ColumnsFound) -> str | None:
    if _proves(one, "amount") and {"sku", "quantity"} <= one.columns.keys():
        return "an article and how many of it, and its amounts add up to the order's"
    many = around.share(one.table) >= _MOST
    return "an article and how many of it, of most orders" if many else None


def _scans(_: Around, one: ColumnsFound) -> str | None:
    return "the articles of the orders' lines" if "sku" in one.columns else None


def _shipments(around: Around, one: ColumnsFound) -> str | None:
    if "tracking" in one.columns:
        return "numbers of parcels"
    if _knows(one) >= 2:
        return "words of parcels"
    events = _events(around, one)
    return f"{events} refers to it, with words and times of its own" if events else None


def _events(around: Around, one: ColumnsFound) -> str | None:
    """A table that says what became of it, many to one; what has amounts is no parcel's."""
    if not {"shipped_at", "delivered_at"} <= one.columns.keys() or amounts(one.table):
        return None
    for table in around.survey.tables.values():
        link = table.link_to(one.table.name)
        if link is None or not table.rows or amounts(table):
            continue
        columns = table.columns.values()
        many = len(table.rows) > 1.2 * len(table.columns[link.column].counts)
        if many and any(c.few for c in columns) and any(c.certain_times for c in columns):
            return table.name
    return None


def _tracking(_: Around, one: ColumnsFound) -> str | None:
    return "it refers to the parcels" if {"state", "at"} <= one.columns.keys() else None


def _stock(_: Around, one: ColumnsFound) -> str | None:
    return "the articles of the orders' lines, one a row"


def _customers(_: Around, one: ColumnsFound) -> str | None:
    return "the orders refer to it, and it holds languages"


def _returns(around: Around, one: ColumnsFound) -> str | None:
    known = _knows(one) >= 2 and "asked_at" in one.columns and "reason" in one.columns
    return "words of requests, a text and a time" if known and _few(around, one) else None


def _cancels(around: Around, one: ColumnsFound) -> str | None:
    rest = [c for c in one.table.columns.values() if c.name not in one.columns.values()]
    bare = all(c.key or c.kind == "nothing" for c in rest)
    return "the orders and a time alone, of few orders" if bare and _few(around, one) else None


def _tickets(_: Around, one: ColumnsFound) -> str | None:
    return (
        "words of questions and answers"
        if _knows(one) >= 2 and "answered_at" in one.columns
        else None
    )


def _jobs(_: Around, one: ColumnsFound) -> str | None:
    return "words of jobs" if _knows(one, "kind") and _knows(one) >= 1 else None


_RULES: Mapping[str, Callable[[Around, ColumnsFound], str | None]] = {
    "state_changes": _changes,
    "payments": _payments,
    "order_lines": _lines,
    "refunds": _refunds,
    "scans": _scans,
    "shipments": _shipments,
    "tracking_events": _tracking,
    "stock": _stock,
    "customers": _customers,
    "return_requests": _returns,
    "cancel_requests": _cancels,
    "tickets": _tickets,
    "jobs": _jobs,
}
_CONCLUSIVE = ("state_changes", "payments")
_CORE: Mapping[str, tuple[str, ...]] = {
    "state_changes": ("order_key", "from_state", "to_state"),
    "payments": ("order_key",),
    "order_lines": ("order_key", "sku", "quantity"),
    "refunds": ("order_key",),
    "scans": ("order_key", "sku"),
    "shipments": ("order_key",),
    "tracking_events": ("shipment_key",),
    "stock": ("sku", "on_hand", "reserved"),
    "customers": ("key", "language"),
    "return_requests": ("order_key",),
    "cancel_requests": ("order_key",),
    "tickets": ("state",),
    "jobs": ("kind", "state"),
}


def shaped(around: Around, one: ColumnsFound) -> bool:
    """Whether a person should be asked if the table is it: all that it must have is there, and
    nothing that it would not have."""
    if one.entity not in _SHAPE or not set(_SHAPE[one.entity]) <= one.columns.keys():
        return False
    if one.entity == "payments":
        return around.share(one.table) >= _MOST
    if one.entity != "refunds" and any(c.currencies for c in one.table.columns.values()):
        return False  # what is in a currency is money
    if one.entity in ("return_requests", "shipments", "tickets") and priced(one.table):
        return False
    return one.entity in ("tickets", "jobs") or _few(around, one) or one.entity == "shipments"


_SHAPE: Mapping[str, tuple[str, ...]] = {
    "payments": ("order_key", "amount", "created_at"),
    "refunds": ("order_key", "amount", "state"),
    "shipments": ("order_key", "state", "shipped_at", "delivered_at"),
    "return_requests": ("order_key", "state", "asked_at", "reason"),
    "tickets": ("state", "opened_at", "answered_at"),
    "jobs": ("started_at", "ended_at", "rows", "expected"),
}
