"""Views: an open modal turns into its result, or into the filled form with what is wrong.

Slack: `views.update` by an id shows the same however often it is said, so an unclear try is simply
repeated, for as long as the modal is open. What it says comes behind the acknowledgement of the
form, and Slack may apply the two in the other order: so it is said once more a second later. What
is newer for the same modal takes the place of both.

A view that cannot be drawn, or that Slack does not take, has an end as well: the bare words of it
in the modal, and the answer with what was typed to its person alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.content import Content, request_of
from bot.delivery.context import Office, backoff
from bot.delivery.errors import Held, Remedy, SlackRefused, Unclear
from bot.delivery.fallback_text import plain_content, plain_view
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from storage import outbox
from storage.models import WorkItem

log = structlog.get_logger(__name__)

_AGAIN = timedelta(seconds=1)  # Slack has applied the acknowledgement by then
_PATIENCE = timedelta(seconds=20)  # of a person before a form that says nothing


class Views:
    """Delivers `view`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn. Raises SlackError for what the ordinary remedies handle.

        What cannot be shown has an end: nobody could show it later to who waits before the form.
        """
        try:
            return await self._deliver(job)
        except SlackRefused as error:
            turn = self._office.failed(job, error)
            if not isinstance(turn, Parked):
                return turn
            log.warning("view_not_shown", message=job.message, code=error.code)
            return Delivered({"dropped": error.code}, lambda s, now: _instead(s, job, now))

    async def _deliver(self, job: Job) -> Turn:
        office = self._office
        if await office.read(lambda session: message_store.has_newer(session, job)):
            return Delivered({"superseded": True})
        content = await office.draw(request_of(job, await self._language(job)))
        try:
            whole = await self._show(job, content)
        except Unclear as error:
            return self._later(job, office.clock.now() + backoff(job), error.code)
        except Held as error:
            return self._later(job, max(error.until, office.clock.now()), error.code)
        except SlackRefused as error:
            if _may_yet(error) or not (error.remedy is Remedy.DROP or job.payload.get("instead")):
                raise
            log.info("view_gone", message=job.message, code=error.code)
            return Delivered({"gone": error.code}, lambda s, now: _instead(s, job, now))

        def also(session: Session, now: datetime) -> None:
            if not whole:  # the modal has no room for what they typed
                _instead(session, job, now)

        if job.payload.get("said") or job.payload.get("hash"):
            return Delivered({"updated": whole}, also)

        def once_more(session: Session, now: datetime) -> None:
            also(session, now)
            _mark(session, job, "said")
            if not whole:
                _mark(session, job, "told")

        return Later(office.clock.now() + _AGAIN, "said again", once_more, waited=True)

    async def _show(self, job: Job, content: Content) -> bool:
        """Whether the modal shows it as it was meant; False: the bare words of it, or nothing."""
        if content.view is None:
            if content.text:
                await self._update(job, plain_view(content, "modal"))
            return False
        try:
            await self._update(job, content.view)
        except SlackRefused as error:
            if error.remedy is Remedy.DROP or _may_yet(error):
                raise
            words = self._office.plainly(job, content, error)
            if not words.text:
                request = request_of(job, await self._language(job))
                words = await self._office.read(
                    lambda s: plain_content(s, request, self._office.command)
                )
            await self._update(job, plain_view(words, "modal"))
            return False
        return True

    async def _language(self, job: Job) -> str:
        return await self._office.people.language_of(str(job.payload["person"]))

    async def _update(self, job: Job, view: Mapping[str, Any]) -> None:
        args: dict[str, Any] = {"view_id": job.payload["view_id"], "view": dict(view)}
        if job.payload.get("hash"):
            args["hash"] = job.payload["hash"]
        await self._office.sender.call("views.update", args, urgent=True)

    def _later(self, job: Job, due: datetime, why: str) -> Turn:
        """Again then; who would wait long before the form is told by another way meanwhile."""

        def also(session: Session, now: datetime) -> None:
            if due > job.created_at + _PATIENCE:
                _instead(session, job, now)
                _mark(session, job, "told")

        return Later(due, why, also, waited=True)


def _may_yet(error: SlackRefused) -> bool:
    """Whether Slack may take the same view later."""
    return error.remedy is Remedy.STOP or (error.remedy is Remedy.RETRY and error.known)


def _mark(session: Session, job: Job, what: str) -> None:
    """Notes it on the item, for its next turn."""
    item = session.get_one(WorkItem, job.id)
    item.payload = {**item.payload, what: True}


def _instead(session: Session, job: Job, now: datetime) -> None:
    """What the modal would have said, to its person alone, with what they had typed."""
    payload = job.payload
    if not payload.get("instead") or payload.get("told"):
        return
    asked = request_of(job, "")
    given: dict[str, Any] = {
        "key": f"{job.message}/instead",
        "template": str(payload["instead"]),
        "person": str(payload["person"]),
        "incident": None,
        "params": asked.params,
        "secret": asked.secret,
        "now": now,
    }
    if payload.get("channel"):
        thread_ts = payload.get("thread_ts")
        outbox.ephemeral(session, **given, channel=str(payload["channel"]), thread_ts=thread_ts)
    else:
        outbox.direct(session, **given, typed=True)
