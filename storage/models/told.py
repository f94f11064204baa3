"""Told: orders' messages, what each order's customer was told or sent, once per kind of message."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment


class ToldOrder(Base):
    """One kind of message (or pay link) of one order, whichever incident it was asked for in.

    Claimed when it is asked for; the claim goes when the message definitely did not go out, and
    stays while that is not known.
    """

    __tablename__ = "told_orders"
    __table_args__ = (
        UniqueConstraint("order_key", "kind"),
        Index("ix_told_orders_attempt", "attempt_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_key: Mapped[str]  # the order's number, as its case has it
    kind: Mapped[str]  # payment_failed, order_delayed, pay_link …
    action: Mapped[str]  # id in the plan's actions
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("action_attempts.id"))
    state: Mapped[str]  # claimed, unknown, told
    at: Mapped[Moment]  # of the claim, later of the outcome
    facts: Mapped[Figures]  # what it left on the case: link, via
