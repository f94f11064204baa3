"""Orders: placing, moving from state to state, looking at one whole."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.shop.clock import stamp
from sandbox.shop.people import COURIERS, CUSTOMERS
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import Row, one, rows

__all__ = [
    "CURRENCY",
    "STATUSES",
    "NewOrder",
    "balance",
    "draw",
    "due",
    "find",
    "hold",
    "insert",
    "journal_id",
    "move_on",
    "patch",
    "replace",
    "set_status",
    "summary",
    "whole",
]

CURRENCY = "TWD"
STATUSES = (
    "awaiting_payment",
    "paid",
    "dispatched",
    "delivered",
    "completed",
    "cancelled",
    "refunded",
)
# Minutes after which an order moves on by itself: from, to, shortest, longest.
_MOVES_ON = {
    "awaiting_payment": ("cancelled", 20 * 60, 21 * 60),
    "paid": ("dispatched", 25, 90),
    "dispatched": ("delivered", 16 * 60, 34 * 60),
    "delivered": ("completed", 24 * 60, 60 * 60),
}


@dataclass(frozen=True)
class NewOrder:
    """What an order is before it has a number. Amounts in minor units."""

    customer_id: int
    list_minor: int
    discount_minor: int
    shipping_minor: int

    @property
    def total_minor(self) -> int:
        return self.list_minor - self.discount_minor + self.shipping_minor


def draw(rng: random.Random, customer_id: int | None = None, total: int | None = None) -> NewOrder:
    """A plausible order; with `total` (minor units), one of exactly that total."""
    customer = customer_id or rng.randint(1, CUSTOMERS)
    shipping = rng.choice((0, 6000, 8000))
    discount = rng.choice((0, 0, 0, 5000, 10000))
    goods = rng.randint(38, 420) * 1000 if total is None else total - shipping + discount
    return NewOrder(customer, goods, discount, shipping)


def insert(
    c: sqlite3.Connection,
    rng: random.Random,
    new: NewOrder,
    at: datetime,
    *,
    status: str = "awaiting_payment",
    by: str = "customer",
    replaces: int | None = None,
    pays_link: bool = True,
) -> Row:
    """Writes the order with its first event. Gives the row."""
    if new.total_minor < 0:
        raise Problem(422, "invalid_field", "The discount is larger than the order.")
    cursor = c.execute(
        "INSERT INTO orders (number, customer_id, status, status_since, created_at, total_minor, "
        "list_minor, discount_minor, shipping_minor, currency, courier, route, replaces) "
        "VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.customer_id,
            status,
            stamp(at),
            stamp(at),
            new.total_minor,
            new.list_minor,
            new.discount_minor,
            new.shipping_minor,
            CURRENCY,
            rng.choice(COURIERS),
            rng.choice(("north-hub", "central-hub", "south-hub")),
            replaces,
        ),
    )
    order_id = int(cursor.lastrowid or 0)
    number = f"FG-{10_000 + order_id}"
    c.execute("UPDATE orders SET number = ? WHERE id = ?", (number, order_id))
    c.execute("INSERT INTO journal VALUES (?, ?, ?)", (order_id, number, new.total_minor))
    _event(c, order_id, None, status, at, by)
    c.execute(
        "INSERT INTO order_plan VALUES (?, ?, NULL, ?)",
        (order_id, _next_at(order_id, status, at), int(pays_link)),
    )
    found = one(c, "SELECT * FROM orders WHERE id = ?", (order_id,))
    assert found is not None  # noqa: S101 - written just above
    return found


def set_status(c: sqlite3.Connection, order: Row, status: str, at: datetime, by: str) -> None:
    """Moves the order, writes the event, plans what comes next. The row is brought up to date."""
    _event(c, order["id"], order["status"], status, at, by)
    order |= {"status": status, "status_since": stamp(at)}
    c.execute(
        "UPDATE orders SET status = ?, status_since = ? WHERE id = ?",
        (status, stamp(at), order["id"]),
    )
    c.execute(
        "UPDATE order_plan SET next_at = ?, held = NULL WHERE order_id = ?",
        (_next_at(order["id"], status, at), order["id"]),
    )


def hold(c: sqlite3.Connection, order_id: int, why: str) -> None:
    """The order stays where it is until a person moves it or the fault is taken away."""
    c.execute("UPDATE order_plan SET next_at = NULL, held = ? WHERE order_id = ?", (why, order_id))


def due(c: sqlite3.Connection, now: datetime, limit: int = 500) -> list[Row]:
    """Orders that move on by themselves by now, the earliest first."""
    return rows(
        c,
        "SELECT o.*, p.next_at FROM order_plan p JOIN orders o ON o.id = p.order_id "
        "WHERE p.next_at <= ? ORDER BY p.next_at LIMIT ?",
        (stamp(now), limit),
    )


def move_on(c: sqlite3.Connection, order: Row, at: datetime) -> None:
    """The next state of an order's normal life. An unpaid one with an open result waits."""
    status = str(order["status"])
    following, _, _ = _MOVES_ON[status]
    if status == "awaiting_payment" and _has_open_result(c, order["id"]):
        hold(c, order["id"], "unknown payment")
        return
    set_status(c, order, following, at, "shop" if following != "delivered" else "courier")


