"""Worker: has each claimed message item delivered by its class, and settles it in one
transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from bot.delivery.at_most_once import Ephemeral, Respond
from bot.delivery.context import Office, backoff
from bot.delivery.edits import Edits
from bot.delivery.errors import SlackError
from bot.delivery.files import Files
from bot.delivery.home import Home
from bot.delivery.job import Delivered, Job, Later, Lost, Parked, Turn
from bot.delivery.late_outcomes import put_right
from bot.delivery.paging import Pages
from bot.delivery.permalinks import DO as PERMALINK
from bot.delivery.permalinks import Permalinks
from bot.delivery.posts import Posts
from bot.delivery.sender import SILENT
from bot.delivery.twins import Twins
from bot.delivery.views import Views
from storage import work
from storage.errors import StorageError
from storage.models import WorkItem, WorkKind
from storage.work import LeaseOver

log = structlog.get_logger(__name__)

# What is sent at most once decides for itself, and a page does not go through Slack.
_WAITS_FOR_SLACK = frozenset(
    {"post", "direct", "refresh", "home", "file", "twins", "view", PERMALINK}
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries to write a turn down


class DeliveryClass(Protocol):
    """One way of delivering. Raises SlackError for what the ordinary remedies handle."""

    async def deliver(self, job: Job) -> Turn: ...


def delivery_classes(office: Office) -> Mapping[str, DeliveryClass]:
    """Every `do` of a message item, with what delivers it."""
    posts = Posts(office)
    return {
        "post": posts,
        "direct": posts,
        "refresh": Edits(office),
        "ephemeral": Ephemeral(office),
        "respond": Respond(office),
        "view": Views(office),
        "home": Home(office),
        "page": Pages(office),
        "file": Files(office),
        "twins": Twins(office),
        PERMALINK: Permalinks(office),
    }


class Deliverer:
    """The handler of work items of kind `message`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._classes = delivery_classes(office)

    async def run(self, item: WorkItem) -> None:
        """One turn of the item; it settles itself, conditional on its epoch.

        What has been sent is written down however long the database takes: the claim is renewed
        meanwhile, and if this process ends first, the next one looks before it repeats.
        """
        job = Job.of(item)
        turn = await self._turn(job)
        pause = _FIRST_PAUSE
        while True:
            try:
                settled = await self._office.database.write(
                    lambda session: self._settle(session, job, turn), urgent=job.urgent
                )
                break
            except StorageError as error:
                log.warning("settle_failed", message=job.key, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        if not settled:
            log.warning("delivered_too_late", message=job.key, epoch=job.epoch)

    async def _turn(self, job: Job) -> Turn:
        handler = self._classes.get(str(job.payload.get("do")))
        if handler is None:
            return Parked(f"nothing delivers “{job.payload.get('do')}”")
        now = self._office.clock.now()
        until = self._office.sender.silent_until(now)
        if until is not None and job.payload["do"] in _WAITS_FOR_SLACK:
            return Later(until, SILENT, waited=True)  # not drawn in vain, again and again
        try:
            return await handler.deliver(job)
        except SlackError as error:
            return self._office.failed(job, error)
        except LeaseOver as error:
            return Later(self._office.clock.now(), str(error), waited=True)
        except StorageError as error:
            return Later(self._office.clock.now() + backoff(job), f"database: {error}")
        except Exception as error:
            # A poison row is set aside and shown; the rest of the thread goes on. Nobody foresaw
            # the error, so nobody knows whether it came before the request or behind it.
            log.exception("delivery_failed", message=job.key)
            return Parked(f"{type(error).__name__}: {error}"[:300], unclear=True)

    def _settle(self, session: Session, job: Job, turn: Turn) -> bool:
        now = self._office.clock.now()
        if isinstance(turn, Delivered):
            settled = work.complete(session, job.id, job.epoch, now, dict(turn.result))
        elif isinstance(turn, Parked):
            log.error("message_parked", message=job.key, why=turn.why)
            unclear = job.ambiguous or turn.unclear
            settled = work.park(session, job.id, job.epoch, turn.why, unclear=unclear)
            if settled:
                _have_it_told(session, job, now)
        elif isinstance(turn, Lost) or job.ambiguous:
            # Once a try had an unknown outcome, every later one looks first.
            log.warning("message_unclear", message=job.key, why=turn.why)
            waited = isinstance(turn, Later) and turn.waited
            settled = work.unclear(session, job.id, job.epoch, turn.due, turn.why, waited=waited)
        else:
            settled = work.retry(session, job.id, job.epoch, turn.due, turn.why, waited=turn.waited)
        if not settled:
            put_right(session, job, turn, now, self._office.timing.twin_look)
        elif not isinstance(turn, Parked) and turn.also is not None:
            turn.also(session, now)
        return bool(settled)


def _have_it_told(session: Session, job: Job, now: datetime) -> None:
    """On-call hears of a message of an incident that was set aside; the domain decides how."""
    incident = job.payload.get("incident")
    if incident is None or job.payload.get("do") == "twins":
        return
    work.enqueue(
        session,
        kind=WorkKind.TIMER,
        key=f"timer/not_delivered/{job.id}/{job.epoch}",
        payload={"timer": "not_delivered", "incident": incident, "item": job.id},
        due=now,
        now=now,
        priority=2,
    )


__all__ = ["Deliverer", "DeliveryClass", "delivery_classes"]
