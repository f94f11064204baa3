"""Changed rows of a table: those that its stamp tells, and how far it had come when it was read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, true

from checks.queries.reach import CHANGED_AT
from checks.shop.logical_table import LogicalTable

OVERLAP = timedelta(minutes=15)  # for a transaction that was long, and a clock that is not ours


def newest_of(connection: Connection, table: LogicalTable, now: datetime) -> datetime | None:
    """When the last row changed; one that says it will change later tells nothing."""
    stamp = table.col(CHANGED_AT)
    last = select(func.max(stamp)).where(stamp <= table.bind_time(now, CHANGED_AT))
    return table.read_time(connection.scalar(last), CHANGED_AT)


def changed_since(table: LogicalTable, since: datetime | None) -> Any:
    """The rows that changed since then, and those that do not say when."""
    stamp = table.col(CHANGED_AT)
    if since is None:
        return true()
    return or_(stamp >= table.bind_time(since - OVERLAP, CHANGED_AT), stamp.is_(None))
