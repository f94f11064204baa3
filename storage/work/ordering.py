"""Ordering: the mark of what waits behind an older item of its order key, so that no claim looks at
it.

A hundred thousand messages may stand behind a few that wait for Slack. An item is marked when it
is added while an older one of its key is unfinished; the end of an item takes the mark off the
next one. The mark is a hint in one direction only: what is marked is not looked at, what is not
marked is still compared with its key when it is claimed.

On PostgreSQL the adding holds the older item (`for share`) until its commit, so that the older one
cannot end in between without seeing what has come behind it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select, true, update
from sqlalchemy.orm import Session

from storage.models.work import WorkItem
from storage.work.common import UNFINISHED, WORK, execute


def _of_key(order_key: Any, *, newest: bool = False, after: Any = None) -> Select[int]:
    """The id of the oldest unfinished item of the key (the newest one; the next one `after`).

    The key as a range, in the order of the index: asked for one key by `=`, PostgreSQL may go
    through all items by their ids instead, in the hope of soon meeting one of that key.
    """
    item = WORK.alias().c
    found = select(item.id).where(
        item.order_key >= order_key, item.order_key <= order_key, item.state.in_(UNFINISHED)
    )
    if after is not None:
        found = found.where(item.id > after)
    order = (item.order_key, item.id)
    return found.order_by(*(column.desc() if newest else column for column in order)).limit(1)


def first_of_its_key() -> ColumnElement[bool]:
    """Nothing older of its order key is unfinished; of an unfinished item that has a key."""
    return WORK.c.id == _of_key(WORK.c.order_key).scalar_subquery()


def is_behind(order_key: Any) -> ColumnElement[bool]:
    """Whether an item that is added now has an unfinished older one of its key."""
    older = _of_key(order_key, newest=True).with_for_update(read=True)
    return older.scalar_subquery().is_not(None)


def let_next_go(session: Session, item_id: int, order_key: str | None) -> None:
    """The item is finished, or gone: the next one of its key is looked at again."""
    if order_key is not None:
        execute(session, _LET_NEXT_GO, {"ended_key": order_key, "ended_id": item_id})


_LET_NEXT_GO = (
    update(WORK)
    .where(
        WORK.c.id == _of_key(bindparam("ended_key"), after=bindparam("ended_id")).scalar_subquery(),
        WORK.c.behind == true(),
    )
    .values(behind=False)
)


def left_behind(session: Session) -> list[int]:
    """Marked items that wait for nothing: a replica of an older version ended what was ahead."""
    marked = select(WorkItem.id).where(
        WorkItem.state.in_(UNFINISHED), WorkItem.behind == true(), first_of_its_key()
    )
    return list(session.scalars(marked))


def let_go(session: Session, ids: Collection[int]) -> None:
    """Takes the mark off these."""
    session.execute(
        update(WorkItem)
        .where(WorkItem.id.in_(list(ids)), WorkItem.behind == true())
        .values(behind=False)
        .execution_options(synchronize_session=False)
    )
