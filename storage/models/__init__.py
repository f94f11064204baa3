"""Muster's own tables."""

from storage.models.actions import ActionAttempt, AttemptState, Effect, EffectState
from storage.models.alerts import AlertState
from storage.models.approvals import Approval, ApprovalState, Spending, SpendingKey
from storage.models.base import Base
from storage.models.checks import CheckMark, CheckState
from storage.models.incidents import (
    LIVE_STATUSES,
    Case,
    CaseState,
    FollowUp,
    Incident,
    Ring,
    RunbookRun,
    Status,
    Step,
    StepState,
    TimelineEntry,
)
from storage.models.isolated import IsolatedMessage
from storage.models.record import AuditEntry, HouseFact, PlanContent
from storage.models.restorations import Restoration, RestoredIncident
from storage.models.slack import Person, SlackMessage
from storage.models.told import ToldOrder
from storage.models.work import WorkItem, WorkKind, WorkState

__all__ = [
    "LIVE_STATUSES",
    "ActionAttempt",
    "AlertState",
    "Approval",
    "ApprovalState",
    "AttemptState",
    "AuditEntry",
    "Base",
    "Case",
    "CaseState",
    "CheckMark",
    "CheckState",
    "Effect",
    "EffectState",
    "FollowUp",
    "HouseFact",
    "Incident",
    "IsolatedMessage",
    "Person",
    "PlanContent",
    "Restoration",
    "RestoredIncident",
    "Ring",
    "RunbookRun",
    "SlackMessage",
    "Spending",
    "SpendingKey",
    "Status",
    "Step",
    "StepState",
    "TimelineEntry",
    "ToldOrder",
    "WorkItem",
    "WorkKind",
    "WorkState",
]
