"""Alerts' memory: the last word of another system about what it calls by one key."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Moment

ALERT = "alert:"  # before a door's name among those of checks, and before the keys of its bodies


class AlertState(Base):
    """What a door heard last of a key: that it is so, or that it is over."""

    __tablename__ = "alert_states"
    __table_args__ = (Index("ix_alert_states_subject", "door", "subject"),)

    door: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)  # a digest of the source's own
    subject: Mapped[str]  # of the incident
    firing: Mapped[bool]
    started_at: Mapped[Moment | None]  # as the source says: which outage this is
    fired_at: Mapped[Moment | None]  # when it was last heard that it is so
    said_at: Mapped[Moment]  # when its last word came in
