"""The one work table: intake, outgoing messages, timers, actions and check runs (decision 3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment
from storage.types import EncryptedJson


class WorkKind(StrEnum):
    INTAKE = "intake"
    MESSAGE = "message"
    TIMER = "timer"
    ACTION = "action"
    CHECK = "check"


class WorkState(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"  # an owner works on it until the lease ends (message: sending)
    UNCLEAR = "unclear"  # the outcome is unknown: look before repeating
    DONE = "done"
    PARKED = "parked"  # cannot be done without a person; shown to an operator, never dropped


_PENDING = text("state = 'pending'")
_PARKED = text("state = 'parked'")
_UNFINISHED = text("state in ('pending', 'claimed', 'unclear')")


class WorkItem(Base):
    """One piece of work. `order_key`: items of one key run one after the other, by id."""

    __tablename__ = "work"
    __table_args__ = (
        Index("uq_work_key", "key", unique=True),
        Index(
            "ix_work_due",
            "kind",
            "behind",
            "priority",
            "due",
            "id",
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index(
            "uq_work_refresh",
            "refreshes",
            unique=True,
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index(
            "ix_work_order",
            "order_key",
            "id",
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index(
            "ix_work_parked",
            "kind",
            "id",
            sqlite_where=_PARKED,
            postgresql_where=_PARKED,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]  # unique: de-duplication of deliveries, coalescing of refreshes
    # Compared by bytes on both engines, so its index also finds what begins with a text.
    order_key: Mapped[str | None] = mapped_column(
        String().with_variant(String(collation="C"), "postgresql")
    )
    # An older one of its order key was unfinished when it was added (storage.work.behind).
    behind: Mapped[bool] = mapped_column(default=False, server_default=false())
    refreshes: Mapped[str | None]  # what is brought up to date: one pending item of each
    priority: Mapped[int] = mapped_column(default=5)  # lower is sooner: 0 opens a view, 1 rings
    due: Mapped[Moment]
    state: Mapped[str] = mapped_column(default=WorkState.PENDING)
    owner: Mapped[str | None]
    lease_until: Mapped[Moment | None]
    epoch: Mapped[int] = mapped_column(default=0)  # grows with each claim; completion names it
    settled_epoch: Mapped[int] = mapped_column(default=0)  # last claim whose outcome is known
    attempts: Mapped[int] = mapped_column(default=0)
    payload: Mapped[Figures]  # references only
    secret: Mapped[Any | None] = mapped_column(EncryptedJson)  # a stored Slack delivery
    result: Mapped[Figures | None]
    last_error: Mapped[str | None]
    created_at: Mapped[Moment]
    finished_at: Mapped[Moment | None]
