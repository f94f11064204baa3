"""Channels: the two simulated payment channels, what an attempt becomes, and what really happened
to it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.shop.board import CHANNELS, Condition, condition
from sandbox.shop.clock import stamp
from sandbox.shop.people import BANKS
from sandbox.shop.problems import Problem
from sandbox.shop.store import get, next_value, put, rows

__all__ = [
    "CAPTURED",
    "DECLINED",
    "METHODS",
    "NO_ANSWER_CHARGED",
    "NO_ANSWER_NOT_CHARGED",
    "THREE_D_SECURE",
    "Outcome",
    "describe",
    "next_outcome",
    "require",
    "restart_counts",
    "route",
    "routing",
    "stats",
]

METHODS = ("card", "bank_transfer", "convenience_store")
USUAL_FAILURE_EVERY = 33  # three in a hundred
_GIVES_UP_AFTER = 10.0  # seconds a customer waits for a slow channel


@dataclass(frozen=True)
class Outcome:
    """What the shop was told of an attempt, and whether the card was charged in truth."""

    status: str
    stage: str | None = None
    failure: str | None = None
    charged: bool = False


CAPTURED = Outcome("captured", charged=True)
DECLINED = Outcome("failed", "card_declined", "The bank declined the card")
THREE_D_SECURE = Outcome("failed", "3ds_timeout", "The 3-D Secure page timed out")
NO_ANSWER_CHARGED = Outcome("unknown", None, "The channel gave no answer", charged=True)
NO_ANSWER_NOT_CHARGED = Outcome("unknown", None, "The channel gave no answer")
_UNREACHABLE = Outcome("failed", "channel_unreachable", "The channel refused the connection")


def require(channel: str) -> str:
    if channel not in CHANNELS:
        raise Problem(404, "channel_not_found", f"There is no payment channel “{channel[:40]}”.")
    return channel


def next_outcome(c: sqlite3.Connection, channel: str) -> Outcome:
    """What the next attempt becomes. Counted, not drawn: shares and rates hold exactly."""
    if channel not in CHANNELS:  # bank transfer and convenience store pass by the card channels
        return CAPTURED
    number = next_value(c, f"attempts:{channel}", 0)
    state = condition(c, channel)
    if not state.usable:
        return _UNREACHABLE
    if state.slow_seconds >= _GIVES_UP_AFTER and number % 2:
        return NO_ANSWER_CHARGED if number % 4 == 1 else NO_ANSWER_NOT_CHARGED
    if state.fail_share and int((number + 1) * state.fail_share) > int(number * state.fail_share):
        return THREE_D_SECURE
    return DECLINED if number % USUAL_FAILURE_EVERY == USUAL_FAILURE_EVERY - 1 else CAPTURED


def restart_counts(c: sqlite3.Connection) -> None:
    """The usual failures are counted anew, so that a fresh route does not begin with one."""
    c.execute("DELETE FROM sequences WHERE name LIKE 'attempts:%'")


def bank(c: sqlite3.Connection) -> str:
    return BANKS[next_value(c, "bank", 0) % len(BANKS)]


def routing(c: sqlite3.Connection, method: str) -> dict[str, Any]:
    """Which channel carries the method. Raises Problem 404 for a method that has none."""
    found: dict[str, Any] | None = get(c, f"routing.{method}")
    if found is None:
        raise Problem(404, "method_not_found", f"The method “{method[:40]}” is not routed.")
    return {"method": method, **found}


def route(c: sqlite3.Connection, method: str, channel: str, now: datetime) -> bool:
    """New payments of the method go through the channel. False when they did already."""
    before = routing(c, method)
    if channel not in CHANNELS:
        raise Problem(
            422, "invalid_field", "“channel” is not valid: give one of harborpay, northpay."
        )
    if before["channel"] == channel:
        return False
    changed = {"channel": channel, "previous": before["channel"], "changed_at": stamp(now)}
    put(c, f"routing.{method}", changed)
    restart_counts(c)
    return True


def carrier(c: sqlite3.Connection, method: str) -> str:
    """The channel of a method; methods without a card channel are their own."""
    found: dict[str, Any] | None = get(c, f"routing.{method}")
    return method if found is None else str(found["channel"])


def latency_ms(state: Condition) -> int:
    return 180 + int(state.slow_seconds * 1000)


def describe(c: sqlite3.Connection, channel: str) -> dict[str, Any]:
    state = condition(c, channel)
    status = "down" if not state.usable else "ok" if state.healthy else "degraded"
    return {
        "id": channel,
        "name": CHANNELS[channel],
        "status": status,
        "healthy": state.healthy,
        "latency_ms": None if not state.usable else latency_ms(state),
    }


def stats(c: sqlite3.Connection, channel: str, window: int, now: datetime) -> dict[str, Any]:
    """The channel's real payments of the last `window` seconds, and what is usual."""
    start = stamp(now - timedelta(seconds=window))
    values = (channel, start)
    by_status = {
        row["status"]: row["n"]
        for row in rows(
            c,
            "SELECT status, count(*) AS n FROM payments "
            "WHERE channel = ? AND created_at >= ? GROUP BY status",
            values,
        )
    }
    stages = {
        row["stage"]: row["n"]
        for row in rows(
            c,
            "SELECT stage, count(*) AS n FROM payments WHERE channel = ? AND created_at >= ? "
            "AND status = 'failed' AND stage IS NOT NULL GROUP BY stage ORDER BY n DESC",
            values,
        )
    }
    leading = next(iter(stages), None)
    banks = c.execute(
        "SELECT count(DISTINCT bank), min(created_at) FROM payments "
        "WHERE channel = ? AND created_at >= ? AND status = 'failed' AND stage IS ?",
        (*values, leading),
    ).fetchone()
    attempts, failed = sum(by_status.values()), by_status.get("failed", 0)
    return {
        "channel": channel,
        "window": window,
        "attempts": attempts,
        "captured": by_status.get("captured", 0),
        "failed": failed,
        "unanswered": by_status.get("unknown", 0) + by_status.get("created", 0),
        "usual_failed_per_100": _usual(c, channel, now),
        "stages": stages,
        "banks": banks[0] if failed else 0,
        "since": banks[1] if failed else None,
    }


def _usual(c: sqlite3.Connection, channel: str, now: datetime) -> int | None:
    """Failures in a hundred over the week, without the last six hours."""
    total, failed = c.execute(
        "SELECT count(*), coalesce(sum(status = 'failed'), 0) FROM payments "
        "WHERE channel = ? AND created_at >= ? AND created_at < ?",
        (channel, stamp(now - timedelta(days=7)), stamp(now - timedelta(hours=6))),
    ).fetchone()
    return round(100 * failed / total) if total else None
