"""The work table: enqueue, claim, settle (decision 3). The same functions on both engines.

Completion is conditional on the claim's epoch, so a process that wakes late changes nothing.
Leases use the database server's clock, which is this machine's on SQLite.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    CursorResult,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.types import UtcDateTime

LEASE_SECONDS = 30
# Written out as literals: neither engine matches a partial index against bound parameters.
_UNFINISHED: BindParameter[Any] = bindparam(
    "unfinished",
    [str(state) for state in (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR)],
    expanding=True,
    literal_execute=True,
)
_PENDING: BindParameter[Any] = bindparam("pending", str(WorkState.PENDING), literal_execute=True)
_KINDS = "muster_enqueued_kinds"
_ERROR_LENGTH = 500


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


def server_now(session: Session) -> datetime:
    """The clock of leases: the database server's own (rule 8)."""
    if session.get_bind().dialect.name == "postgresql":
        clock: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
        return clock.astimezone(UTC)
    return datetime.now(UTC)


def enqueued_kinds(session: Session) -> set[str]:
    """Kinds of work that this session made ready; after its commit the workers are woken."""
    return cast("set[str]", session.info.get(_KINDS, set()))


def _note(session: Session, kind: str) -> None:
    session.info.setdefault(_KINDS, set()).add(kind)


