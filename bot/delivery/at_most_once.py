"""At most once: ephemeral messages and answers to a response_url.

Neither can be looked up afterwards. A try whose outcome is not known is not repeated (the person
can press again); one that was certainly not sent is, as long as its moment lasts. A 503 says that
nothing was done: it is said once more, and then as a direct message, which can be looked up. An
answer that gives back what its reader typed is never given up: it goes as a direct message instead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.content import Content, request_of
from bot.delivery.context import Office
from bot.delivery.errors import NotDelivered, Remedy, SlackRefused, Unclear
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from bot.delivery.posts import Posts, join
from plan.languages import DEFAULT
from storage import outbox
from storage.models import Incident, WorkItem

log = structlog.get_logger(__name__)

_MOMENT = timedelta(minutes=10)  # after that an answer to a press only confuses
_NOTHING_DONE = "http_503"
_AGAIN, _SHORTLY = "again", timedelta(seconds=1)
_NOT_THERE = frozenset({Remedy.DIRECT, Remedy.FALLBACK, Remedy.JOIN, Remedy.ROOT_ANEW})


class Once(ABC):
    """The rule that the two share."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._posts = Posts(office)

    async def deliver(self, job: Job) -> Turn:
        """One turn: sent, or given up for good. Raises only what certainly was not sent.

        Nothing of it is set aside for an operator: nobody could show it to its reader later.
        """
        try:
            return await self._deliver(job)
        except SlackRefused as error:
            turn = self._office.failed(job, error)
            return self._given_up(job, "dropped", error.code) if isinstance(turn, Parked) else turn

    async def _deliver(self, job: Job) -> Turn:
        if job.ambiguous:
            return self._given_up(job, "unclear", "an earlier try may have been sent")
        if self._office.clock.now() > job.created_at + _MOMENT:
            return self._given_up(job, "dropped", "its moment is over")
        self._room(job)
        language = await self._language(job)
        content = await self._office.draw(request_of(job, language))
        try:
            return await self._send(job, content)
        except Unclear as error:
            return self._unclear(job, error)
        except SlackRefused as error:
            if error.remedy is Remedy.PLAIN and not content.plain:
                return await self._plainly(job, self._office.plainly(job, content, error))
            raise

    def _room(self, job: Job) -> None:  # noqa: B027 - most need none
        """Raises Held where it must wait: then it need not be drawn yet."""

    async def _plainly(self, job: Job, content: Content) -> Turn:
        try:
            return await self._send(job, content)
        except Unclear as error:
            return self._unclear(job, error)

    def _unclear(self, job: Job, error: Unclear) -> Turn:
        if error.code != _NOTHING_DONE:
            return self._given_up(job, "unclear", error.code)
        if job.payload.get(_AGAIN):
            return Delivered({"directly": error.code}, lambda s, now: _instead(s, job, now))
        return Later(
            self._office.clock.now() + _SHORTLY, error.code, lambda s, _: _mark_again(s, job)
        )

    @staticmethod
    def _given_up(job: Job, how: str, why: str) -> Turn:
        log.warning("sent_at_most_once", message=job.key, why=why)
        return Delivered({how: why}, lambda session, now: _hand_back(session, job, now))

    async def _language(self, job: Job) -> str:
        chosen, person = job.payload.get("language"), job.payload.get("person")
        if chosen:
            return str(chosen)
        return await self._office.people.language_of(str(person)) if person else DEFAULT

    @abstractmethod
    async def _send(self, job: Job, content: Content) -> Turn:
        """The one call that shows it."""

    async def _directly(self, job: Job, content: Content, code: str) -> Turn:
        """The person is not in that channel: to them alone, which no more people read."""
        person = str(job.payload["person"])
        channel = await self._posts.direct_channel(person, urgent=job.urgent)
        answer = await self._office.sender.call(
            "chat.postMessage",
            {"channel": channel, **_body(content), "unfurl_links": False, "unfurl_media": False},
            channel=channel,
            urgent=job.urgent,
        )

        def also(session: Session, now: datetime) -> None:
            """It stays, so what is pressed in it is held against where it stands."""
            message_store.keep(
                session,
                job,
                now,
                delivery_id=job.delivery_id,
                channel=channel,
                ts=str(answer.get("ts") or "") or None,
                thread_ts=None,
                content_hash=None,
                language=None,
            )

        return Delivered({"directly": code}, also)


