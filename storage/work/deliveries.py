"""Deliveries from Slack: stored in groups, carried out once, deleted after some days."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    bindparam,
    column,
    delete,
    literal_column,
    table,
    update,
)
from sqlalchemy.orm import Session

from storage.dialect import insert_into, is_postgres
from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.changing import changed
from storage.work.common import (
    LEASE_SECONDS,
    UNFINISHED,
    WORK,
    server_now,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """A row to be written by `Database.store`, born claimed by the process named `owner`."""

    kind: str
    key: str
    payload: dict[str, Any]
    now: datetime
    owner: str
    due: datetime | None = None
    order_key: str | None = None
    priority: int = 5
    secret: Any = None


# The table without its column types: SQLAlchemy would look at each value of each row, which for 200
# rows takes as long as all the rest of the commit. `_Columns` prepares what needs preparing.
_ROWS = table("work", *[column(each.name) for each in WorkItem.__table__.columns])


def insert_group(session: Session, group: Sequence[NewWork]) -> list[int | None]:
    """Inserts deliveries in one statement; the ids, None where the key existed."""
    columns = _Columns(session)
    rows = [columns.row(new) for new in group]
    found = session.connection().execute(_storing(is_postgres(session)), rows)
    stored: dict[str, int] = {row.key: row.id for row in found}
    return [stored.pop(new.key, None) for new in group]


@cache
def _storing(postgres: bool) -> Any:
    statement = insert_into(_ROWS, postgres=postgres)
    if postgres:  # to ask the server for its time would be one more way there and back
        lease: ColumnElement[Any] = literal_column(
            f"statement_timestamp() + interval '{LEASE_SECONDS} seconds'"
        )
        statement = statement.values(lease_until=lease)
    return statement.on_conflict_do_nothing().returning(_ROWS.c.key, _ROWS.c.id)


class _Columns:
    """Rows as the driver takes them, each value prepared by its column's own type."""

    def __init__(self, session: Session) -> None:
        self._dialect = session.get_bind().dialect
        self._moment = self._preparing("due")
        self._secret = self._preparing("secret")
        self._figures = self._preparing("payload")
        self._payloads: dict[str, Any] = {}
        # On SQLite the server's clock is this machine's.
        self._lease: dict[str, Any] = {}
        if not is_postgres(session):
            lease = server_now(session) + timedelta(seconds=LEASE_SECONDS)
            self._lease["lease_until"] = self._moment(lease)

    def _preparing(self, name: str) -> Callable[[Any], Any]:
        found = WorkItem.__table__.c[name].type.bind_processor(self._dialect)
        return found or (lambda value: value)

    def row(self, new: NewWork) -> dict[str, Any]:
        created = self._moment(new.now)
        return {
            "kind": new.kind,
            "key": new.key,
            "order_key": new.order_key,
            "priority": new.priority,
            "due": self._moment(new.due) if new.due else created,
            "state": str(WorkState.CLAIMED),
            "owner": new.owner,
            **self._lease,
            "epoch": 1,
            "settled_epoch": 0,
            "attempts": 1,
            "payload": self._payload(new.payload),
            "secret": self._secret(new.secret),
            "created_at": created,
        }

    def _payload(self, payload: dict[str, Any]) -> Any:
        """Most deliveries of a group have the same one: written once."""
        found = repr(payload)
        if found not in self._payloads:
            self._payloads[found] = self._figures(payload)
        return self._payloads[found]


def void(session: Session, ids: Collection[int]) -> None:
    """Takes back deliveries that were stored too late to be acknowledged.

    Not a trace stays: Slack sends an event again under the same key, and that one is to be taken.
    """
    session.execute(
        delete(WorkItem)
        .where(WorkItem.id.in_(list(ids)))
        .execution_options(synchronize_session=False)
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
        _ONCE,
        {"delivery": key, "finished_at": now},
        ends=True,
    )
    if not done:
        raise AlreadyDone(key)


_ONCE = (
    update(WORK)
    .where(
        WORK.c.key == bindparam("delivery"),
        WORK.c.kind == WorkKind.INTAKE,
        WORK.c.state.in_(UNFINISHED),
    )
    .values(state=WorkState.DONE, lease_until=None)
    .returning(WORK.c.id, WORK.c.kind, WORK.c.order_key)
)
