"""Silence of a channel: no payment comes in where the same hour usually brings some (3.3.1).

What the hour usually brings is counted from the shop's own payments of eight weeks: so much of
each as the silence is long, and where that could tell, once, the day before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from checks.kinds.channel_expectation import SURE, WEEK, WEEKS, Usual, may_tell, usual_of
from checks.kinds.channel_payments import ChannelPayments

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_Span = tuple[datetime, datetime]


def silence(connection: Connection, payments: ChannelPayments) -> dict[str, Any] | None:
    """`since` the last payment, `minutes`, how many `usual`ly come in them, and `orders` that were
    placed in them; None: payments come in, or it may be chance that none does."""
    newest = _newest(connection, payments)
    quiet = timedelta(0) if newest is None else payments.now - newest
    if newest is None or quiet < timedelta(seconds=payments.settings.every):
        return None
    end = newest + min(quiet, _DAY)
    weeks = [(newest - WEEK * ago, end - WEEK * ago) for ago in range(1, WEEKS + 1)]
    counts = _counts(connection, payments, weeks)
    usual = _usual(connection, payments, newest) if may_tell(counts) else None
    if usual is None:
        return None
    expected, chance = usual.nothing_in(counts)
    if chance >= SURE:
        return None
    return {
        "since": newest.isoformat(),
        "minutes": int(quiet.total_seconds() // 60),
        "usual": round(expected),
        "orders": _orders(connection, payments, newest),
    }


def _newest(connection: Connection, payments: ChannelPayments) -> datetime | None:
    created = payments.payments.col("created_at")
    since = payments.payments.bind_time(payments.now - WEEK, "created_at")
    newest = connection.scalar(select(func.max(created)).where(payments.ours, created >= since))
    return payments.payments.read_time(newest, "created_at")


def _usual(connection: Connection, payments: ChannelPayments, newest: datetime) -> Usual | None:
    """How the day before the silence went, in this week and in those before; counted once for
    each silence."""
    kept = payments.shop.usual.get(payments.channel.id)
    if kept is not None and kept[0] == newest:
        known: Usual | None = kept[1]
        return known
    days = [
        _counts(
            connection,
            payments,
            [(start, start + _HOUR) for start in (begin + _HOUR * hour for hour in range(24))],
        )
        for begin in (newest - _DAY - WEEK * number for number in range(WEEKS + 1))
    ]
    usual = usual_of(days[0], days[1:])
    payments.shop.usual[payments.channel.id] = newest, usual
    return usual


def _counts(
    connection: Connection, payments: ChannelPayments, spans: Sequence[_Span]
) -> tuple[int, ...]:
    """How many payments came in each of these times, the end left out."""
    table = payments.payments
    created = table.col("created_at")
    within = [
        and_(
            created >= table.bind_time(start, "created_at"),
            created < table.bind_time(end, "created_at"),
        )
        for start, end in spans
    ]
    row = connection.execute(
        select(*(func.count(case((one, 1))) for one in within)).where(payments.ours, or_(*within))
    ).one()
    return tuple(int(count) for count in row)


def _orders(connection: Connection, payments: ChannelPayments, since: datetime) -> int | None:
    """Orders that were placed since then; None: the shop does not map when."""
    orders = payments.shop.orders()
    if not orders.has("placed_at"):
        return None
    placed = orders.col("placed_at") > orders.bind_time(since, "placed_at")
    return int(
        connection.scalar(select(func.count()).select_from(orders.source).where(placed)) or 0
    )
