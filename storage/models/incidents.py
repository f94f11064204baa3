"""Incidents with their cases, runbook runs, steps, timeline and follow-ups."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from storage.models.base import Base, Figures, Moment
from storage.money import Money
from storage.types import EncryptedJson, EncryptedText, Json, Personal


class Status(StrEnum):
    """Life of an incident (architecture: open → … → reviewed)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    DISMISSED = "dismissed"
    MERGED = "merged"


LIVE_STATUSES = (Status.OPEN, Status.ACKNOWLEDGED, Status.MITIGATED, Status.MONITORING)
_LIVE_SQL = "status in ('open', 'acknowledged', 'mitigated', 'monitoring')"


class StepState(StrEnum):
    """Where a step of a runbook run stands."""

    PENDING = "pending"  # not reached yet, or next: the first pending one of the run is next
    RUNNING = "running"  # its action was written down and is on its way
    UNKNOWN = "unknown"  # the shop never answered; being looked up
    DONE = "done"
    SKIPPED = "skipped"  # with a reason
    NOT_NEEDED = "not_needed"  # the branch that was chosen leaves it out


class CaseState(StrEnum):
    """Where one affected case stands."""

    OPEN = "open"
    UNKNOWN = "unknown"  # a payment without an answer (3.3): counted apart
    WAITING = "waiting"  # something was done, the effect is awaited (pay link sent, refund started)
    SETTLED = "settled"


class Incident(Base):
    """One incident: one thread in Slack."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_live_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=text(_LIVE_SQL),
            postgresql_where=text(_LIVE_SQL),
        ),
        Index("ix_incidents_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    incident_type: Mapped[str]
    family: Mapped[str]
    section: Mapped[str]
    subject: Mapped[str]  # "channel:northpay", "order:FG-10482", "service:storefront"
    fingerprint: Mapped[str]  # section and subject
    severity: Mapped[int]  # 1 … 4
    status: Mapped[str] = mapped_column(default=Status.OPEN)
    customer_impact: Mapped[bool] = mapped_column(default=True)
    private: Mapped[bool] = mapped_column(default=False)
    audience: Mapped[str]  # key of the channel in the configuration: incidents, cs, private
    source: Mapped[str]  # "check:payments-northpay", "command", "complaint"
    created_by: Mapped[str | None]  # Slack user id; None for a check
    plan_version: Mapped[str]
    plan_hash: Mapped[str] = mapped_column(ForeignKey("plan_contents.hash"))
    version: Mapped[int] = mapped_column(default=1)  # optimistic lock; buttons carry it
    facts: Mapped[Figures]  # the newest figures of the check or the form; no personal data
    opening_facts: Mapped[Figures]
    description: Mapped[Personal | None] = mapped_column(EncryptedText)  # what a person declared
    owner: Mapped[str | None]
    owner_since: Mapped[Moment | None]
    cause: Mapped[str | None]  # code of plan causes: vendor, system_fault, operator_error …
    cause_text: Mapped[Personal | None] = mapped_column(EncryptedText)
    quiet_until: Mapped[Moment | None]
    quiet_reason: Mapped[Personal | None] = mapped_column(EncryptedText)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    closing_reason: Mapped[Personal | None] = mapped_column(EncryptedText)  # dismissal, reopening
    recovered_at: Mapped[Moment | None]  # the check sees the fault gone
    failing: Mapped[bool] = mapped_column(default=False)  # a check of it fails, N in a row
    fails_beside: Mapped[bool] = mapped_column(default=False)  # what fails carries no traffic
    failed_runs: Mapped[int] = mapped_column(default=0)  # in a row, up to now
    checked_at: Mapped[Moment | None]  # when a check last spoke of it
    works_since: Mapped[Moment | None]  # a mitigating effect was seen and is being watched
    watched_until: Mapped[Moment | None]
    hold: Mapped[Any | None] = mapped_column(Json)  # of that watch: step, run, looks so far
    felt_since: Mapped[Moment | None]  # the present outage; None: since `started_at`
    outages: Mapped[Any | None] = mapped_column(Json)  # those that ended: [{"from", "to"}]
    follows: Mapped[int | None]  # id of the incident of the same subject resolved shortly before
    escalation_mark: Mapped[str | None]  # of the newest escalation: earlier ones ring nobody
    started_at: Mapped[Moment]
    detected_at: Mapped[Moment]
    notified_at: Mapped[Moment | None]
    acknowledged_at: Mapped[Moment | None]
    mitigated_at: Mapped[Moment | None]
    resolved_at: Mapped[Moment | None]
    reviewed_at: Mapped[Moment | None]

    cases: Mapped[list[Case]] = relationship(back_populates="incident", order_by="Case.id")
    runs: Mapped[list[RunbookRun]] = relationship(
        back_populates="incident", order_by="RunbookRun.id"
    )

    @property
    def times(self) -> int:
        """How often the customers have felt it: once, and once more for each relapse."""
        return len(self.outages or ()) + 1

    @property
    def reference(self) -> str:
        """How people call it: INC-412."""
        return f"INC-{self.number}"

    @property
    def tag(self) -> str:
        """What tells it from an incident of the same number in another database."""
        return hashlib.sha256(f"{self.number}|{self.detected_at.isoformat()}".encode()).hexdigest()[
            :5
        ]

    @property
    def drawn(self) -> str:
        """What a button is drawn for: incident, version, tag."""
        return f"{self.reference}:{self.version}.{self.tag}"

    @staticmethod
    def fingerprint_of(section: str, subject: str) -> str:
        """What is one incident while it is open: the subject in its section."""
        return f"{section}|{subject}"

    @property
    def nobody_has_it(self) -> bool:
        return self.status == Status.OPEN and self.owner is None

    @property
    def live(self) -> bool:
        return self.status in LIVE_STATUSES


class Case(Base):
    """An order, payment, parcel, channel or server that the incident affects."""

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("incident_id", "kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    kind: Mapped[str]  # order, payment, channel, server, complaint
    key: Mapped[str] = mapped_column(index=True)  # FG-10482, pay_0192 …
    state: Mapped[str] = mapped_column(default=CaseState.OPEN)
    amount_minor: Mapped[int | None]
    amount_currency: Mapped[str | None]
    customer_key: Mapped[str | None]  # the shop's own customer id: counted, never shown
    facts: Mapped[Figures]  # figures of this case (paid, delta, state since …)
    outcome: Mapped[str | None]  # code: paid, refunded, charged, not_charged, told …
    updated_at: Mapped[Moment]

    amount: Mapped[Money | None] = composite("amount_minor", "amount_currency")
    incident: Mapped[Incident] = relationship(back_populates="cases")


class RunbookRun(Base):
    """One run of a section's runbook inside an incident (a refund inside 3.2 is a second run)."""

    __tablename__ = "runbook_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    section: Mapped[str]
    parent_run_id: Mapped[int | None] = mapped_column(ForeignKey("runbook_runs.id"))
    parent_step: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="active")  # active, done, replaced
    started_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]

    incident: Mapped[Incident] = relationship(back_populates="runs")
    steps: Mapped[list[Step]] = relationship(back_populates="run", order_by="Step.position")


