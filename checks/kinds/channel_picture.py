"""Picture of a channel: what was tried and what failed, stretch by stretch, beside the usual."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from checks.kinds.channel_payments import ChannelPayments
from checks.kinds.channel_silence import history_of

_POINTS = 12
_STEPS = (5, 10, 15, 30, 60, 120)  # minutes of one of them


def picture(
    connection: Connection, payments: ChannelPayments, began: datetime | None
) -> dict[str, Any]:
    """Twelve stretches up to now, so long that half of them or less are of the outage."""
    window = timedelta(seconds=payments.settings.window)
    lasted = payments.now - (began or payments.now - window)
    wanted = lasted * 2 / _POINTS
    step = next((one for one in _STEPS if timedelta(minutes=one) >= wanted), _STEPS[-1])
    width = timedelta(minutes=step)
    spans = [
        (payments.now - width * ago, payments.now - width * (ago - 1))
        for ago in range(_POINTS, 0, -1)
    ]
    history = history_of(connection, payments)
    return {
        "minutes": step,
        "since": spans[0][0].isoformat(),
        "tried": list(history.count(spans)),
        "failed": list(history_of(connection, payments, failed=True).count(spans)),
        "usual": history.usually(spans, payments.now),
    }
