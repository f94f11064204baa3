"""Deliveries from Slack: stored in groups, carried out once, deleted after some days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    delete,
    or_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.changing import changed
from storage.work.common import (
    LEASE_SECONDS,
    UNFINISHED,
    is_postgres,
    note_enqueued,
    server_now,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """A row to be written by `Database.store`. `owner`: it is born claimed by that process."""

    kind: str
    key: str
    payload: dict[str, Any]
    now: datetime
    due: datetime | None = None
    order_key: str | None = None
    priority: int = 5
    secret: Any = None
    owner: str | None = None


def insert_group(session: Session, group: Sequence[NewWork]) -> list[int | None]:
    """Inserts deliveries in one statement; the ids, None where the key existed."""
    lease = server_now(session) + timedelta(seconds=LEASE_SECONDS)
    rows = [
        {
            "kind": new.kind,
            "key": new.key,
            "order_key": new.order_key,
            "refreshes": None,
            "priority": new.priority,
            "due": new.due or new.now,
            "state": WorkState.CLAIMED if new.owner else WorkState.PENDING,
            "owner": new.owner,
            "lease_until": lease if new.owner else None,
            "epoch": 1 if new.owner else 0,
            "settled_epoch": 0,
            "attempts": 1 if new.owner else 0,
            "payload": new.payload,
            "secret": new.secret,
            "created_at": new.now,
        }
        for new in group
    ]
    table = WorkItem.__table__
    dialect = postgresql if is_postgres(session) else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing().returning(table.c.key, table.c.id)
    found = session.connection().execute(statement, rows)
    stored: dict[str, int] = {row.key: row.id for row in found}
    for new in group:
        if new.owner is None:
            note_enqueued(session, new.kind)
    return [stored.pop(new.key, None) for new in group]


def void(session: Session, ids: Collection[int]) -> None:
    """Takes back deliveries that were stored too late to be acknowledged."""
    session.execute(
        update(WorkItem)
        .where(WorkItem.id.in_(list(ids)))
        .values(state=WorkState.DONE, result={"void": "stored too late"}, secret=None)
    )


class AlreadyDone(Exception):
    """The delivery was carried out before, by an earlier try or by another replica."""


def once(session: Session, key: str, now: datetime) -> None:
    """Marks a stored delivery as carried out, in the transaction that carries it out.

    A crash before the commit leaves it to be done again, a crash after it does not. Raises
    AlreadyDone, which rolls the caller's unit back: nothing is done a second time.
    """
    done = changed(
        session,
        update(WorkItem)
        .where(
            WorkItem.key == key,
            WorkItem.kind == WorkKind.INTAKE,
            WorkItem.state.in_(UNFINISHED),
        )
        .values(state=WorkState.DONE, finished_at=now, lease_until=None)
        .execution_options(synchronize_session=False),
        ends=True,
    )
    if not done:
        raise AlreadyDone(key)


def prune(session: Session, *, before: datetime, kinds: Collection[str]) -> int:
    """Deletes finished items of these kinds, and finished refreshes, that are older."""
    result = session.execute(
        delete(WorkItem)
        .where(
            WorkItem.state == WorkState.DONE,
            WorkItem.created_at < before,
            or_(WorkItem.kind.in_(list(kinds)), WorkItem.refreshes.is_not(None)),
        )
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount
