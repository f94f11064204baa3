"""Record: what must stay as it was, the plan by hash, the audit chain, single facts of the
house.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment


class PlanContent(Base):
    """A version of the plan as it was when an incident ran under it."""

    __tablename__ = "plan_contents"

    hash: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    content: Mapped[str]  # canonical JSON
    stored_at: Mapped[Moment]


class AuditEntry(Base):
    """Append-only: who did, tried or was refused what (8.4.3). One chain per incident."""

    __tablename__ = "audit"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str]  # "INC-412", or "house" for what belongs to no incident
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    sequence: Mapped[int]
    at: Mapped[Moment]
    actor: Mapped[str]
    roles: Mapped[str]  # the actor's roles at that moment, comma separated
    action: Mapped[str]
    object: Mapped[str]
    result: Mapped[str]  # allowed, refused, done, failed, unknown
    data: Mapped[Figures]
    before_hash: Mapped[str | None]
    after_hash: Mapped[str | None]
    previous: Mapped[str]  # hash of the entry before it in the chain
    hash: Mapped[str]


class HouseFact(Base):
    """Single values: next incident number, boot id of the running process."""

    __tablename__ = "house"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Figures]
