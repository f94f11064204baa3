"""Vendors: tickets with payment channels and couriers; a vendor answers after a while."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timedelta

from sandbox.shop.clock import stamp
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import Row, next_value, one, rows

__all__ = ["answer_tickets", "find_ticket", "open_ticket", "waiting"]

_ANSWERS_AFTER = timedelta(minutes=12)
_ANSWER = "3-D Secure server lost its certificate store. Expect {:%H:%M} UTC."


def open_ticket(c: sqlite3.Connection, vendor: str, body: Body, now: datetime) -> Row:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", vendor):
        raise Problem(404, "vendor_not_found", f"There is no vendor “{vendor[:40]}”.")
    ticket = {
        "id": str(next_value(c, "ticket", 88_213)),
        "vendor": vendor,
        "subject": body.text("subject", most=300),
        "body": body.text("body", most=5_000),
        "created_at": stamp(now),
        "answer": None,
    }
    c.execute("INSERT INTO vendor_tickets VALUES (?, ?, ?, ?, ?, ?)", tuple(ticket.values()))
    return ticket


def find_ticket(c: sqlite3.Connection, vendor: str, ticket_id: str) -> Row:
    found = one(c, "SELECT * FROM vendor_tickets WHERE vendor = ? AND id = ?", (vendor, ticket_id))
    if found is None:
        raise Problem(404, "ticket_not_found", f"{vendor[:40]} has no ticket “{ticket_id[:40]}”.")
    return found


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
