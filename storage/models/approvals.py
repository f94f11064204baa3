"""Approvals that a press waits for, and money that presses moved without one."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment
from storage.types import Json


class ApprovalState(StrEnum):
    """What became of a request for a second person's yes."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"  # nobody decided in time
    WITHDRAWN = "withdrawn"  # what it was about is no longer so


class Approval(Base):
    """One request for a whole press: what the approver is shown, who was asked, what came of it."""

    __tablename__ = "approvals"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    press: Mapped[str] = mapped_column(unique=True)
    action: Mapped[str]  # id in the plan's actions
    state: Mapped[str] = mapped_column(default=ApprovalState.WAITING, index=True)
    round: Mapped[int] = mapped_column(default=1)  # one more each time it was asked anew
    shown: Mapped[Figures]  # amounts, cases and limits as the approver sees them
    seal: Mapped[str]  # of the state that was shown: another one is another request
    told: Mapped[Any] = mapped_column(Json)  # user ids, in the order in which they were asked
    asked_by: Mapped[str]
    asked_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Moment | None]


class Spending(Base):
    """The money of one attempt, as limits count it. Whether it counts, its attempt says."""

    __tablename__ = "spendings"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("action_attempts.id"), primary_key=True)
    at: Mapped[Moment]
    limit_name: Mapped[str]  # the limit of the plan that it counts against
    minor: Mapped[int]
    currency: Mapped[str]


class SpendingKey(Base):
    """Whom a spending counts for: "order:FG-1", "customer:c7", "incident:3", "person:U0LIN"."""

    __tablename__ = "spending_keys"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("spendings.attempt_id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True, index=True)
