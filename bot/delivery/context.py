"""Context: what every delivery class works with, connections, drawing, and the ordinary
remedies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from actions.paging.base import Pager
from bot.clock import Clock
from bot.delivery.audiences import Audience, Audiences
from bot.delivery.content import Content, Renderer, Request
from bot.delivery.errors import Held, NotDelivered, Remedy, SlackError, SlackRefused, Unclear
from bot.delivery.fallback_text import PlainForms, plain_content, without_blocks
from bot.delivery.job import Delivered, Job, Later, Lost, Parked, Turn
from bot.delivery.pictures import Pictures, without_pictures
from bot.delivery.sender import Sender
from storage.availability import is_away
from storage.database import Database

log = structlog.get_logger(__name__)
T = TypeVar("T")

_BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds
_UNKNOWN_CODE_TRIES = 6
_GATE_WAIT = timedelta(seconds=1)
NO_CHANNEL = "no channel is configured for it"  # what is parked so goes out when there is one
NOT_PRIVATE = "the one that is promised to be private is not (muster doctor says why)"
_STOPPED_WAIT = timedelta(seconds=30)


class People(Protocol):
    """Who somebody is (bot.delivery.presence)."""

    async def language_of(self, user_id: str) -> str: ...


@dataclass(frozen=True)
class Timing:
    """How long an unclear call may still land, and when a late twin is looked for."""

    settle: timedelta = timedelta(seconds=5)
    twin_look: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class Office:
    """The connections of delivery, handed in by the composition root."""

    database: Database
    sender: Sender
    renderer: Renderer
    audiences: Audiences
    clock: Clock
    people: People
    pager: Pager | None = None
    timing: Timing = Timing()
    plain: PlainForms = field(default_factory=PlainForms)
    pictures: Pictures = field(default_factory=Pictures)
    command: str = "/incident"  # what it is called in this workspace

    async def read(self, work: Callable[[Session], T]) -> T:
        return await self.database.read(work)

    async def draw(self, request: Request) -> Content:
        """The message as it is now; the plain form when drawing fails. Never raises for that."""
        return await self.database.read(lambda session: self.drawn(session, request))

    def drawn(self, session: Session, request: Request) -> Content:
        """`draw`, inside a read."""
        try:
            return self.pictures.where_taken(self.renderer(session, request), self.clock.now())
        except Exception as error:
            if is_away(error):
                raise  # nothing is wrong with the template
            # Whatever a template or a read model does wrong, the incident is still told.
            log.exception("drawing_failed", template=request.template, key=request.key)
            self.plain.note(request.template, "drawing", self.clock.now())
            return plain_content(session, request, self.command)

    def plainly(self, job: Job, content: Content, error: SlackRefused) -> Content:
        """Slack refuses its blocks: the same without a picture, else the words alone."""
        if self.pictures.refused(content, error, self.clock.now()):
            log.info("picture_refused", message=job.message, code=error.code)
            return without_pictures(content)
        template = str(job.payload.get("template"))
        log.error("blocks_refused", message=job.message, template=template, code=error.code)
        self.plain.note(template, "blocks", self.clock.now())
        return without_blocks(content)

    def shut(self, wanted: Sequence[Audience]) -> Turn | None:
        """How the turn ends where one of these may not be posted in; None where all may."""
        gates = {self.audiences.gate(one.key) for one in wanted}
        if "withheld" in gates:
            return Parked(f"{NO_CHANNEL}: {NOT_PRIVATE}")
        if "unknown" in gates:
            due = self.clock.now() + _GATE_WAIT
            return Later(due, "Slack is being asked whether its channel is private", waited=True)
        return None

    def failed(self, job: Job, error: SlackError) -> Turn:
        """The ordinary remedy; what a class can do better it does itself."""
        now = self.clock.now()
        if isinstance(error, Held):
            return Later(max(error.until, now), error.code, waited=True)
        if isinstance(error, NotDelivered):
            return Later(now + backoff(job), error.code)
        if isinstance(error, Unclear):
            return Lost(now + self.timing.settle, error.code)
        if isinstance(error, SlackRefused):
            return self._refused(job, error, now)
        raise error

    def _refused(self, job: Job, error: SlackRefused, now: datetime) -> Turn:
        if error.remedy in (Remedy.DROP, Remedy.DONE):
            return Delivered({"dropped": error.code})
        if error.remedy is Remedy.STOP:
            return Later(now + _STOPPED_WAIT, str(error))
        if error.remedy is Remedy.RETRY and (error.known or job.attempts <= _UNKNOWN_CODE_TRIES):
            return Later(now + backoff(job), str(error))
        return Parked(str(error))


def backoff(job: Job) -> timedelta:
    """Longer with each try, at most half a minute."""
    return timedelta(seconds=_BACKOFF[min(max(job.attempts - 1, 0), len(_BACKOFF) - 1)])
