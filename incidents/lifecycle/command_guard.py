"""Guard of every command: find the incident, authorise, is it open, do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from incidents import authorise, loading
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.runbooks import press_conflicts


def act_on(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    now: datetime,
    act: str,
    work: Callable[[Change], Outcome],
    *,
    live: bool = True,
) -> Outcome:
    """Runs `work` on the locked incident, unless the actor may not or it is over."""
    incident = loading.incident_of(session, number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{number}")
    change = Change(session, house, incident, actor, now)
    outcome = authorise.refuse(change, act) or (press_conflicts.not_live(change) if live else None)
    return replace(outcome or work(change), number=number)
