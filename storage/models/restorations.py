"""Restorations: that the record was put back to an earlier moment, and who has looked since."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Moment
from storage.types import Json


class Restoration(Base):
    """One restore of an older backup. Between its two moments the record knows nothing."""

    __tablename__ = "restorations"

    id: Mapped[int] = mapped_column(primary_key=True)
    reaches_to: Mapped[Moment]  # the newest moment of which the record still knows
    restored_at: Mapped[Moment]
    told_at: Mapped[Moment | None]  # the first start since: every open incident has its line
    looked_at: Mapped[Moment | None]  # Slack was read for threads that are newer
    newer: Mapped[Any | None] = mapped_column(Json)  # those threads: reference, channel, ts


class RestoredIncident(Base):
    """An incident that was open in what was restored, until somebody confirms its record."""

    __tablename__ = "restored_incidents"

    restoration_id: Mapped[int] = mapped_column(ForeignKey("restorations.id"), primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[Moment | None]
