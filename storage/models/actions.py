"""Action attempts: written down before they are tried (rule 6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, Figures, Moment
from storage.types import EncryptedJson, EncryptedText, Json, Personal


class AttemptState(StrEnum):
    """Where an action stands. Unknown is never called failed."""

    AWAITING_APPROVAL = "awaiting_approval"
    WRITTEN = "written"  # committed, not sent yet
    SENT = "sent"  # the request is on its way or was answered; not looked at yet
    UNKNOWN = "unknown"  # no answer: looked up with the same key, never blindly repeated
    DONE = "done"  # verified by looking
    FAILED = "failed"  # the shop refused or the look shows no effect
    REFUSED = "refused"  # a precondition did not hold; nothing was sent


class EffectState(StrEnum):
    """Whether what an action did is still so. Only what stands lets its step be done."""

    STANDS = "stands"
    GONE = "gone"  # a look shows that it is not so any more
    UNDONE = "undone"  # somebody took it back
    FAILED = "failed"  # it stood, and the customers felt the fault all the same


class Effect(Base):
    """What an action did to the shop, as it was seen: the evidence of a step that is done."""

    __tablename__ = "effects"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runbook_runs.id"))
    step_id: Mapped[str]
    attempt_id: Mapped[int] = mapped_column(ForeignKey("action_attempts.id"))
    action: Mapped[str]  # id in the plan's actions
    state: Mapped[str] = mapped_column(default=EffectState.STANDS)
    look: Mapped[str]  # what was looked at
    seen: Mapped[Any | None] = mapped_column(EncryptedJson)  # what was seen at the last good look
    seen_at: Mapped[Moment]
    looked_at: Mapped[Moment]  # the last look, also one without an answer
    problem: Mapped[str | None]  # why the last look had none
    first_at: Mapped[Moment]  # when it was first seen
    ended_at: Mapped[Moment | None]


class ActionAttempt(Base):
    """One intended effect on the shop, a vendor or a customer; one key, one effect."""

    __tablename__ = "action_attempts"
    # How a press stands is counted after each of its attempts, from the index alone.
    __table_args__ = (Index("ix_action_attempts_press", "press", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # the idempotency key that the shop sees
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runbook_runs.id"))
    step_id: Mapped[str | None]
    button: Mapped[str | None]  # of the step, "later:<question>:<button>", or None for an undo
    press: Mapped[str] = mapped_column(default="")  # all attempts that one press asked for
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    covers: Mapped[Any | None] = mapped_column(Json)  # ids of the cases that it stands for
    action: Mapped[str]  # id in the plan's actions
    params: Mapped[Figures]
    hidden: Mapped[Any | None] = mapped_column(EncryptedJson)  # parameters with a person's words
    state: Mapped[str] = mapped_column(default=AttemptState.WRITTEN)
    # Of the shop's answers what the plan speaks of (plan.answer_fields): encrypted, thirty days.
    before: Mapped[Any | None] = mapped_column(EncryptedJson)
    after: Mapped[Any | None] = mapped_column(EncryptedJson)
    response: Mapped[Any | None] = mapped_column(EncryptedJson)
    problem: Mapped[str | None]  # code of the failure catalogue
    problem_detail: Mapped[Personal | None] = mapped_column(EncryptedText)
    requested_by: Mapped[str]
    requested_at: Mapped[Moment]
    approved_by: Mapped[str | None]
    sent_at: Mapped[Moment | None]
    settled_at: Mapped[Moment | None]
    looks: Mapped[int] = mapped_column(default=0)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("action_attempts.id"))
