"""Others found: parcels, what carriers say of them, stock, requests, customers and jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.shop.inspection.around import Around, Finder, begun, first_time, state_of
from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import Clue, ColumnsFound, in_order, keyed, linked, tongue
from checks.shop.inspection.survey import TableSeen
from checks.shop.inspection.vocabulary import table_strength

_TRACKED = re.compile(r"(?=.*\d)[A-Z0-9-]{8,30}$", re.IGNORECASE)


def shipments(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders; when it left, and when it came."""
    found = begun(around, "shipments", table)
    if found is None or any(one.currencies and not one.made for one in table.columns.values()):
        return None  # what is in a currency is money
    numbers_of = [
        one
        for one in found.free()
        if one.readable and one.nearly_unique and len(one.held) >= 3 and not one.counting
        and all(_TRACKED.match(str(value)) for value in one.held)
    ]  # fmt: skip
    tracked = [Clue(one.name, 2.0, f"numbers of parcels ({one.shown(1)})") for one in numbers_of]
    found.choose("tracking", tracked if len(tracked) == 1 else [])
    state_of(found, "shipments.state", [], needed=False)
    _sent(found)
    words = [one for one in found.free() if one.kind == "text" and one.few and one.always]
    words = [one for one in words if not one.currencies]
    words = [one for one in words if len(one.counts) > 1] or words
    who = [Clue(one.name, 0.6, f"a word in every row ({one.shown(3)})") for one in words]
    found.choose("carrier", who if len(who) == 1 else [])
    return found if {"state", "tracking", "shipped_at"} & found.columns.keys() else None


def _sent(found: ColumnsFound) -> None:
    """Two times of which one comes after the other, and that not every row has."""
    times = [one for one in found.free() if one.certain_times and one.held]
    order = in_order(times)
    if len(order) == 2 and not order[1].always and len(order[0].held) >= len(order[1].held):
        first, last = order
        reason = f"comes before {last.name}, and more rows have it"
        found.choose("shipped_at", [Clue(first.name, 1.5, reason)])
        reason = f"comes after {first.name}, and fewer rows have it"
        found.choose("delivered_at", [Clue(last.name, 1.5, reason)])
        return
    found.choose("delivered_at")
    found.choose("shipped_at")


