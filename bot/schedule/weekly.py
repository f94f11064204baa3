"""Week of the managers: told once to each of them, on Monday at nine in their own zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from incidents.organisation import House
from incidents.read.week import due_for, readers_of
from storage import outbox

_EVERY = timedelta(minutes=5)


def weekly(clock: Clock, house: House, zone_of: Callable[[str], ZoneInfo]) -> Recurring:
    """Looks who is to be told now; the key of the message keeps it from being told twice."""

    async def job() -> Finish | None:
        now = clock.now()
        found = {person: due_for(now, zone_of(person)) for person in readers_of(house, now)}
        due = {person: week for person, week in found.items() if week is not None}
        return (lambda session: _tell(session, due, clock)) if due else None

    return Recurring("week", _EVERY, job)


def _tell(session: Session, due: dict[str, str], clock: Clock) -> None:
    for person, week in due.items():
        outbox.direct(
            session,
            key=f"week/{person}/{week}",
            template="week",
            person=person,
            incident=None,
            params={"week": week},
            priority=4,
            ring=(person,),
            now=clock.now(),
        )
