"""Vendors: tickets with payment channels and couriers; a vendor answers after a while."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from sandbox.shop.clock import stamp
from sandbox.shop.store import one, rows

__all__ = ["answer_tickets", "waiting"]

_ANSWERS_AFTER = timedelta(minutes=12)
_ANSWER = "3-D Secure server lost its certificate store. Expect {:%H:%M} UTC."


def waiting(c: sqlite3.Connection, now: datetime) -> bool:
    """Whether a vendor's answer is due."""
    sql = "SELECT 1 AS x FROM vendor_tickets WHERE answer IS NULL AND created_at <= ?"
    return one(c, sql, (stamp(now - _ANSWERS_AFTER),)) is not None


def answer_tickets(c: sqlite3.Connection, now: datetime) -> None:
    for ticket in rows(
        c,
        "SELECT id FROM vendor_tickets WHERE answer IS NULL AND created_at <= ?",
        (stamp(now - _ANSWERS_AFTER),),
    ):
        c.execute(
            "UPDATE vendor_tickets SET answer = ? WHERE id = ?",
            (_ANSWER.format(now + timedelta(minutes=64)), ticket["id"]),
        )
