"""Lifecycle: what happens to orders by itself, dispatched, delivered, completed; unpaid ones are
cancelled.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sandbox.shop import orders
from sandbox.shop.clock import moment, stamp
from sandbox.shop.store import one

__all__ = ["advance", "waiting"]


def waiting(c: sqlite3.Connection, now: datetime) -> bool:
    """Whether any order is due to move on."""
    sql = (
        "SELECT 1 AS x FROM order_plan p JOIN orders o ON o.id = p.order_id "
        "WHERE p.next_at <= ? LIMIT 1"
    )
    return one(c, sql, (stamp(now),)) is not None


def advance(c: sqlite3.Connection, now: datetime) -> int:
    """Moves every order on that is due, each at its own time. Gives how many moves were made."""
    moves = 0
    while due := orders.due(c, now):
        for order in due:
            orders.move_on(c, order, moment(order.pop("next_at")))
        moves += len(due)
    return moves
