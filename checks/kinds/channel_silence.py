"""Silence of a channel: no payment comes in where the same hour usually brings some (3.3.1).

What the hour usually brings is counted from the shop's own payments of eight weeks: so much of
each as the silence is long, and where that could tell, once, the day before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select

from checks.kinds.channel_expectation import SURE, WEEK, Usual
from checks.kinds.channel_history import ChannelHistory, Span
from checks.kinds.channel_payments import ChannelPayments


def silence(connection: Connection, payments: ChannelPayments) -> dict[str, Any] | None:
    """`since` the last payment, `minutes`, how many `usual`ly come in them, and `orders` that were
    placed in them; None: payments come in, or it may be chance that none does."""
    newest = _newest(connection, payments)
    quiet = timedelta(0) if newest is None else payments.now - newest
    if newest is None or quiet < timedelta(seconds=payments.settings.every):
        return None
    history = history_of(connection, payments)
    kept = payments.shop.usual

    def usual(moment: datetime) -> Usual | None:
        """Counted once for each silence."""
        known = kept.get(payments.channel.id)
        if known is None or known[0] != moment:
            known = kept[payments.channel.id] = moment, history.usual(moment)
        found: Usual | None = known[1]
        return found

    expected, chance = history.nothing_since(newest, payments.now, usual)
    if chance >= SURE:
        return None
    return {
        "since": newest.isoformat(),
        "minutes": int(quiet.total_seconds() // 60),
        "usual": round(expected),
        "orders": _orders(connection, payments, newest),
    }


def history_of(
    connection: Connection, payments: ChannelPayments, *, failed: bool = False
) -> ChannelHistory:
    """The channel's payments, or those of them that failed or were never answered."""
    return ChannelHistory(partial(_counts, connection, payments, failed), payments.calendar)


def _newest(connection: Connection, payments: ChannelPayments) -> datetime | None:
    created = payments.payments.col("created_at")
    since = payments.payments.bind_time(payments.now - WEEK, "created_at")
    newest = connection.scalar(select(func.max(created)).where(payments.ours, created >= since))
    return payments.payments.read_time(newest, "created_at")


def _counts(
    connection: Connection, payments: ChannelPayments, failed: bool, spans: Sequence[Span]
) -> tuple[int, ...]:
    """How many payments came in each of these times, the end left out.

    A count each: one count over all of them together is answered by no index on SQLite.
    """
    table = payments.payments
    created = table.col("created_at")
    which = (payments.ours, payments.failing()) if failed else (payments.ours,)
    counts = [
        select(func.count())
        .select_from(table.source)
        .where(
            *which,
            created >= table.bind_time(start, "created_at"),
            created < table.bind_time(end, "created_at"),
        )
        .scalar_subquery()
        for start, end in spans
    ]
    return tuple(int(count) for count in connection.execute(select(*counts)).one())


def _orders(connection: Connection, payments: ChannelPayments, since: datetime) -> int | None:
    """Orders that were placed since then; None: the shop does not map when."""
    orders = payments.shop.orders()
    if not orders.has("placed_at"):
        return None
    placed = orders.col("placed_at") > orders.bind_time(since, "placed_at")
    return int(
        connection.scalar(select(func.count()).select_from(orders.source).where(placed)) or 0
    )
