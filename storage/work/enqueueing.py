"""Adding work: once for each key, or coalescing."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    func,
    literal,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.models.work import WorkItem
from storage.types import UtcDateTime
from storage.work.behind import is_behind
from storage.work.common import PENDING, is_postgres, note_enqueued


def enqueue(
    session: Session,
    *,
    kind: str,
    key: str,
    payload: dict[str, Any],
    due: datetime,
    now: datetime,
    order_key: str | None = None,
    priority: int = 5,
    secret: Any = None,
) -> WorkItem | None:
    """Adds an item. None when one of that key exists, finished or not: it is done only once."""
    return add(
        session,
        kind=kind,
        key=key,
        payload=payload,
        due=due,
        created_at=now,
        order_key=order_key,
        priority=priority,
        secret=secret,
    )


def refresh(
    session: Session,
    *,
    kind: str,
    key: str,
    payload: dict[str, Any],
    due: datetime,
    now: datetime,
    order_key: str | None = None,
    priority: int = 5,
) -> WorkItem | None:
    """Adds a coalescing item: while one of that key is pending, that one will do.

    The pending one takes the newer payload, the sooner due time and the stronger priority, and
    None is returned. An item that is being worked on gets a successor, since it may have read the
    older state.
    """
    session.flush()
    least = func.least if is_postgres(session) else func.min
    join = (
        update(WorkItem)
        .where(WorkItem.refreshes == key, WorkItem.state == PENDING)
        .values(
            payload=payload,
            due=least(WorkItem.due, literal(due, UtcDateTime())),
            priority=least(WorkItem.priority, priority),
        )
        .execution_options(synchronize_session=False)
    )
    note_enqueued(session, kind)
    while True:
        if cast("CursorResult[Any]", session.execute(join)).rowcount:
            return None
        added = add(
            session,
            kind=kind,
            key=f"{key}#{secrets.token_hex(8)}",
            refreshes=key,
            payload=payload,
            due=due,
            created_at=now,
            order_key=order_key,
            priority=priority,
        )
        if added is not None:
            return added
        # PostgreSQL: another was quicker to add one. It must be ours too, with its row locked, or
        # it could be drawn before this unit's change is committed, and the change never shown.


def add(session: Session, **values: Any) -> WorkItem | None:
    if values.get("order_key") is not None:
        values["behind"] = is_behind(values["order_key"])
    item = session.execute(
        _insert(session).values(**values).returning(WorkItem)
    ).scalar_one_or_none()
    if item is not None:
        note_enqueued(session, item.kind)
    return cast("WorkItem | None", item)


def _insert(session: Session) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(WorkItem).on_conflict_do_nothing()
