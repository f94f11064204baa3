"""Claiming work under a lease, and giving it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Select,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from storage.dialect import is_postgres
from storage.models.work import WorkItem, WorkState
from storage.work.changing import fold_row
from storage.work.common import (
    LEASE_SECONDS,
    UNFINISHED,
    WORK,
    execute,
    note_enqueued,
    server_now,
)
from storage.work.ordering import first_of_its_key

# In the statement itself: to ask the server for its time would be one more way there and back.
_SERVER_CLOCK = func.statement_timestamp(type_=DateTime(timezone=True))


def candidates(
    session: Session, kind: str, *, now: datetime, limit: int, held: Collection[int] = ()
) -> list[int]:
    """Ids of what `claim` would take, strongest priority first.

    Looked for on a read-only connection, so that a long backlog does not keep the one writer of
    SQLite from storing deliveries; `claim` then decides among these few.
    """
    wanted = _claimable(bool(held), is_postgres(session))
    values = _values(session, kind, now, held)
    return list(execute(session, wanted, {**values, "at_most": limit}).scalars())


def claim(
    session: Session,
    kind: str,
    *,
    owner: str,
    now: datetime,
    limit: int,
    lease_seconds: int = LEASE_SECONDS,
    held: Collection[int] = (),
    among: Collection[int] | None = None,
) -> list[WorkItem]:
    """Takes up to `limit` due items for `owner`, strongest priority first.

    Claimable is what is pending or unclear and due, and what a process left with an ended lease
    (never one of `held`, the items that this process is working on). An item with an order key
    waits for every unfinished older one of that key; parked ones do not block. `among`: only
    these, found by `candidates`; whatever became of them since is looked at again.
    """
    postgres = is_postgres(session)
    values = _values(session, kind, now, held)
    if among is None:
        wanted, values["at_most"] = _claimable(bool(held), postgres, lock=postgres), limit
    else:  # by their ids alone: asked for an order, SQLite would go through the whole backlog
        wanted, values["among"] = _among(bool(held), postgres), list(among)
    ids = list(execute(session, wanted, values).scalars())
    if among is not None:
        rank = {number: index for index, number in enumerate(among)}
        ids = sorted(ids, key=lambda number: rank[number])[:limit]
    if not ids:
        return []
    lease = timedelta(seconds=lease_seconds)
    named: dict[str, Any] = {"taken": ids, "by": owner}
    named |= {"lease": lease} if postgres else {"until": server_now(session) + lease}
    items = session.scalars(_take(postgres), named).all()
    place = {number: index for index, number in enumerate(ids)}
    return sorted(items, key=lambda item: place[item.id])


@cache
def _take(postgres: bool) -> ReturningUpdate[WorkItem]:
    until: Any = bindparam("until")
    if postgres:
        until = _SERVER_CLOCK + bindparam("lease", type_=Interval)
    return (
        update(WorkItem)
        .where(WorkItem.id.in_(bindparam("taken", expanding=True)))
        .values(
            state=WorkState.CLAIMED,
            owner=bindparam("by"),
            lease_until=until,
            epoch=WorkItem.epoch + 1,
            attempts=WorkItem.attempts + 1,
        )
        .returning(WorkItem)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _values(session: Session, kind: str, now: datetime, held: Collection[int]) -> dict[str, Any]:
    """What the statements below are executed with."""
    values: dict[str, Any] = {"of_kind": kind, "now": now}
    if not is_postgres(session):
        values["server_now"] = server_now(session)
    return {**values, "held": list(held)} if held else values


@cache
def _claimable(held: bool, postgres: bool, *, lock: bool = False) -> Select[int]:
    """Ids in their order. `held`: some are left out. `lock`: until the commit."""
    found = (
        select(WORK.c.id)
        .where(*_conditions(held, postgres))
        .order_by(WORK.c.priority, WORK.c.due, WORK.c.id)
        .limit(bindparam("at_most", type_=Integer))
    )
    return found.with_for_update(skip_locked=True, of=WORK) if lock else found


@cache
def _among(held: bool, postgres: bool) -> Select[int]:
    """Those that are named, locked until the commit."""
    among = WORK.c.id.in_(bindparam("among", expanding=True))
    found = select(WORK.c.id).where(*_conditions(held, postgres), among)
    return found.with_for_update(skip_locked=True, of=WORK) if postgres else found


def _conditions(held: bool, postgres: bool) -> list[ColumnElement[bool]]:
    free = or_(
        WORK.c.state != WorkState.CLAIMED,
        and_(
            WORK.c.state == WorkState.CLAIMED,
            WORK.c.lease_until < (_SERVER_CLOCK if postgres else bindparam("server_now")),
        ),
    )
    found: list[ColumnElement[bool]] = [
        WORK.c.kind == bindparam("of_kind"),
        WORK.c.state.in_(UNFINISHED),
        WORK.c.behind == false(),
        WORK.c.due <= bindparam("now"),  # by itself: the index alone passes over what is due later
        free,
        or_(WORK.c.order_key.is_(None), first_of_its_key()),
    ]
    return [*found, WORK.c.id.not_in(bindparam("held", expanding=True))] if held else found


def renew(
    session: Session, claims: Iterable[tuple[int, int]], *, lease_seconds: int = LEASE_SECONDS
) -> list[int]:
    """Lengthens the leases of (id, epoch) pairs; the ids of those that nobody else has claimed.

    What another has taken over stays with it.
    """
    wanted = dict(sorted(claims))  # by id: two renewals never wait for each other
    if not wanted:
        return []
    until = server_now(session) + timedelta(seconds=lease_seconds)
    session.connection().execute(  # one statement for all: a burst may hold hundreds
        update(WorkItem)
        .where(
            WorkItem.id == bindparam("item"),
            WorkItem.epoch == bindparam("claim"),
            WorkItem.state == WorkState.CLAIMED,
        )
        .values(lease_until=until),
        [{"item": item_id, "claim": epoch} for item_id, epoch in wanted.items()],
    )
    rows = session.execute(select(WorkItem.id, WorkItem.epoch).where(WorkItem.id.in_(list(wanted))))
    return [row.id for row in rows if wanted[row.id] == row.epoch]


def release_stale(session: Session, boot_id: str) -> int:
    """At the start on SQLite: what an earlier process had claimed is free. How many it was.

    The rows are not read: one that cannot be decoded must not keep the process from starting.
    """
    stale = session.execute(
        select(WorkItem.id, WorkItem.kind, WorkItem.refreshes, WorkItem.priority).where(
            WorkItem.state == WorkState.CLAIMED, WorkItem.owner != boot_id
        )
    ).all()
    for row in stale:
        if row.refreshes is not None:
            fold_row(session, row.id, row.refreshes, row.priority)
        note_enqueued(session, row.kind)
    session.execute(
        update(WorkItem)
        .where(WorkItem.state == WorkState.CLAIMED, WorkItem.owner != boot_id)
        .values(state=WorkState.PENDING, owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    return len(stale)