def tracking_events(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to parcels, many to one."""
    parcels = around.placed.get("shipments")
    if parcels is None or parcels.name == table.name:
        return None
    found = ColumnsFound("tracking_events", table)
    if not linked(found, "shipment_key", parcels.name):
        return None
    state_of(found, "tracking_events.state", [])
    first_time(found, "at", needed=True)
    texts = [one for one in found.free() if one.kind == "text"]
    said = [Clue(one.name, 0.6, f"a text ({one.shown(1)})") for one in texts if len(texts) == 1]
    found.choose("what", said)
    return found


def return_requests(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, with a state, a reason and when."""
    found = begun(around, "return_requests", table)
    if found is None:
        return None
    state_of(found, "return_requests.state", [])
    first_time(found, "asked_at", needed=True)
    texts = [one for one in found.free() if one.kind == "text" and not one.currencies]
    why = [Clue(one.name, 0.6, f"a text ({one.shown(2)})") for one in texts if len(texts) == 1]
    found.choose("reason", why)
    return found


def cancel_requests(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, with a time."""
    found = begun(around, "cancel_requests", table, key=False)
    if found is None:
        return None
    first_time(found, "asked_at", needed=True)
    return found


def tickets(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Opened, and answered later or not yet."""
    found = ColumnsFound("tickets", table)
    keyed(found)
    linked(found, "order_key", around.orders.table.name)
    state_of(found, "tickets.state", [])
    times = in_order([one for one in found.free() if one.certain_times and one.held])
    first = [one for one in times if one.always][:1]
    later = [one for one in times if not one.always]
    opened = [Clue(one.name, 1.5, "every row has it, before any other time") for one in first]
    found.choose("opened_at", opened, needed=True)
    answered = [Clue(one.name, 1.0, "comes later, and not every row has it") for one in later]
    found.choose("answered_at", answered if len(answered) == 1 else [])
    return found if {"state", "opened_at"} <= found.columns.keys() else None


def stock(around: Around, table: TableSeen) -> ColumnsFound | None:
    """An article a row, how many there are and how many are promised."""
    lines = around.placed.get("order_lines")
    up = lines.link_to(around.orders.table.name) if lines is not None else None
    articles = {
        value
        for column in (lines.columns.values() if lines is not None else ())
        if column.kind == "text" and not column.key
        if up is None or column.name != up.column
        for value in column.counts
    }
    found = ColumnsFound("stock", table)
    same = [
        one
        for one in table.columns.values()
        if one.kind == "text" and one.nearly_unique and len(articles & set(one.counts)) >= 3
    ]
    told = [Clue(one.name, 4.0, "holds the articles of the orders' lines") for one in same]
    found.choose("sku", told)
    counts = [
        one
        for one in found.free()
        if one.kind == "integer" and not (one.times or one.key or one.made)
        and not any(link.declared and link.column == one.name for link in table.links)
    ]  # fmt: skip
    if told:  # what counts an article refers to nothing: that its numbers are keys is chance
        by_chance = {one.name for one in counts}
        table.links = [one for one in table.links if one.column not in by_chance]
    if len(counts) == 2 and told:
        more, less = sorted(counts, key=_sum, reverse=True)
        found.choose("on_hand", [Clue(more.name, 1.0, f"more of it than of {less.name}")])
        found.choose("reserved", [Clue(less.name, 1.0, f"less of it than of {more.name}")])
    else:
        found.choose("on_hand")
        found.choose("reserved")
    whole = {"sku", "on_hand", "reserved"} <= found.columns.keys()
    once = whole and table.columns[found.columns["sku"]]
    return found if once and len(once.held) == len(once.counts) else None


def _sum(column: ColumnSeen) -> float:
    return float(sum(numbers(column.held)))


def jobs(_around: Around, table: TableSeen) -> ColumnsFound | None:
    """What ran, from when to when, and how it went."""
    found = ColumnsFound("jobs", table)
    keyed(found)
    for name in ("kind", "state"):
        state_of(found, f"jobs.{name}", [], field=name, needed=False)
    times = in_order([one for one in found.free() if one.certain_times and one.held])
    if len(times) == 2:
        found.choose("started_at", [Clue(times[0].name, 1.0, "comes before the other time")])
        found.choose("ended_at", [Clue(times[1].name, 1.0, "comes after the other time")])
    else:
        found.choose("started_at")
        found.choose("ended_at")
    texts = [one for one in found.free() if one.kind == "text" and not one.nearly_unique]
    found.choose(
        "name",
        [Clue(one.name, 0.6, f"a text ({one.shown(2)})") for one in texts[:1] if len(texts) == 1],
    )
    _moved(found)
    return found if "started_at" in found.columns else None


def _moved(found: ColumnsFound) -> None:
    """Two counts that are mostly the same: what moved, and what should have."""
    counts = [c for c in found.free() if c.kind == "integer" and not c.times and not c.few]
    equal = len(counts) == 2 and all(c.held for c in counts)
    if equal:
        one, other = counts
        pairs = list(zip(one.values, other.values, strict=True))
        equal = sum(a == b for a, b in pairs) >= 0.8 * len(pairs)
    # Which of the two is which the rows do not say; where both are equal it is no matter.
    told = ["mostly the same as the other count"] if equal else []
    found.choose("rows", [Clue(c.name, 1.0, why) for c in counts[:1] for why in told])
    found.choose("expected", [Clue(c.name, 1.0, why) for c in counts[1:] for why in told])


def customers(around: Around, table: TableSeen) -> ColumnsFound | None:
    """What the orders refer to, and says which language they read."""
    link = around.orders.table.link_to(table.name)
    named = table_strength(table.name, "customers") == 3
    if link is None and not named:
        return None
    found = ColumnsFound("customers", table)
    keyed(found)
    tags = [one for one in found.free() if one.languages and one.few]
    told = [tongue(one) for one in tags]
    found.choose("language", told if len(told) == 1 else [])
    return found if {"key", "language"} <= found.columns.keys() else None


OTHERS: Mapping[str, Finder] = {
    "shipments": shipments,
    "tracking_events": tracking_events,
    "stock": stock,
    "customers": customers,
    "return_requests": return_requests,
    "cancel_requests": cancel_requests,
    "tickets": tickets,
    "jobs": jobs,
}
