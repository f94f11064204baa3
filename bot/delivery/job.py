"""Job: a claimed message item as delivery works on it, and how its turn may end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storage.models import WorkItem

URGENT = 1  # priorities up to this one ring somebody, or are the first that is told of a fault

Also = Callable[[Session, datetime], None]
"""What is written in the same transaction that settles the item."""


@dataclass(frozen=True)
class Job:
    """One claim of one message item."""

    id: int
    key: str  # of the work item
    epoch: int
    order_key: str | None
    priority: int
    attempts: int
    created_at: datetime
    ambiguous: bool  # an earlier claim ended without a known outcome: look before repeating
    payload: Mapping[str, Any]
    secret: Any = None

    @classmethod
    def of(cls, item: WorkItem) -> Job:
        return cls(
            id=item.id,
            key=item.key,
            epoch=item.epoch,
            order_key=item.order_key,
            priority=item.priority,
            attempts=item.attempts,
            created_at=item.created_at,
            ambiguous=item.epoch - 1 != item.settled_epoch,
            payload=item.payload,
            secret=item.secret,
        )

    @property
    def message(self) -> str:
        """Key of the message it is about."""
        return str(self.payload.get("message") or self.key)

    @property
    def urgent(self) -> bool:
        return self.priority <= URGENT

    @property
    def delivery_id(self) -> str:
        """The mark in the message's metadata by which it is found again.

        Worked out from the committed row, so it is known before the first byte leaves and after
        every crash; the time of creation keeps it apart from a number that was given out before
        an older backup was restored.
        """
        source = f"{self.key}|{self.id}|{self.created_at.isoformat()}"
        return hashlib.sha256(source.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Delivered:
    """It stands in Slack, or needs not stand there any more."""

    result: Mapping[str, Any] = field(default_factory=dict)
    also: Also | None = None


@dataclass(frozen=True)
class Later:
    """Nothing was sent in this turn; due again then. `waited`: nothing failed either."""

    due: datetime
    why: str
    also: Also | None = None
    waited: bool = False


@dataclass(frozen=True)
class Lost:
    """Sent, outcome unknown: after the settle time it is looked for, then repeated."""

    due: datetime
    why: str
    also: Also | None = None


@dataclass(frozen=True)
class Parked:
    """It cannot be delivered without a person; an operator sees it.

    `unclear`: it may have been sent, so that is looked for before it is tried again.
    """

    why: str
    unclear: bool = False


Turn = Delivered | Later | Lost | Parked
