"""An incident as the domain commits it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from storage.models import Incident, PlanContent


def open_incident(session: Session, now: datetime, *, number: int = 412) -> int:
    """An open incident of 3.3; its id."""
    session.merge(PlanContent(hash="h", version="2026.11", content="{}", stored_at=now))
    session.flush()
    incident = Incident(
        number=number,
        incident_type="payment_channel_down",
        family="system",
        section="3.3",
        subject=f"channel:{number}",
        fingerprint=f"3.3 channel:{number}",
        severity=1,
        audience="incidents",
        source="check:payments",
        plan_version="2026.11",
        plan_hash="h",
        facts={},
        opening_facts={},
        started_at=now,
        detected_at=now,
    )
    session.add(incident)
    session.flush()
    return incident.id
