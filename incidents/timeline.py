"""Timeline: what happened, in order. Every change of an incident has its entry; some are posted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from storage.models import Incident, TimelineEntry
from storage.types import Personal

_OF_INCIDENT = TimelineEntry.incident_id == bindparam("incident")
_LAST = select(func.max(TimelineEntry.sequence)).where(_OF_INCIDENT)
_ONE = select(TimelineEntry).where(_OF_INCIDENT, TimelineEntry.sequence == bindparam("sequence"))


def append(
    session: Session,
    incident: Incident,
    *,
    kind: str,
    actor: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    text: Personal | None = None,
) -> TimelineEntry:
    """Adds the next entry. `data`: references and figures; the version it led to is added."""
    last = session.scalar(_LAST, {"incident": incident.id})
    entry = TimelineEntry(
        incident_id=incident.id,
        sequence=(last or 0) + 1,
        at=now,
        kind=kind,
        actor=actor,
        data={**(data or {}), "version": incident.version},
        text=text,
    )
    session.add(entry)  # written with what follows, or by the next question
    return entry


def entry_of(session: Session, incident_id: int, sequence: int) -> TimelineEntry | None:
    return session.scalar(_ONE, {"incident": incident_id, "sequence": sequence})


def last_of(session: Session, incident_id: int, *kinds: str) -> TimelineEntry | None:
    """The newest entry of one of these kinds."""
    return session.scalar(
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind.in_(kinds))
        .order_by(TimelineEntry.sequence.desc())
        .limit(1)
    )


def entries(session: Session, incident_id: int) -> list[TimelineEntry]:
    return list(
        session.scalars(
            select(TimelineEntry)
            .where(TimelineEntry.incident_id == incident_id)
            .order_by(TimelineEntry.sequence)
        )
    )


def drawn_at(session: Session, incident: Incident, version: int) -> datetime:
    """When the incident had that version: "this button is from 03:07"."""
    found: datetime | None = None
    for entry in entries(session, incident.id):
        if int(entry.data.get("version", 0)) > version:
            break
        found = entry.at
    return found or incident.detected_at


def change_before(session: Session, incident: Incident, version: int) -> TimelineEntry | None:
    """The entry that moved the incident on from that version, to say who did what when."""
    for entry in entries(session, incident.id):
        if int(entry.data.get("version", 0)) > version:
            return entry
    return None