def _has_open_result(c: sqlite3.Connection, order_id: int) -> bool:
    return (
        one(
            c,
            "SELECT 1 AS x FROM payments WHERE order_id = ? AND status IN ('unknown', 'created')",
            (order_id,),
        )
        is not None
    )


def _event(
    c: sqlite3.Connection, order_id: int, start: str | None, end: str, at: datetime, by: str
) -> None:
    c.execute(
        'INSERT INTO order_events (order_id, from_status, to_status, at, "by") '
        "VALUES (?, ?, ?, ?, ?)",
        (order_id, start, end, stamp(at), by),
    )


def _next_at(order_id: int, status: str, at: datetime) -> str | None:
    """Differs from order to order, is the same for one order in every run."""
    if status not in _MOVES_ON:
        return None
    _, least, most = _MOVES_ON[status]
    seconds = least * 60 + (order_id * 7919) % ((most - least) * 60)
    return stamp(at + timedelta(seconds=seconds))


def find(c: sqlite3.Connection, reference: str) -> Row:
    """By id (482) or number (FG-10482). Raises Problem 404."""
    found = one(c, "SELECT * FROM orders WHERE number = ?", (reference.strip().upper(),))
    if found is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        found = one(c, "SELECT * FROM orders WHERE id = ?", (int(reference),))
    if found is None:
        raise Problem(404, "order_not_found", f"There is no order “{reference[:40]}”.")
    return found


def journal_id(c: sqlite3.Connection, reference: str) -> int:
    """By id or number, also of an order whose data are lost. Raises Problem 404."""
    found = one(
        c,
        "SELECT order_id FROM journal WHERE number = ? OR CAST(order_id AS TEXT) = ?",
        (reference.upper(), reference),
    )
    if found is None:
        raise Problem(404, "order_not_found", f"There is no order “{reference[:40]}”.")
    return int(found["order_id"])


def balance(c: sqlite3.Connection, order: Row) -> Row:
    """captured, refunded and what is left over (+) or owed (−), in minor units."""
    captured = c.execute(
        "SELECT coalesce(sum(amount_minor), 0) FROM payments "
        "WHERE order_id = ? AND status = 'captured'",
        (order["id"],),
    ).fetchone()[0]
    refunded = c.execute(
        "SELECT coalesce(sum(amount_minor), 0) FROM refunds "
        "WHERE order_id = ? AND status = 'succeeded'",
        (order["id"],),
    ).fetchone()[0]
    return {
        "captured_minor": captured,
        "refunded_minor": refunded,
        "balance_minor": captured - refunded - order["total_minor"],
    }


