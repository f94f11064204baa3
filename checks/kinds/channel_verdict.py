"""Verdict on a channel: whether too many orders fail to be paid, at any volume (3.3.1).

The share in the window decides where enough is tried in it. A busy channel is found within one
interval, and one through which little goes by its last orders. There an order counts once, however
often its customer tries, and so few are held against chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from checks.kinds.channel_expectation import too_many
from checks.kinds.channel_payments import OrderTried
from checks.kinds.channel_settings import PaymentChannelSettings

_RIGHT_AGAIN = 2  # orders paid one after the other: what failed before them is another matter


def too_many_fail(
    settings: PaymentChannelSettings,
    last: Sequence[OrderTried],
    stats: Mapping[str, Any],
    now: datetime,
) -> bool:
    """`last`: orders, the newest first. `stats`: of the window."""
    tried, least = stats["attempts"], settings.minimum_attempts
    if tried >= least and _bad(stats) / tried >= settings.fail_share:
        return True
    return surely(settings, last, stats, now)


def surely(
    settings: PaymentChannelSettings,
    last: Sequence[OrderTried],
    stats: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Whether it is no chance: of a busy interval, or of the last orders. One look is enough."""
    if stats["orders_only"]:
        return True
    start = now - timedelta(seconds=settings.every)
    busy = [one for one in last if one.at >= start]
    return len(busy) >= settings.minimum_attempts and _fail(settings, busy, stats)


def thin(
    settings: PaymentChannelSettings,
    last: Sequence[OrderTried],
    stats: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The figures of the last orders instead, where too little is tried in the window to tell and
    those fail; `orders_only` says so."""
    few = last[: settings.minimum_attempts]
    if (
        stats["attempts"] >= settings.minimum_attempts
        or len(few) < settings.minimum_attempts
        or all(one.outcome == "captured" for one in few[:_RIGHT_AGAIN])
        or not _fail(settings, few, stats)
    ):
        return {"orders_only": False}
    return {
        "orders_only": True,
        "attempts": len(few),
        "failed": sum(one.outcome == "failed" for one in few),
        "unanswered_now": sum(one.outcome == "unanswered" for one in few),
        "window_minutes": -(-int((now - few[-1].at).total_seconds()) // 60),
        "failing_since": _began(few).isoformat(),
    }


def _bad(stats: Mapping[str, Any]) -> int:
    return int(stats["failed"]) + int(stats["unanswered_now"])


def _fail(
    settings: PaymentChannelSettings, orders: Sequence[OrderTried], stats: Mapping[str, Any]
) -> bool:
    bad = sum(one.outcome != "captured" for one in orders)
    usual = stats["usual_failed_per_100"]
    return bad / len(orders) >= settings.fail_share and too_many(bad, len(orders), usual)


def _began(orders: Sequence[OrderTried]) -> datetime:
    """When the first of them failed, back to where orders were paid one after the other."""
    began, paid = orders[0].at, 0
    for one in orders:
        paid = paid + 1 if one.outcome == "captured" else 0
        if paid == _RIGHT_AGAIN:
            break
        if not paid:
            began = one.at
    return began