class Ephemeral(Once):
    """Shown to one person in a channel or thread. Slack: chat.postEphemeral is Tier 4."""

    def _room(self, job: Job) -> None:
        self._office.sender.room("chat.postEphemeral", waiter=job.key, urgent=job.urgent)

    async def _send(self, job: Job, content: Content) -> Turn:
        payload = job.payload
        args: dict[str, Any] = {
            "channel": payload["channel"],
            "user": payload["person"],
            **_body(content),
        }
        if payload.get("thread_ts"):
            args["thread_ts"] = payload["thread_ts"]
        try:
            await self._call(job, args)
        except SlackRefused as error:
            if error.remedy not in _NOT_THERE:
                raise
            if _typed(job):
                return self._given_up(job, "dropped", error.code)
            return await self._directly(job, content, error.code)
        return Delivered({"shown": payload["person"]})

    async def _call(self, job: Job, args: Mapping[str, Any]) -> None:
        sender = self._office.sender
        try:
            await sender.call("chat.postEphemeral", args, urgent=job.urgent, waiter=job.key)
        except SlackRefused as error:
            if error.remedy is not Remedy.JOIN:
                raise
            await join(self._office, str(args["channel"]), urgent=job.urgent)
            await sender.call("chat.postEphemeral", args, urgent=job.urgent, waiter=job.key)


class Respond(Once):
    """The answer to a command or a press, by its response_url."""

    async def _send(self, job: Job, content: Content) -> Turn:
        payload = job.payload
        url = job.secret.get("url") if isinstance(job.secret, Mapping) else None
        body: dict[str, Any] = {"response_type": "ephemeral", **_body(content)}
        if payload.get("replace"):
            body["replace_original"] = True
        try:
            if not url:
                raise SlackRefused("response_url", "expired_url")
            await self._office.sender.respond(str(url), body)
        except SlackRefused as error:
            if error.remedy is Remedy.DROP and _typed(job):
                return self._given_up(job, "dropped", error.code)
            if error.remedy is Remedy.DROP and payload.get("person"):
                return await self._directly(job, content, error.code)
            if error.remedy is Remedy.RETRY and error.known:
                raise NotDelivered(error.code) from error
            raise
        return Delivered({"responded": True})


def _mark_again(session: Session, job: Job) -> None:
    """The next try is the last one here."""
    item = session.get_one(WorkItem, job.id)
    item.payload = {**item.payload, _AGAIN: True}


def _instead(session: Session, job: Job, now: datetime) -> None:
    """The same to the person alone."""
    payload, asked = job.payload, request_of(job, "")
    if not payload.get("person"):
        return
    incident = payload.get("incident")
    outbox.direct(
        session,
        key=f"{job.message}/direct",
        template=str(payload["template"]),
        person=str(payload["person"]),
        incident=None if incident is None else session.get_one(Incident, incident),
        params=asked.params,
        secret=_data_of(job),
        typed=True,
        now=now,
    )


def _hand_back(session: Session, job: Job, now: datetime) -> None:
    """What somebody typed is not lost with its answer: a direct message can be looked up."""
    payload, data = job.payload, _typed(job)
    if not data:
        return
    outbox.direct(
        session,
        key=f"{job.message}/direct",
        template=str(payload["template"]),
        person=str(payload["person"]),
        incident=None,
        params=request_of(job, "").params,
        secret=data,
        now=now,
    )


def _data_of(job: Job) -> Any:
    """Personal data of the answer; the address that it was to go to is none of it."""
    return job.secret.get("data") if isinstance(job.secret, Mapping) else None


def _typed(job: Job) -> dict[str, Any]:
    """What goes with an answer that gives back what its reader typed; empty for any other."""
    data = request_of(job, "").secret
    return dict(data) if isinstance(data, Mapping) and data.get("typed") else {}


def _body(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {"text": content.text}
    if content.blocks:
        body["blocks"] = [dict(block) for block in content.blocks]
    return body
