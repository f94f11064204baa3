"""Enqueueing: adding work, once for each key, or coalescing."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, Update, bindparam, func, update
from sqlalchemy.orm import Session

from storage.dialect import insert_into, is_postgres
from storage.types import UtcDateTime
from storage.work.common import PENDING, WORK, execute, note_enqueued
from storage.work.ordering import is_behind


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
) -> int | None:
    """Adds an item; its id. None when one of that key exists, finished or not: done only once."""
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
) -> int | None:
    """Adds a coalescing item: while one of that key is pending, that one will do.

    The pending one takes the newer payload, the sooner due time and the stronger priority, and
    None is returned. An item that is being worked on gets a successor, since it may have read the
    older state.
    """
    session.flush()
    note_enqueued(session, kind)
    values = {"what": key, "sooner": due, "stronger": priority, "payload": payload}
    while True:
        if execute(session, _joining(is_postgres(session)), values).rowcount:
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


@cache
def _joining(postgres: bool) -> Update:
    least = func.least if postgres else func.min
    return (
        update(WORK)
        .where(WORK.c.refreshes == bindparam("what"), WORK.c.state == PENDING)
        .values(
            due=least(WORK.c.due, bindparam("sooner", type_=UtcDateTime())),
            priority=least(WORK.c.priority, bindparam("stronger", type_=Integer)),
        )
    )


def add(session: Session, **values: Any) -> int | None:
    """The new row's id; None when one of that key, or of what it refreshes, is there."""
    order_key = values.get("order_key")
    statement = _adding(is_postgres(session), order_key is not None)
    if order_key is not None:
        values["behind_which"] = order_key
    added: int | None = execute(session, statement, values).scalar_one_or_none()
    if added is not None:
        note_enqueued(session, values["kind"])
    return added


@cache
def _adding(postgres: bool, ordered: bool) -> Any:
    statement = insert_into(WORK, postgres=postgres).on_conflict_do_nothing().returning(WORK.c.id)
    return statement.values(behind=is_behind(bindparam("behind_which"))) if ordered else statement