class Step(Base):
    """One step instance of a runbook run."""

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("run_id", "step_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runbook_runs.id"))
    step_id: Mapped[str]  # the plan's id: 3.3.1.s2
    position: Mapped[int]
    state: Mapped[str] = mapped_column(default=StepState.PENDING)
    actor: Mapped[str | None]  # who did it: user id, "system", "check:NAME"
    started_at: Mapped[Moment | None]
    at: Mapped[Moment | None]  # when it was done or skipped
    verified_at: Mapped[Moment | None]
    branch: Mapped[str | None]
    reason: Mapped[Personal | None] = mapped_column(EncryptedText)  # of a skip
    fields: Mapped[Any | None] = mapped_column(EncryptedJson)  # what the form recorded
    figures: Mapped[Figures]  # what stands behind the step: "12 of 12", counts

    run: Mapped[RunbookRun] = relationship(back_populates="steps")


class TimelineEntry(Base):
    """What happened, in order; the review is written from these."""

    __tablename__ = "timeline"
    __table_args__ = (
        UniqueConstraint("incident_id", "sequence"),
        # Few, and asked for at every "Ask …": who was asked within the hour.
        Index(
            "ix_timeline_asked",
            "at",
            sqlite_where=text("kind = 'asked_person'"),
            postgresql_where=text("kind = 'asked_person'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    sequence: Mapped[int]
    at: Mapped[Moment]
    kind: Mapped[str]  # key of the log-line catalogue: found, taken, action_done, skipped …
    actor: Mapped[str]  # user id, "system", "check:NAME"
    data: Mapped[Figures]  # references and figures of the line
    text: Mapped[Personal | None] = mapped_column(EncryptedText)  # what a person wrote
    edited_at: Mapped[Moment | None]


class FollowUp(Base):
    """What is to prevent it, with an owner and a day (1.2.4)."""

    __tablename__ = "follow_ups"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    kind: Mapped[str]  # prevention, open_item
    text: Mapped[Personal] = mapped_column(EncryptedText)
    owner: Mapped[str | None]
    due: Mapped[Moment | None]
    created_at: Mapped[Moment]
    done_at: Mapped[Moment | None]
    done_by: Mapped[str | None]


class Ring(Base):
    """Who was rung, when and why: what "at most five times" is counted from."""

    __tablename__ = "rings"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    at: Mapped[Moment]
    event: Mapped[str]
    via: Mapped[str]  # mention, direct, page
    target: Mapped[str]  # user id, group id, webhook name
    outcome: Mapped[str] = mapped_column(default="sent")  # sent, passed_over (Do Not Disturb)
