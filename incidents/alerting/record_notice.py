"""Record notice: who is on duty, and the channel, hear that the database is not the one of before.

Their buttons do nothing, nobody is reminded of what it does not know, and only people can look
through those threads. It waits until somebody is there to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents.alerting import oncall
from incidents.organisation import House
from storage import continuity, numbers, outbox

TEMPLATE = "record"
AUDIENCE = "incidents"
_NAMED = 10  # of the incidents that are not known


def untold(session: Session) -> Mapping[str, Any] | None:
    """What was noticed and is not told yet, as the message says it."""
    found = continuity.untold(session)
    return None if found is None else _said(session, found)


def _said(session: Session, found: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [f"INC-{number}" for number in found.get("unknown", ())]
    return {
        "kind": found["kind"],
        "highest": f"INC-{found['highest']}" if found["highest"] else None,
        "unknown": unknown[:_NAMED],
        "more": max(0, len(unknown) - _NAMED),
        "next": f"INC-{numbers.highest(session) + 1}",
    }


def tell(session: Session, house: House, now: datetime) -> bool:
    """What was noticed and is not told yet. At night too: what is pressed may be done twice."""
    found = continuity.untold(session)
    if found is None:
        return False
    key = f"record/{found['kind']}/{found['at']}"
    params = _said(session, found)
    if found.get("posted") is None:
        continuity.posted(session)
        outbox.post(
            session,
            key=key,
            template=TEMPLATE,
            incident=None,
            audience=AUDIENCE,
            params=params,
            priority=1,
            now=now,
        )
    person = next(iter(oncall.who(house, oncall.ONCALL, now)), None)
    if person is None:
        return False
    continuity.told(session)
    outbox.direct(
        session,
        key=f"{key}/dm/{person}",
        template=TEMPLATE,
        person=person,
        incident=None,
        params=params,
        ring=(person,),
        now=now,
    )
    return True
