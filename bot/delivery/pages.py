"""Pages: waking a person outside Slack. The dedup key makes a repetition ring once."""

from __future__ import annotations

from datetime import timedelta

from actions.errors import NoAnswer, NotSent, Refused
from bot.delivery.content import Request
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from bot.delivery.office import Office, backoff


class Pages:
    """Delivers `page`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn: handed over, tried again, or parked where an operator sees it."""
        if self._office.pager is None:
            return Parked("no page webhook is configured: set page.url and its routing key")
        payload = job.payload
        content = await self._office.draw(
            Request(
                key=job.message,
                template=str(payload["template"]),
                language=str(payload.get("language") or "en"),
                incident_id=payload.get("incident"),
                params=payload.get("params") or {},
            )
        )
        if content.page is None:
            return Parked("the page could not be drawn")
        now = self._office.clock.now()
        try:
            await self._office.pager.send(content.page)
        except (NotSent, NoAnswer) as error:
            return Later(now + backoff(job), error.code)
        except Refused as error:
            if error.retry_after is not None:
                return Later(now + timedelta(seconds=error.retry_after), error.code)
            return Parked(f"the page webhook refused it: {error.detail}")
        return Delivered({"paged": content.page.dedup_key})
