"""Checks' memory: what they remember between runs, per check and subject."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment


class CheckState(Base):
    """Failures and successes in a row: opening after N, recovered after M."""

    __tablename__ = "check_states"

    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True, default="")  # "" is the check itself
    failures: Mapped[int] = mapped_column(default=0)
    successes: Mapped[int] = mapped_column(default=0)
    failing: Mapped[bool] = mapped_column(default=False)
    first_failure_at: Mapped[Moment | None]
    last_failure_at: Mapped[Moment | None]
    last_run_at: Mapped[Moment | None]
    last_duration_ms: Mapped[int | None]
    last_error: Mapped[str | None]  # the check itself could not run
    figures: Mapped[Figures]


class CheckMark(Base):
    """Up to where a check has seen what changed in the shop, and what it found there."""

    __tablename__ = "check_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]  # of what was asked: another question begins anew
    looked_at: Mapped[Moment]
    swept_at: Mapped[Moment]  # when it last looked at the whole
    seen: Mapped[Figures]  # by entity, when its newest row changed; the keys of what was found
