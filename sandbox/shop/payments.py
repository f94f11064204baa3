"""Payments: attempts through a channel, asking for their result, refunds, booking as paid."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from sandbox.shop import channels, orders
from sandbox.shop.board import CHANNELS, condition, refunds_fail
from sandbox.shop.channels import Outcome
from sandbox.shop.clock import stamp
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import Row, next_value, one

__all__ = ["attempt", "find", "mark_paid", "query", "refund"]

_PREFIX = {"northpay": "np", "harborpay": "hp"}


def attempt(
    c: sqlite3.Connection,
    order: Row,
    at: datetime,
    *,
    channel: str,
    method: str = "card",
    outcome: Outcome | None = None,
    amount_minor: int | None = None,
    book: bool = True,
) -> Row:
    """One try to pay; without `outcome` the channel decides. `book`: a paid order is marked so."""
    result = outcome or channels.next_outcome(c, channel)
    number = next_value(c, "payment", 30_001)
    payment = {
        "id": f"{_PREFIX.get(channel, 'bt')}_{number}",
        "order_id": order["id"],
        "channel": channel,
        "method": method,
        "amount_minor": order["total_minor"] if amount_minor is None else amount_minor,
        "currency": order["currency"],
        "status": result.status,
        "failure": result.failure,
        "stage": result.stage,
        "bank": channels.bank(c) if method == "card" else None,
        "created_at": stamp(at),
        "settled_at": None if result.status == "unknown" else stamp(at + timedelta(seconds=2)),
    }
    c.execute(
        f"INSERT INTO payments ({', '.join(payment)}) "  # noqa: S608 - our own column names
        f"VALUES ({', '.join('?' * len(payment))})",
        tuple(payment.values()),
    )
    c.execute("INSERT INTO charges VALUES (?, ?)", (payment["id"], int(result.charged)))
    if book and result.status == "captured":
        _book(c, order, at + timedelta(seconds=2), "shop")
    return payment


def _book(c: sqlite3.Connection, order: Row, at: datetime, by: str) -> bool:
    """Marks the order paid once enough was captured. False when nothing changed."""
    if order["status"] != "awaiting_payment" or orders.balance(c, order)["balance_minor"] < 0:
        return False
    orders.set_status(c, order, "paid", at, by)
    return True


def find(c: sqlite3.Connection, payment_id: str) -> Row:
    found = one(c, "SELECT * FROM payments WHERE id = ?", (payment_id,))
    if found is None:
        raise Problem(404, "payment_not_found", f"There is no payment “{payment_id[:40]}”.")
    return found


def _order_of(c: sqlite3.Connection, payment: Row) -> Row | None:
    """None after a loss of data."""
    return one(c, "SELECT * FROM orders WHERE id = ?", (payment["order_id"],))


def query(c: sqlite3.Connection, payment: Row, now: datetime) -> tuple[dict[str, Any], bool]:
    """Asks the channel what became of the payment and books what it says; (answer, changed)."""
    if payment["status"] not in ("unknown", "created"):
        result = "captured" if payment["status"] == "captured" else "not_captured"
        return {"id": payment["id"], "result": result}, False
    if payment["channel"] in CHANNELS and not condition(c, payment["channel"]).answers:
        return {"id": payment["id"], "result": "no_answer"}, False
    truth = one(c, "SELECT charged FROM charges WHERE payment_id = ?", (payment["id"],))
    charged = bool(truth and truth["charged"])
    c.execute(
        "UPDATE payments SET status = ?, failure = ?, settled_at = ? WHERE id = ?",
        (
            "captured" if charged else "failed",
            None if charged else "Not charged, as the channel answered when asked",
            stamp(now),
            payment["id"],
        ),
    )
    order = _order_of(c, payment)
    if charged and order is not None:
        _book(c, order, now, "channel")
    return {"id": payment["id"], "result": "captured" if charged else "not_captured"}, True


def mark_paid(c: sqlite3.Connection, order: Row, payment_id: str, now: datetime) -> bool:
    """Books a captured payment on its order. False when the order was paid already."""
    payment = find(c, payment_id)
    if payment["order_id"] != order["id"]:
        raise Problem(409, "other_order", f"{payment_id} does not belong to {order['number']}.")
    if payment["status"] != "captured":
        raise Problem(
            409, "not_captured", f"{payment_id} is {payment['status']}: only captured money counts."
        )
    if order["status"] != "awaiting_payment":
        return False
    if not _book(c, order, now, "operator"):
        raise Problem(409, "not_enough", f"{order['number']} is not fully paid by {payment_id}.")
    return True


def refund(c: sqlite3.Connection, body: Body, now: datetime) -> Row:
    """Gives money back. Never more than was captured and not yet refunded. It may be rejected:
    the refund is there then, as failed, and no money moves.

    On an order whose money agreed, a part given back is a price reduction (`allowance`). On an
    overpaid order it is the difference: too much of it shows, as the order is underpaid then.
    """
    payment = find(c, body.text("payment_id"))
    amount = body.minor()
    currency = body.currency(payment["currency"])
    reason = body.text("reason", most=500, default="not given")
    if payment["status"] != "captured":
        raise Problem(
            409,
            "not_captured",
            f"{payment['id']} is {payment['status']}: there is nothing to give back.",
        )
    back = c.execute(
        "SELECT coalesce(sum(amount_minor), 0) FROM refunds "
        "WHERE payment_id = ? AND status = 'succeeded'",
        (payment["id"],),
    ).fetchone()[0]
    left = payment["amount_minor"] - back
    if amount > left:
        raise Problem(
            409,
            "exceeds_captured",
            f"Only {left} of {payment['amount_minor']} minor units of {payment['id']} can still be "
            "refunded.",
        )
    if payment["channel"] in CHANNELS and not condition(c, payment["channel"]).usable:
        raise Problem(
            409,
            "channel_down",
            f"{CHANNELS[payment['channel']]} is down: refund again when it is back.",
        )
    failed = refunds_fail(c)
    order = _order_of(c, payment)
    agreed = order is not None and orders.balance(c, order)["balance_minor"] == 0
    found = {
        "id": f"rf_{next_value(c, 'refund', 5_001)}",
        "payment_id": payment["id"],
        "order_id": payment["order_id"],
        "amount_minor": amount,
        "currency": currency,
        "status": "failed" if failed else "succeeded",
        "reason": reason,
        "created_at": stamp(now),
    }
    c.execute("INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tuple(found.values()))
    if not failed and order is not None and order["status"] not in ("cancelled", "refunded"):
        sums = orders.balance(c, order)
        if sums["captured_minor"] == sums["refunded_minor"]:
            orders.set_status(c, order, "refunded", now, "operator")
        elif body.flag("allowance", agreed):
            allow(c, order, -sums["balance_minor"])
    return found


def allow(c: sqlite3.Connection, order: Row, minor: int) -> None:
    """Books a price reduction (折讓), so that order and money agree after a goodwill refund."""
    if minor <= 0:
        return
    c.execute(
        "UPDATE orders SET discount_minor = discount_minor + ?, total_minor = total_minor - ? "
        "WHERE id = ?",
        (minor, minor, order["id"]),
    )
    c.execute(
        "UPDATE journal SET total_minor = total_minor - ? WHERE order_id = ?",
        (minor, order["id"]),
    )
