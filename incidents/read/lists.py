"""Lists of incidents, and what the checks last said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents.authorise import may_see
from incidents.organisation import House
from incidents.read import bulk_loading
from incidents.read.card import mood_of, next_of, waits, words_of
from incidents.read.reader import Reader
from incidents.views import ListItem
from storage.models import (
    LIVE_STATUSES,
    CheckState,
    Incident,
)
from storage.models.alerts import ALERT

_MOST = 100
_TOGETHER = 20  # an incident may have ten thousand cases: not those of a hundred in memory at once


def visible(house: House, user_id: str | None, incident: Incident) -> bool:
    """Whether the incident is listed for that reader; None: for everybody."""
    return may_see(house, incident, user_id)


def list_items(
    session: Session, house: House, incidents: Sequence[Incident], now: datetime
) -> tuple[ListItem, ...]:
    """What all of them need is read for twenty at once: apart, these take 60 ms."""
    items: list[ListItem] = []
    for first in range(0, len(incidents), _TOGETHER):
        part = incidents[first : first + _TOGETHER]
        items += [_item(reader) for reader in bulk_loading.readers(session, house, part, now)]
    return tuple(items)


def _item(reader: Reader) -> ListItem:
    incident = reader.incident
    mood = mood_of(reader)
    return ListItem(
        reference=incident.reference,
        number=incident.number,
        severity=incident.severity,
        status=str(incident.status),
        section=incident.section,
        lead="waits" if waits(reader, mood) else mood,
        words=words_of(reader, mood).title,
        scope=reader.scope,
        owner=reader.owner,
        detected_at=incident.detected_at,
        next=next_of(reader)[1],
    )


def incident_list(
    session: Session,
    house: House,
    now: datetime,
    *,
    user_id: str | None = None,
    statuses: Sequence[str] = LIVE_STATUSES,
    limit: int = _MOST,
) -> tuple[ListItem, ...]:
    """Incidents of these states that the reader may see, the gravest and newest first.

    No more than `limit` are put into words: that is what costs time.
    """
    found = session.scalars(
        select(Incident)
        .where(Incident.status.in_(statuses))
        .order_by(Incident.severity, Incident.number.desc())
        .limit(_MOST)
    )
    seen = (incident for incident in found if visible(house, user_id, incident))
    return list_items(session, house, tuple(islice(seen, limit)), now)


def checks(session: Session) -> tuple[tuple[str, bool, datetime | None], ...]:
    """Each check with whether all is well, and when it last ran. Of what another system watches
    nothing is said: nobody looks there."""
    wanted = select(CheckState).where(CheckState.name.not_like(f"{ALERT}%"))
    rows = session.execute(wanted.order_by(CheckState.name)).scalars().all()
    failing = {row.name for row in rows if row.failing}
    return tuple(
        (row.name, row.last_error is None and row.name not in failing, row.last_run_at)
        for row in rows
        if row.subject == ""
    )


def check_durations(session: Session) -> dict[str, float]:
    """Seconds of each check's last run, on any replica."""
    rows = session.execute(
        select(CheckState.name, CheckState.last_duration_ms)
        .where(CheckState.subject == "", CheckState.last_duration_ms.is_not(None))
        .order_by(CheckState.name)
    )
    return {row.name: row.last_duration_ms / 1000 for row in rows}
