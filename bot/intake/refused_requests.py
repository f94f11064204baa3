"""Refused requests of a door: many without its secret are a finding, told where the door says.

Counted in this process alone; the database knows since when no process has seen one, so that what
another replica still sees is not over. A request that was refused was promised nothing: the counts
may be lost with the process.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from checks.alerts.settings import DoorSettings, RefusedPart
from checks.model import CheckResult, Finding
from incidents.detection.findings import take_check_result
from incidents.organisation import House
from storage.database import Database
from storage.errors import StorageError
from storage.models import CheckState

log = structlog.get_logger(__name__)

EVERY = 30  # seconds between looks whether it is over
_REST = 1.0  # seconds between two looks at what goes on
_MOST = 10_000  # moments that are kept of a door


def check_name(door: str) -> str:
    """As what the finding's source is known, beside the configured checks."""
    return f"{door}-requests"


@dataclass(frozen=True)
class _Watched:
    door: str
    told: RefusedPart

    @property
    def subject(self) -> str:
        return f"door:{self.door}"


class RefusedRequests:
    """Counts them, and looks at the counts now and then."""

    def __init__(
        self,
        doors: Mapping[str, DoorSettings],
        *,
        database: Database,
        house: House,
        clock: Clock,
    ) -> None:
        self._watched = [
            _Watched(name, door.refused) for name, door in doors.items() if door.refused is not None
        ]
        self._database = database
        self._house = house
        self._clock = clock
        self._moments: defaultdict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=_MOST))
        self._looking: dict[str, asyncio.Task[None]] = {}

    def note(self, door: str) -> None:
        """One more without the door's secret; looked at at once, and then every few seconds."""
        watched = next((one for one in self._watched if one.door == door), None)
        if watched is None:
            return
        self._moments[door].append(self._clock.now())
        if door not in self._looking:
            self._looking[door] = asyncio.create_task(self._look(watched))

    async def _look(self, watched: _Watched) -> None:
        """Until none has come since the last look."""
        moments, seen = self._moments[watched.door], None
        try:
            while moments and moments[-1] != seen:
                seen = moments[-1]
                await self._database.write(lambda s: self._found(s, watched))
                await asyncio.sleep(_REST)
        except StorageError as error:
            log.warning("refusals_not_written", door=watched.door, error=str(error))
        finally:
            del self._looking[watched.door]

    def ending(self) -> Recurring:
        """Looks whether it is over: no process has seen one for as long as they count."""

        async def job() -> list[Finish]:
            found = await self._database.read(
                lambda s: [one for one in self._watched if self._is_over(s, one)]
            )
            return [partial(self._over, watched=one) for one in found]

        return Recurring("refused", timedelta(seconds=EVERY), job)

    def _found(self, session: Session, watched: _Watched) -> None:
        now, moments = self._clock.now(), self._moments[watched.door]
        while moments and moments[0] <= now - timedelta(seconds=watched.told.within):
            moments.popleft()
        count = len(moments)
        state = session.get(CheckState, (check_name(watched.door), watched.subject))
        failing = state is not None and state.failing
        if count < watched.told.at_least and not failing:
            return
        finding = Finding(
            subject=watched.subject,
            incident_type=watched.told.incident_type,
            facts={"refused": {"door": watched.door, "requests": count}},
        )
        self._take(session, watched, findings=(finding,))

    def _over(self, session: Session, watched: _Watched) -> None:
        if self._is_over(session, watched):
            self._take(session, watched, healthy=(watched.subject,))

    def _take(
        self,
        session: Session,
        watched: _Watched,
        *,
        findings: tuple[Finding, ...] = (),
        healthy: tuple[str, ...] = (),
    ) -> None:
        now = self._clock.now()
        result = CheckResult(
            name=check_name(watched.door), ran_at=now, findings=findings, healthy_subjects=healthy
        )
        take_check_result(session, self._house, result, now)

    def _is_over(self, session: Session, watched: _Watched) -> bool:
        """Whether it was found, and no process has seen one since for as long as it counts."""
        state = session.get(CheckState, (check_name(watched.door), watched.subject))
        if state is None or not state.failing or state.last_failure_at is None:
            return False
        quiet = self._clock.now() - state.last_failure_at
        return quiet >= timedelta(seconds=watched.told.within)