def whole(c: sqlite3.Connection, order: Row) -> Row:
    """The order with everything that hangs on it."""
    by_order = (order["id"],)
    found = {name: value for name, value in order.items() if name != "replaces"}
    sums = balance(c, order)
    return {
        **found,
        **sums,
        "paid": sums["captured_minor"] > 0 and sums["balance_minor"] >= 0,
        "customer": one(c, "SELECT * FROM customers WHERE id = ?", (order["customer_id"],)),
        "payments": rows(
            c, "SELECT * FROM payments WHERE order_id = ? ORDER BY created_at, id", by_order
        ),
        "refunds": rows(
            c, "SELECT * FROM refunds WHERE order_id = ? ORDER BY created_at, id", by_order
        ),
        "payment_links": rows(
            c, "SELECT * FROM payment_links WHERE order_id = ? ORDER BY created_at, id", by_order
        ),
        "compensations": rows(
            c, "SELECT * FROM compensations WHERE order_id = ? ORDER BY created_at, id", by_order
        ),
        "messages": rows(c, "SELECT * FROM messages WHERE order_id = ? ORDER BY id", by_order),
        "events": rows(
            c,
            'SELECT from_status, to_status, at, "by" FROM order_events '
            "WHERE order_id = ? ORDER BY at, id",
            by_order,
        ),
        "replacements": [
            row["number"]
            for row in rows(c, "SELECT number FROM orders WHERE replaces = ? ORDER BY id", by_order)
        ],
    }


def patch(c: sqlite3.Connection, order: Row, body: Body, now: datetime) -> bool:
    """Changes status, amounts, courier or route. False when everything was so already."""
    allowed = {
        "status",
        "total_minor",
        "list_minor",
        "discount_minor",
        "shipping_minor",
        "courier",
        "route",
    }
    wrong = sorted(set(body.fields) - allowed)
    if wrong or not body.fields:
        named = f"“{wrong[0]}” cannot be changed" if wrong else "Nothing to change was given"
        raise Problem(422, "invalid_field", f"{named}: give {', '.join(sorted(allowed))}.")
    before = {name: order[name] for name in allowed}
    _amounts(order, body)
    for name in ("courier", "route"):
        if name in body.fields:
            order[name] = body.text(name, most=40)
    c.execute(
        "UPDATE orders SET total_minor = ?, list_minor = ?, discount_minor = ?, "
        "shipping_minor = ?, courier = ?, route = ? WHERE id = ?",
        (
            order["total_minor"],
            order["list_minor"],
            order["discount_minor"],
            order["shipping_minor"],
            order["courier"],
            order["route"],
            order["id"],
        ),
    )
    c.execute(
        "UPDATE journal SET total_minor = ? WHERE order_id = ?", (order["total_minor"], order["id"])
    )
    if "status" in body.fields:
        status = body.choice("status", STATUSES)
        if status != order["status"]:
            set_status(c, order, status, now, "operator")
    return before != {name: order[name] for name in allowed}


def _amounts(order: Row, body: Body) -> None:
    """Parts and total always agree: a new total alone is booked as a change of the discount."""
    parts = ("list_minor", "discount_minor", "shipping_minor")
    for name in parts:
        if name in body.fields:
            order[name] = body.minor(name, least=0)
    summed = order["list_minor"] - order["discount_minor"] + order["shipping_minor"]
    if "total_minor" not in body.fields:
        total = summed
    else:
        total = body.minor("total_minor", least=0)
        if any(name in body.fields for name in parts):
            if total != summed:
                raise Problem(
                    422, "amounts_disagree", "The total is not list − discount + shipping."
                )
        else:
            order["discount_minor"] += summed - total
            if order["discount_minor"] < 0:  # dearer than the list price: the list price was wrong
                order["list_minor"] -= order["discount_minor"]
                order["discount_minor"] = 0
    if total < 0:
        raise Problem(422, "invalid_field", "The discount is larger than the order.")
    order["total_minor"] = total


def replace(c: sqlite3.Connection, rng: random.Random, order: Row, now: datetime) -> Row:
    """A new order of the same goods at no charge, ready to be dispatched."""
    goods = NewOrder(order["customer_id"], order["list_minor"], order["list_minor"], 0)
    return insert(c, rng, goods, now, status="paid", by="operator", replaces=order["id"])


def summary(order: Row) -> dict[str, Any]:
    """What an action on an order answers."""
    names = ("id", "number", "status", "status_since", "total_minor", "currency", "route")
    return {name: order[name] for name in names}
