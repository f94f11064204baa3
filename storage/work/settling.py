"""Settling: how a claim ends; conditional on its epoch, so that who wakes late changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    bindparam,
    case,
    select,
    update,
)
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.changing import changed, end, fold_successor, of_claim
from storage.work.common import ERROR_LENGTH, UNFINISHED, WORK, note_enqueued, server_now


def complete(
    session: Session,
    item_id: int,
    epoch: int,
    now: datetime,
    result: dict[str, Any] | None = None,
) -> bool:
    """Done. False when the claim is not this epoch's any more: then nothing changed.

    The address of an answer, and what it held of a person, have served their purpose and go; a
    delivery is kept for some days (rule 9).
    """
    return end(
        session,
        _COMPLETE,
        item_id,
        epoch,
        ends=True,
        settled_epoch=epoch,
        finished_at=now,
        result=result,
    )


_COMPLETE = of_claim(
    state=WorkState.DONE,
    lease_until=None,
    secret=case((WORK.c.kind == WorkKind.INTAKE, WORK.c.secret)),
)


def retry(
    session: Session, item_id: int, epoch: int, due: datetime, error: str, *, waited: bool = False
) -> bool:
    """Again at `due`; it is known that this claim had no effect. False: stale epoch.

    `waited`: nothing failed, so it does not count as an attempt.
    """
    return _again(session, item_id, epoch, due, error, settled_epoch=epoch, waited=waited)


def unclear(
    session: Session, item_id: int, epoch: int, due: datetime, error: str, *, waited: bool = False
) -> bool:
    """Whether this claim had its effect is unknown: look before repeating. False: stale epoch.

    `waited`: as with `retry`.
    """
    return end(
        session,
        _UNCLEAR,
        item_id,
        epoch,
        due=due,
        last_error=error[:ERROR_LENGTH],
        waited=int(waited),
    )


_UNCLEAR = of_claim(
    state=WorkState.UNCLEAR, lease_until=None, attempts=WORK.c.attempts - bindparam("waited")
)


def park(session: Session, item_id: int, epoch: int, error: str, *, unclear: bool = False) -> bool:
    """Set aside for an operator; the rest of its order key goes on. False: stale epoch.

    `unclear`: this claim, or one before it, may have had its effect. Once it is taken up again,
    that is looked for first.
    """
    known = {} if unclear else {"settled_epoch": epoch}
    said = error[:ERROR_LENGTH]
    return end(session, _PARK, item_id, epoch, ends=True, last_error=said, **known)


_PARK = of_claim(state=WorkState.PARKED, lease_until=None)


def end_leases(session: Session, owner: str) -> int:
    """The process of that boot id ends: whatever it still has may be taken over now. How many.

    Whether it had its effect is to be looked up.
    """
    ended = session.execute(
        update(WorkItem)
        .where(
            WorkItem.state.in_(UNFINISHED),
            WorkItem.state == WorkState.CLAIMED,
            WorkItem.owner == owner,
        )
        .values(lease_until=server_now(session))
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", ended).rowcount


def set_aside(session: Session, item_id: int, error: str) -> bool:
    """Parks an unfinished item that cannot even be read. False: it was finished meanwhile."""
    return changed(
        session,
        update(WORK)
        .where(WORK.c.id == item_id, WORK.c.state.in_(UNFINISHED))
        .values(state=WorkState.PARKED, lease_until=None)
        .returning(WORK.c.id, WORK.c.kind, WORK.c.order_key),
        {"last_error": error[:ERROR_LENGTH]},
        ends=True,
    )


def unpark(session: Session, item_id: int, now: datetime) -> bool:
    """An operator has a parked item tried again."""
    item = session.get(WorkItem, item_id)
    if item is None or item.state != WorkState.PARKED:
        return False
    fold_successor(session, item)
    item.state, item.due, item.attempts = WorkState.PENDING, now, 0
    note_enqueued(session, item.kind)
    return True


def _again(
    session: Session,
    item_id: int,
    epoch: int,
    due: datetime,
    error: str,
    *,
    settled_epoch: int,
    waited: bool,
) -> bool:
    item = session.scalar(
        select(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.epoch == epoch, WorkItem.state == WorkState.CLAIMED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if item is None:
        return False
    fold_successor(session, item)
    item.state, item.due, item.owner, item.lease_until = WorkState.PENDING, due, None, None
    item.settled_epoch = settled_epoch
    item.attempts -= int(waited)
    item.last_error = error[:ERROR_LENGTH]
    session.flush()
    note_enqueued(session, item.kind)
    return True
