"""Slack: what Muster knows of Slack, where its messages stand, and the people's own choices."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Moment


class SlackMessage(Base):
    """One message as it stands in Slack (a picture of the database, rule 1)."""

    __tablename__ = "slack_messages"
    __table_args__ = (Index("ix_slack_messages_place", "channel", "ts"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # INC-412/card, INC-412/runbook, INC-412/log/17
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    delivery_id: Mapped[str] = mapped_column(unique=True)  # in the message's metadata
    channel: Mapped[str | None]
    ts: Mapped[str | None]
    thread_ts: Mapped[str | None]
    permalink: Mapped[str | None]  # where people find it (chat.getPermalink)
    content_hash: Mapped[str | None]  # an equal refresh is not sent
    language: Mapped[str | None]
    posted_at: Mapped[Moment | None]
    gone_at: Mapped[Moment | None]


class Person(Base):
    """A Slack user: language (own choice, first from Slack's locale), zone, name."""

    __tablename__ = "people"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    language: Mapped[str]  # en or zh-Hant
    language_chosen: Mapped[bool] = mapped_column(default=False)
    time_zone: Mapped[str]
    refreshed_at: Mapped[Moment]
    standing: Mapped[str | None]  # in the workspace (incidents.people.Standing); None: not asked
