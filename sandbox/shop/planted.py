"""Planted: faults that lie in the data, stuck orders, wrong transitions, wrong amounts, lost
orders.
"""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import datetime, timedelta

from sandbox.shop import channels, orders, payments
from sandbox.shop.clock import stamp
from sandbox.shop.store import Row, rows

__all__ = [
    "STUCK_HOURS",
    "correct_amounts",
    "lose",
    "mismatch",
    "recover_lost",
    "release",
    "stick",
    "transition",
    "verify",
]

STUCK_HOURS = {"awaiting_payment": 30, "paid": 60, "dispatched": 260}
_GOES_ON = {"awaiting_payment": "paid", "paid": "dispatched", "dispatched": "delivered"}
_WAYS = ("paid", "dispatched", "delivered")


def stick(
    c: sqlite3.Connection, rng: random.Random, count: int, hours: float, status: str, now: datetime
) -> list[str]:
    """Orders that have stood in the state for `hours`. An unpaid one's money is there already."""
    since = now - timedelta(hours=hours)
    numbers = []
    for index in range(count):
        at = since - timedelta(minutes=11 * index)
        order = _paid_order(c, rng, at - timedelta(minutes=3), book=status != "awaiting_payment")
        if status == "dispatched":
            orders.set_status(c, order, "dispatched", at, "shop")
        elif status == "awaiting_payment":
            c.execute("UPDATE orders SET status_since = ? WHERE id = ?", (stamp(at), order["id"]))
        orders.hold(c, order["id"], "orders_stuck")
        numbers.append(str(order["number"]))
    return numbers


def _paid_order(
    c: sqlite3.Connection,
    rng: random.Random,
    at: datetime,
    *,
    amount_off: int = 0,
    book: bool = True,
) -> Row:
    order = orders.insert(c, rng, orders.draw(rng), at)
    payments.attempt(
        c,
        order,
        at + timedelta(seconds=40),
        channel=channels.carrier(c, "card"),
        outcome=channels.CAPTURED,
        amount_minor=order["total_minor"] + amount_off,
        book=book and amount_off >= 0,
    )
    if book and amount_off < 0:  # the shop did not notice that money is missing
        orders.set_status(c, order, "paid", at + timedelta(seconds=42), "shop")
    return order


def release(c: sqlite3.Connection, now: datetime) -> None:
    """Whatever is still stuck goes on."""
    for order in rows(
        c,
        "SELECT o.* FROM orders o JOIN order_plan p ON p.order_id = o.id "
        "WHERE p.held IN ('orders_stuck', 'wrong_transition')",
    ):
        orders.set_status(c, order, _GOES_ON[order["status"]], now, "shop")


def transition(
    c: sqlite3.Connection, rng: random.Random, count: int, start: str, end: str, now: datetime
) -> list[str]:
    """Orders that went from `start` to `end`, which the order of states does not allow."""
    numbers = []
    for index in range(count):
        at = now - timedelta(minutes=20 + index)
        order = _paid_order(c, rng, at - timedelta(hours=30))
        for step in _WAYS[1 : _WAYS.index(start) + 1]:
            orders.set_status(c, order, step, at - timedelta(hours=26), "shop")
        orders.set_status(c, order, end, at, "batch-import")
        orders.hold(c, order["id"], "wrong_transition")
        numbers.append(str(order["number"]))
    return numbers


def mismatch(
    c: sqlite3.Connection, rng: random.Random, over: int, under: int, minor: int, now: datetime
) -> list[str]:
    """Orders whose coupon was taken off after the payment (over), or applied twice (under)."""
    numbers = []
    for index in range(over + under):
        off = minor if index < over else -minor
        order = _paid_order(
            c, rng, now - timedelta(minutes=40 + 3 * index), amount_off=off, book=True
        )
        orders.hold(c, order["id"], "amount_mismatch")
        numbers.append(str(order["number"]))
    return numbers


def correct_amounts(c: sqlite3.Connection, now: datetime) -> None:
    """Orders that still differ take the amount that was paid; then they go on."""
    for order in rows(
        c,
        "SELECT o.* FROM orders o JOIN order_plan p ON p.order_id = o.id "
        "WHERE p.held = 'amount_mismatch'",
    ):
        off = orders.balance(c, order)["balance_minor"]
        c.execute(
            "UPDATE orders SET total_minor = total_minor + ?, list_minor = list_minor + ? "
            "WHERE id = ?",
            (off, off, order["id"]),
        )
        c.execute(
            "UPDATE journal SET total_minor = total_minor + ? WHERE order_id = ?",
            (off, order["id"]),
        )
        orders.set_status(c, order, "dispatched", now, "shop")


def lose(c: sqlite3.Connection, count: int) -> list[str]:
    """The last paid orders vanish with their history; payments and receipts keep them known."""
    numbers = []
    for order in rows(
        c,
        "SELECT o.* FROM orders o WHERE EXISTS (SELECT 1 FROM payments p "
        "WHERE p.order_id = o.id AND p.status = 'captured') AND o.status = 'paid' "
        "ORDER BY o.created_at DESC, o.id DESC LIMIT ?",
        (count,),
    ):
        events = rows(c, "SELECT * FROM order_events WHERE order_id = ?", (order["id"],))
        c.execute(
            "INSERT INTO lost_orders VALUES (?, ?, ?)",
            (order["id"], json.dumps(order), json.dumps(events)),
        )
        c.execute("DELETE FROM orders WHERE id = ?", (order["id"],))
        c.execute("DELETE FROM order_events WHERE order_id = ?", (order["id"],))
        numbers.append(str(order["number"]))
    return numbers


def recover_lost(c: sqlite3.Connection) -> list[str]:
    """Brings the lost orders back as they were."""
    numbers = []
    for lost in rows(c, "SELECT * FROM lost_orders ORDER BY order_id"):
        order = json.loads(lost["data"])
        _write_back(c, "orders", order)
        for event in json.loads(lost["events"]):
            event.pop("id")
            _write_back(c, "order_events", event)
        numbers.append(str(order["number"]))
    c.execute("DELETE FROM lost_orders")
    return numbers


def _write_back(c: sqlite3.Connection, table: str, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    places = ", ".join("?" * len(row))
    c.execute(
        f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 - our own names
        tuple(row.values()),
    )


def verify(c: sqlite3.Connection) -> Row:
    """The orders there are beside what receipts and payments know: counts, sums, the missing."""
    expected, expected_sum = c.execute(
        "SELECT count(*), coalesce(sum(total_minor), 0) FROM journal"
    ).fetchone()
    found, found_sum = c.execute(
        "SELECT count(*), coalesce(sum(total_minor), 0) FROM orders"
    ).fetchone()
    missing = [
        row["number"]
        for row in rows(
            c,
            "SELECT j.number FROM journal j LEFT JOIN orders o ON o.id = j.order_id "
            "WHERE o.id IS NULL ORDER BY j.order_id",
        )
    ]
    return {
        "ok": not missing and expected == found and expected_sum == found_sum,
        "orders_expected": expected,
        "orders_found": found,
        "missing": missing,
        "sum_expected_minor": expected_sum,
        "sum_found_minor": found_sum,
    }
