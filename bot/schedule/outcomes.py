"""Outcomes: how a turn of a work item may end, and how that is written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storage import work
from storage.models import WorkItem


@dataclass(frozen=True)
class Done:
    """Finished."""

    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Retry:
    """Again at `due`; it is known that nothing happened. `waited`: nor did anything fail."""

    due: datetime
    error: str
    waited: bool = False


@dataclass(frozen=True)
class Unclear:
    """Whether it happened is unknown: to be looked up at `due`, before it is repeated."""

    due: datetime
    error: str
    waited: bool = False


@dataclass(frozen=True)
class Park:
    """It cannot be done without a person. `unclear`: whether it happened is unknown."""

    error: str
    unclear: bool = False


Turn = Done | Retry | Unclear | Park | None
"""None: the handler has settled its item itself, in its own transaction."""

Run = Callable[[WorkItem], Awaitable[Turn]]


def nothing_sent(item: WorkItem, due: datetime, why: str) -> Turn:
    """This claim had no effect; an earlier one whose outcome is unknown stays to be looked up."""
    if item.epoch - 1 != item.settled_epoch:
        return Unclear(due, why, waited=True)
    return Retry(due, why, waited=True)


def settle(session: Session, item: WorkItem, turn: Turn, now: datetime) -> bool:
    """Writes the end of a turn; False when the claim is not ours any more."""
    if isinstance(turn, Done):
        return work.complete(
            session, item.id, item.epoch, now, None if turn.result is None else dict(turn.result)
        )
    if isinstance(turn, Retry):
        return work.retry(session, item.id, item.epoch, turn.due, turn.error, waited=turn.waited)
    if isinstance(turn, Unclear):
        return work.unclear(session, item.id, item.epoch, turn.due, turn.error, waited=turn.waited)
    if isinstance(turn, Park):
        return work.park(session, item.id, item.epoch, turn.error, unclear=turn.unclear)
    return True
