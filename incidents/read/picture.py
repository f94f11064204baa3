"""Picture of the opening: what a check drew of the time before, stretch by stretch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from incidents.organisation import House
from incidents.read.reader import reader_of
from incidents.views import Scope


@dataclass(frozen=True)
class Stretch:
    """One of the stretches. `usual`: what it usually brings, if that is known."""

    at: datetime
    tried: int
    failed: int
    usual: int | None


@dataclass(frozen=True)
class PictureView:
    """All of them, of `minutes` each, the earliest first."""

    reference: str
    minutes: int
    stretches: tuple[Stretch, ...]
    scope: Scope

    @property
    def has_usual(self) -> bool:
        return all(one.usual is not None for one in self.stretches)


def picture(session: Session, house: House, incident_id: int, now: datetime) -> PictureView:
    """As the incident was opened. Raises LookupError where nothing was drawn."""
    reader = reader_of(session, house, incident_id, now)
    drawn: dict[str, Any] | None = (reader.incident.opening_facts or {}).get("picture")
    if not drawn:
        raise LookupError(f"{reader.incident.reference} has no picture")
    minutes, since = int(drawn["minutes"]), datetime.fromisoformat(drawn["since"])
    usual = drawn.get("usual") or [None] * len(drawn["tried"])
    return PictureView(
        reference=reader.incident.reference,
        minutes=minutes,
        stretches=tuple(
            Stretch(since + timedelta(minutes=minutes * at), tried, failed, usually)
            for at, (tried, failed, usually) in enumerate(
                zip(drawn["tried"], drawn["failed"], usual, strict=True)
            )
        ),
        scope=reader.scope,
    )
