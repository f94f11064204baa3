"""Forgetting: what the shop said of customers, parked deliveries, and alerts, after thirty days.

Finished deliveries go sooner (storage.work.pruning); what was never worked, because it was set
aside for an operator, is not kept for ever either.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from storage.models import LIVE_STATUSES, ActionAttempt, AlertState, CheckState, Incident
from storage.models.alerts import ALERT
from storage.models.work import WorkItem, WorkState
from storage.work.common import PARKED

KEPT = timedelta(days=30)
_PAGE = 500


def outlived(session: Session, now: datetime) -> tuple[list[int], list[int]]:
    """Ids of some hundred attempts and parked items that are to be forgotten.

    Read beside the writer. An open incident keeps what its way back needs.
    """
    before = now - KEPT
    seen = (ActionAttempt.before, ActionAttempt.after, ActionAttempt.response)
    attempts = session.scalars(
        select(ActionAttempt.id)
        .join(Incident, Incident.id == ActionAttempt.incident_id)
        .where(
            ActionAttempt.settled_at < before,
            Incident.status.not_in(LIVE_STATUSES),
            or_(*(column.is_not(None) for column in seen)),
        )
        .limit(_PAGE)
    )
    items = session.scalars(
        select(WorkItem.id)
        .where(WorkItem.state == PARKED, WorkItem.created_at < before, WorkItem.secret.is_not(None))
        .limit(_PAGE)
    )
    return list(attempts), list(items)


def forget_alerts(session: Session, now: datetime) -> int:
    """Forgets what no other system has spoken of for so long, whatever its last word was."""
    before = now - KEPT
    found = session.execute(
        delete(AlertState)
        .where(AlertState.said_at < before)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(CheckState)
        .where(
            CheckState.name.like(f"{ALERT}%"),
            CheckState.subject != "",
            CheckState.last_run_at < before,
        )
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", found).rowcount


def forget(session: Session, attempts: Collection[int], items: Collection[int]) -> None:
    """Empties these attempts of what the shop answered, and deletes these items if still parked."""
    for statement in (
        update(ActionAttempt)
        .where(ActionAttempt.id.in_(list(attempts)))
        .values(before=None, after=None, response=None),
        delete(WorkItem).where(WorkItem.id.in_(list(items)), WorkItem.state == WorkState.PARKED),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