def _insert(session: Session) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(WorkItem).on_conflict_do_nothing()


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
    return _add(
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
    least = func.least if _postgres(session) else func.min
    pending = session.execute(
        update(WorkItem)
        .where(WorkItem.refreshes == key, WorkItem.state == _PENDING)
        .values(
            payload=payload,
            due=least(WorkItem.due, literal(due, UtcDateTime())),
            priority=least(WorkItem.priority, priority),
        )
        .execution_options(synchronize_session=False)
    )
    _note(session, kind)
    if cast("CursorResult[Any]", pending).rowcount:
        return None
    return _add(
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


def _add(session: Session, **values: Any) -> WorkItem | None:
    item = session.execute(
        _insert(session).values(**values).returning(WorkItem)
    ).scalar_one_or_none()
    if item is not None:
        _note(session, item.kind)
    return cast("WorkItem | None", item)


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
    dialect = postgresql if _postgres(session) else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing().returning(table.c.key, table.c.id)
    found = session.connection().execute(statement, rows)
    stored: dict[str, int] = {row.key: row.id for row in found}
    for new in group:
        if new.owner is None:
            _note(session, new.kind)
    return [stored.pop(new.key, None) for new in group]


def void(session: Session, ids: Collection[int]) -> None:
    """Takes back deliveries that were stored too late to be acknowledged."""
    session.execute(
        update(WorkItem)
        .where(WorkItem.id.in_(list(ids)))
        .values(state=WorkState.DONE, result={"void": "stored too late"}, secret=None)
    )


def claim(
    session: Session,
    kind: str,
    *,
    owner: str,
    now: datetime,
    limit: int,
    lease_seconds: int = LEASE_SECONDS,
    held: Collection[int] = (),
) -> list[WorkItem]:
    """Takes up to `limit` due items for `owner`, strongest priority first.

    Claimable is what is pending or unclear and due, and what a process left with an ended lease
    (never one of `held`, the items that this process is working on). An item with an order key
    waits for every unfinished older one of that key; parked ones do not block.
    """
    clock = server_now(session)
    older = aliased(WorkItem)
    ready = or_(
        and_(WorkItem.state.in_((WorkState.PENDING, WorkState.UNCLEAR)), WorkItem.due <= now),
        and_(WorkItem.state == WorkState.CLAIMED, WorkItem.lease_until < clock),
    )
    blocked = exists().where(
        older.order_key == WorkItem.order_key,
        older.id < WorkItem.id,
        older.state.in_(_UNFINISHED),
    )
    wanted = (
        select(WorkItem.id)
        .where(
            WorkItem.kind == kind,
            WorkItem.state.in_(_UNFINISHED),
            ready,
            or_(WorkItem.order_key.is_(None), ~blocked),
        )
        .order_by(WorkItem.priority, WorkItem.due, WorkItem.id)
        .limit(limit)
    )
    if held:
        wanted = wanted.where(WorkItem.id.not_in(list(held)))
    if _postgres(session):
        wanted = wanted.with_for_update(skip_locked=True, of=WorkItem)
    ids = list(session.scalars(wanted))
    if not ids:
        return []
    items = session.scalars(
        update(WorkItem)
        .where(WorkItem.id.in_(ids))
        .values(
            state=WorkState.CLAIMED,
            owner=owner,
            lease_until=clock + timedelta(seconds=lease_seconds),
            epoch=WorkItem.epoch + 1,
            attempts=WorkItem.attempts + 1,
        )
        .returning(WorkItem)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    place = {number: index for index, number in enumerate(ids)}
    return sorted(items, key=lambda item: place[item.id])


def renew(
    session: Session, claims: Iterable[tuple[int, int]], *, lease_seconds: int = LEASE_SECONDS
) -> None:
    """Lengthens the leases of (id, epoch) pairs; what another has taken over stays with it."""
    until = server_now(session) + timedelta(seconds=lease_seconds)
    for item_id, epoch in claims:
        session.execute(_mine(item_id, epoch).values(lease_until=until))


def ensure(
    session: Session, *, kind: str, key: str, payload: dict[str, Any], due: datetime, now: datetime
) -> None:
    """Sees to it that a recurring item exists and is not finished; a waiting one stays as it is."""
    if enqueue(session, kind=kind, key=key, payload=payload, due=due, now=now) is not None:
        return
    revived = session.execute(
        update(WorkItem)
        .where(WorkItem.key == key, WorkItem.state.in_((WorkState.DONE, WorkState.PARKED)))
        .values(state=WorkState.PENDING, due=due, attempts=0, payload=payload)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", revived).rowcount:
        _note(session, kind)


def reschedule(session: Session, item_id: int, epoch: int, due: datetime) -> bool:
    """A recurring item has run and is wanted again at `due`. False: stale epoch."""
    return _changed(
        session,
        _mine(item_id, epoch).values(
            state=WorkState.PENDING,
            due=due,
            settled_epoch=epoch,
            attempts=0,
            owner=None,
            lease_until=None,
            last_error=None,
        ),
    )


def following(due: datetime, every: timedelta, now: datetime) -> datetime:
    """When a recurring item is due again: in step with its last due time, but once after a pause
    however long, not once for each turn that was missed."""
    coming = due + every
    return coming if coming > now else now + every


def complete(
    session: Session,
    item_id: int,
    epoch: int,
    now: datetime,
    result: dict[str, Any] | None = None,
) -> bool:
    """Done. False when the claim is not this epoch's any more: then nothing changed."""
    done = _changed(
        session,
        _mine(item_id, epoch).values(
            state=WorkState.DONE,
            settled_epoch=epoch,
            finished_at=now,
            result=result,
            lease_until=None,
        ),
    )
    if done:
        _wake_followers(session, item_id)
    return done


class AlreadyDone(Exception):
    """The delivery was carried out before, by an earlier try or by another replica."""


def once(session: Session, key: str, now: datetime) -> None:
    """Marks a stored delivery as carried out, in the transaction that carries it out.

    A crash before the commit leaves it to be done again, a crash after it does not. Raises
    AlreadyDone, which rolls the caller's unit back: nothing is done a second time.
    """
    done = _changed(
        session,
        update(WorkItem)
        .where(
            WorkItem.key == key,
            WorkItem.kind == WorkKind.INTAKE,
            WorkItem.state.in_(_UNFINISHED),
        )
        .values(state=WorkState.DONE, finished_at=now, lease_until=None)
        .execution_options(synchronize_session=False),
    )
    if not done:
        raise AlreadyDone(key)


def next_due(session: Session, kind: str, now: datetime) -> datetime | None:
    """When the next item of this kind becomes due after `now`; None when none waits."""
    return session.execute(
        select(func.min(WorkItem.due)).where(
            WorkItem.kind == kind,
            WorkItem.state.in_(_UNFINISHED),
            WorkItem.state != WorkState.CLAIMED,
            WorkItem.due > now,
        )
    ).scalar_one()


@dataclass(frozen=True)
class Depth:
    """How much work of one kind there is."""

    kind: str
    due: int  # unfinished and due by now, what is being worked on included
    waiting: int  # due later
    parked: int
    oldest: datetime | None  # due time of the oldest that is due and unfinished


def depths(session: Session, now: datetime) -> list[Depth]:
    """The work table in figures, one entry for each kind that has unfinished or parked items."""
    is_due = WorkItem.due <= now
    counted = session.execute(
        select(
            WorkItem.kind,
            WorkItem.state == WorkState.PARKED,
            is_due,
            func.count(),
            func.min(WorkItem.due),
        )
        .where(WorkItem.state != WorkState.DONE)
        .group_by(WorkItem.kind, WorkItem.state == WorkState.PARKED, is_due)
    ).all()
    found: dict[str, Depth] = {}
    for kind, parked, due, count, oldest in counted:
        depth = found.get(kind, Depth(kind, 0, 0, 0, None))
        if parked:
            depth = replace(depth, parked=depth.parked + count)
        elif due:
            depth = replace(depth, due=count, oldest=oldest)
        else:
            depth = replace(depth, waiting=count)
        found[kind] = depth
    return [found[kind] for kind in sorted(found)]


def retry(session: Session, item_id: int, epoch: int, due: datetime, error: str) -> bool:
    """Again at `due`; it is known that this claim had no effect. False: stale epoch."""
    return _again(session, item_id, epoch, due, error, settled_epoch=epoch)


def unclear(session: Session, item_id: int, epoch: int, due: datetime, error: str) -> bool:
    """Whether this claim had its effect is unknown: look before repeating. False: stale epoch."""
    return _changed(
        session,
        _mine(item_id, epoch).values(
            state=WorkState.UNCLEAR, due=due, last_error=error[:_ERROR_LENGTH], lease_until=None
        ),
    )


def park(session: Session, item_id: int, epoch: int, error: str) -> bool:
    """Set aside for an operator; the rest of its order key goes on. False: stale epoch."""
    parked = _changed(
        session,
        _mine(item_id, epoch).values(
            state=WorkState.PARKED,
            settled_epoch=epoch,
            last_error=error[:_ERROR_LENGTH],
            lease_until=None,
        ),
    )
    if parked:
        _wake_followers(session, item_id)
    return parked


def unpark(session: Session, item_id: int, now: datetime) -> bool:
    """An operator has a parked item tried again."""
    item = session.get(WorkItem, item_id)
    if item is None or item.state != WorkState.PARKED:
        return False
    _fold_successor(session, item)
    item.state, item.due, item.attempts = WorkState.PENDING, now, 0
    _note(session, item.kind)
    return True


def release_stale(session: Session, boot_id: str) -> int:
    """At the start on SQLite: what an earlier process had claimed is free. How many it was."""
    stale = session.scalars(
        select(WorkItem).where(WorkItem.state == WorkState.CLAIMED, WorkItem.owner != boot_id)
    ).all()
    for item in stale:
        _fold_successor(session, item)
        item.state, item.owner, item.lease_until = WorkState.PENDING, None, None
        _note(session, item.kind)
    return len(stale)


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


def _again(
    session: Session, item_id: int, epoch: int, due: datetime, error: str, *, settled_epoch: int
) -> bool:
    item = session.scalar(
        select(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.epoch == epoch, WorkItem.state == WorkState.CLAIMED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if item is None:
        return False
    _fold_successor(session, item)
    item.state, item.due, item.owner, item.lease_until = WorkState.PENDING, due, None, None
    item.settled_epoch = settled_epoch
    item.last_error = error[:_ERROR_LENGTH]
    session.flush()
    _note(session, item.kind)
    return True


def _fold_successor(session: Session, item: WorkItem) -> None:
    """A refresh that goes back to pending takes over its successor's newer payload."""
    if item.refreshes is None:
        return
    successor = session.scalar(
        select(WorkItem).where(
            WorkItem.refreshes == item.refreshes,
            WorkItem.state == _PENDING,
            WorkItem.id != item.id,
        )
    )
    if successor is not None:
        item.payload = successor.payload
        item.priority = min(item.priority, successor.priority)
        session.delete(successor)
        session.flush()


def _mine(item_id: int, epoch: int) -> Any:
    return (
        update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.epoch == epoch, WorkItem.state == WorkState.CLAIMED)
        .execution_options(synchronize_session=False)
    )


def _changed(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1


def _wake_followers(session: Session, item_id: int) -> None:
    """The end of an ordered item may make the next one of its order key claimable."""
    row = session.execute(
        select(WorkItem.kind, WorkItem.order_key).where(WorkItem.id == item_id)
    ).one()
    if row.order_key is not None:
        _note(session, row.kind)


def _postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
