"""Isolated messages: what was moved to the private channel, since customer data stood in it."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Moment


class IsolatedMessage(Base):
    """A message of ours by its key, or a person's by its channel and ts."""

    __tablename__ = "isolated_messages"

    what: Mapped[str] = mapped_column(primary_key=True)  # INC-412/log/17, C0123/1764500000.000100
    by: Mapped[str]  # who moved it
    at: Mapped[Moment]
