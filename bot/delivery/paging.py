"""Pages: waking a person outside Slack. The dedup key makes a repetition ring once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from actions.errors import NoAnswer, NotSent, Refused
from actions.paging.base import Page
from bot.delivery.content import request_of
from bot.delivery.context import Office, backoff
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from plan.languages import DEFAULT
from storage.models import Incident
from storage.work import still_held


class Pages:
    """Delivers `page`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn: handed over, tried again, or parked where an operator sees it."""
        if self._office.pager is None:
            return Parked("no page webhook is configured: set page.url and its routing key")
        language = str(job.payload.get("language") or DEFAULT)
        content = await self._office.draw(request_of(job, language))
        page = await self._office.read(lambda s: _page(s, job, content.text))
        if page is None:
            return Parked("a page without an incident")
        now = self._office.clock.now()
        still_held()
        try:
            await self._office.pager.send(page)
        except (NotSent, NoAnswer) as error:
            return Later(now + backoff(job), error.code)
        except Refused as error:
            if error.retry_after is not None:
                return Later(now + timedelta(seconds=error.retry_after), error.code)
            return Parked(f"the page webhook refused it: {error.detail}")
        return Delivered({"paged": page.dedup_key})


def _page(session: Session, job: Job, summary: str) -> Page | None:
    incident = session.get(Incident, job.payload.get("incident") or 0)
    if incident is None:
        return None
    action = job.payload.get("action")
    return Page(
        dedup_key=incident.reference,
        summary=summary,
        incident_severity=incident.severity,
        event=action if action in ("acknowledge", "resolve") else "trigger",
        details={"section": incident.section, "status": str(incident.status)},
    )
