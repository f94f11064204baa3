"""Customer care: what the shop does for a customer, pay links, compensations."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from sandbox.shop import channels, orders, payments
from sandbox.shop.clock import stamp
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import Row, next_value, one, rows

__all__ = ["compensate", "create_link", "pay_link"]

_KINDS = ("refund", "voucher", "points")


def create_link(c: sqlite3.Connection, order: Row, body: Body, now: datetime, base: str) -> Row:
    """A link by which the customer pays. Never for more than is owed."""
    amount = body.minor()
    currency = body.currency(order["currency"])
    purpose = body.text("purpose", most=60, default="order")
    if order["status"] in ("cancelled", "refunded"):
        raise Problem(
            409, "wrong_status", f"{order['number']} is {order['status']}: nothing is owed."
        )
    owed = -orders.balance(c, order)["balance_minor"]
    if amount > owed:
        raise Problem(
            409,
            "exceeds_owed",
            f"{order['number']} owes {max(owed, 0)} minor units, not {amount}.",
        )
    link = {
        "id": f"PL-{next_value(c, 'link', 7_001)}",
        "order_id": order["id"],
        "amount_minor": amount,
        "currency": currency,
        "purpose": purpose,
        "status": "open",
        "created_at": stamp(now),
    }
    c.execute("INSERT INTO payment_links VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(link.values()))
    return {**link, "url": f"{base}/pay/{link['id']}"}


def find_link(c: sqlite3.Connection, link_id: str) -> Row:
    found = one(c, "SELECT * FROM payment_links WHERE id = ?", (link_id,))
    if found is None:
        raise Problem(404, "link_not_found", f"There is no payment link “{link_id[:40]}”.")
    return found


def pay_link(c: sqlite3.Connection, link: Row, now: datetime) -> tuple[dict[str, Any], bool]:
    """The customer pays; (answer, captured). Refused where the order does not owe it any more."""
    order = orders.find(c, str(link["order_id"]))
    if link["status"] != "open" or order["status"] in ("cancelled", "refunded"):
        raise Problem(409, "link_closed", f"{link['id']} cannot be paid any more.")
    if link["amount_minor"] > -orders.balance(c, order)["balance_minor"]:
        raise Problem(409, "already_paid", f"{order['number']} is already paid.")
    payment = payments.attempt(
        c,
        order,
        now,
        channel=channels.carrier(c, "card"),
        amount_minor=link["amount_minor"],
    )
    captured = payment["status"] == "captured"
    if captured:
        c.execute("UPDATE payment_links SET status = 'paid' WHERE id = ?", (link["id"],))
    answer = {
        "id": link["id"],
        "status": "paid" if captured else "open",
        "payment_id": payment["id"],
        "payment_status": payment["status"],
        "order": order["number"],
    }
    return answer, True


def links_waiting(c: sqlite3.Connection, before: datetime) -> list[Row]:
    """Open links, made before the time, of customers who mean to pay."""
    return rows(
        c,
        "SELECT l.* FROM payment_links l JOIN order_plan p ON p.order_id = l.order_id "
        "JOIN orders o ON o.id = l.order_id "
        "WHERE l.status = 'open' AND p.pays_link = 1 AND l.created_at <= ? "
        "AND o.status NOT IN ('cancelled', 'refunded') ORDER BY l.created_at",
        (stamp(before),),
    )


def compensate(c: sqlite3.Connection, order: Row, body: Body, now: datetime) -> Row:
    """Goodwill: a refund of part of the price, a voucher or points."""
    kind = body.choice("kind", _KINDS)
    amount = body.minor()
    currency = body.currency(order["currency"])
    reason = body.text("reason", most=500, default="not given")
    code = None
    if kind == "refund":
        _refund_part(c, order, amount, reason, now)
    number = next_value(c, "compensation", 301)
    if kind == "voucher":
        code = f"SORRY-{number}"
    found = {
        "id": f"cp_{number}",
        "order_id": order["id"],
        "kind": kind,
        "amount_minor": amount,
        "currency": currency,
        "reason": reason,
        "code": code,
        "created_at": stamp(now),
    }
    c.execute("INSERT INTO compensations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tuple(found.values()))
    return found


def _refund_part(
    c: sqlite3.Connection, order: Row, amount: int, reason: str, now: datetime
) -> None:
    paid = one(
        c,
        "SELECT id FROM payments WHERE order_id = ? AND status = 'captured' "
        "ORDER BY amount_minor DESC, id LIMIT 1",
        (order["id"],),
    )
    if paid is None:
        raise Problem(409, "not_captured", f"{order['number']} has no payment to give back from.")
    fields = {
        "payment_id": paid["id"],
        "amount_minor": amount,
        "currency": order["currency"],
        "reason": reason,
        "allowance": True,
    }
    if payments.refund(c, Body(fields), now)["status"] == "failed":
        raise Problem(409, "refund_rejected", f"The refund on {order['number']} was rejected.")
