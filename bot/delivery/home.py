"""App Home: published for one person, as a whole; the last one stands, so repeating is harmless."""

from __future__ import annotations

from bot.delivery.content import request_of
from bot.delivery.context import Office, backoff
from bot.delivery.errors import Unclear
from bot.delivery.fallback_text import plain_view
from bot.delivery.job import Delivered, Job, Later, Turn


class Home:
    """Delivers `view` for a person's App Home."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn. Raises SlackError for what has no better remedy here."""
        payload, person = job.payload, str(job.payload["person"])
        language = payload.get("language") or await self._office.people.language_of(person)
        content = await self._office.draw(request_of(job, language))
        view = content.view or (plain_view(content, "home") if content.plain else None)
        if view is None:
            return Delivered({"dropped": "nothing to show"})
        args = {"user_id": person, "view": dict(view)}
        try:
            await self._office.sender.call("views.publish", args, urgent=job.urgent)
        except Unclear as error:
            return Later(self._office.clock.now() + backoff(job), error.code)
        return Delivered({"published": person})
