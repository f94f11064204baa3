"""Posts: the root of a thread, a reply in it, a direct message.

1. Where does it go: a thread, an audience with its fallbacks, a person.
2. Draw it, with what the database says now.
3. If an earlier try has an unknown outcome: look for its delivery id, adopt what is there.
4. Send it once.
5. One transaction: slack_messages, incident.notified_at, the item done; after a repetition a later
   look for a late twin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.content import Content, request_of
from bot.delivery.context import NO_CHANNEL, NOT_PRIVATE, Office
from bot.delivery.errors import NotDelivered, Remedy, SlackRefused, Unclear
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from bot.delivery.lookup import find_message, metadata
from bot.delivery.permalinks import Permalinks, ask_for
from bot.delivery.thread_order import InFlight, put_in_order
from bot.delivery.twins import Target, look_for_twins
from plan.languages import DEFAULT
from storage.models import WorkItem

log = structlog.get_logger(__name__)

_PLACE_WAIT = timedelta(seconds=0.1)
_ROOT_WAIT = timedelta(seconds=0.3)  # until the root of the thread stands


@dataclass(frozen=True)
class _Stand:
    """What the database knows before the post."""

    message: message_store.Standing | None
    root: message_store.Standing | None = None  # of the thread it belongs to
    root_coming: message_store.Coming | None = None  # asked for only while the root does not stand
    root_parked: bool = False
    ahead: message_store.Ahead | None = None


class Posts:
    """Delivers `post` and `direct`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._permalinks = Permalinks(office)
        self._flying = InFlight()

    async def deliver(self, job: Job) -> Turn:
        """One turn of a post. Raises SlackError for what has no better remedy here."""
        with self._flying.turn(job):
            return await self._deliver(job)

    async def _deliver(self, job: Job) -> Turn:
        stand = await self._office.read(lambda s: _stand(s, job))
        if stand.message is not None and stand.message.ts is not None:
            return Delivered({"standing": stand.message.ts})
        targets = await self._targets(job, stand)
        if not isinstance(targets, list):
            return targets
        if stand.ahead is not None and not await self._may_follow(stand.ahead):
            due = max(stand.ahead.due, self._office.clock.now()) + _PLACE_WAIT
            return Later(due, "keeps its place in the thread", waited=True)
        if job.payload.get("do") == "direct" and job.payload.get("incident") is not None:
            wait = await self._permalinks.before(job)
            if wait is not None:
                return wait
        drawn: dict[str, Content] = {}

        async def post(target: Target) -> Turn:
            if not job.ambiguous:  # that one is looked for, whatever may be sent
                self._room(job, target)
            if target.language not in drawn:
                drawn[target.language] = await self._office.draw(request_of(job, target.language))
            return await self._post(job, target, drawn[target.language])

        return await self.where_it_is_taken(job, targets, post)

    async def where_it_is_taken(
        self, job: Job, targets: Iterable[Target], send: Callable[[Target], Awaitable[Turn]]
    ) -> Turn:
        """Sends to the best place that takes it; a thread whose place is gone moves as a whole.

        Raises SlackError for what no other place would help.
        """
        refused: SlackRefused | None = None
        for target in targets:
            try:
                return await send(target)
            except SlackRefused as error:
                if error.remedy is Remedy.ROOT_ANEW and target.thread_ts:
                    return await self._root_anew(job, error)
                if error.remedy not in (Remedy.FALLBACK, Remedy.JOIN):
                    raise
                refused = error
                log.warning("channel_refused", channel=target.channel, code=error.code)
        if refused is None:
            return Parked(f"{NO_CHANNEL}, or {NOT_PRIVATE}")
        if job.payload.get("thread"):
            # The channel of the whole thread is gone: its root moves to the fallback, then this.
            return await self._root_anew(job, refused)
        return Parked(f"{refused}; no fallback of the same or a narrower audience is left")

    def _room(self, job: Job, target: Target) -> None:
        """Raises Held where it must wait: then it need not be drawn yet."""
        self._office.sender.room(
            "chat.postMessage",
            waiter=job.delivery_id,
            channel=target.channel,
            urgent=job.urgent,
        )

    async def _may_follow(self, ahead: message_store.Ahead) -> bool:
        return ahead.claimed and await self._flying.may_follow(ahead.item_id)

    async def targets(self, job: Job) -> list[Target] | Turn:
        """Where a message may go, best first; or how the turn ends when it cannot go yet."""
        return await self._targets(job, await self._office.read(lambda s: _stand(s, job)))

    async def _targets(self, job: Job, stand: _Stand) -> list[Target] | Turn:
        payload, office = job.payload, self._office
        language = payload.get("language")
        if payload.get("thread"):
            root = stand.root
            if root is None or root.ts is None or root.channel is None:
                return await self._await_root(job, stand)
            below = office.audiences.of_channel(root.channel)
            if below is not None and (wait := office.shut([below])) is not None:
                return wait
            spoken = language or root.language or DEFAULT
            return [Target(root.channel, spoken, root.thread_ts or root.ts)]
        if payload.get("person"):
            channel = await self.direct_channel(str(payload["person"]), urgent=job.urgent)
            spoken = language or await self._office.people.language_of(str(payload["person"]))
            return [Target(channel, spoken)]
        if payload.get("channel"):
            audience = office.audiences.of_channel(str(payload["channel"]))
            spoken = language or (audience.language if audience else DEFAULT)
            return [Target(str(payload["channel"]), spoken)]
        chain = office.audiences.chain(str(payload.get("audience")))
        if chain and (wait := office.shut(chain[:1])) is not None:
            return wait
        return [Target(audience.channel, language or audience.language) for audience in chain]

    async def _await_root(self, job: Job, stand: _Stand) -> Turn:
        thread = str(job.payload["thread"])
        if stand.root_parked:
            return Parked(f"the root of its thread, {thread}, cannot be delivered")
        if stand.root_coming is not None:
            due = max(stand.root_coming.due, self._office.clock.now()) + _ROOT_WAIT

            def also(session: Session, now: datetime) -> None:
                root = message_store.standing(session, thread)
                if root is not None and root.ts is not None:  # it came about in the meantime
                    session.get_one(WorkItem, job.id).due = now

            return Later(due, message_store.WAITS_FOR_ROOT, also, waited=True)
        if stand.root is None:
            return Parked(f"the root of its thread, {thread}, was never posted")
        return await self._root_anew(job, None)

    async def _root_anew(self, job: Job, error: SlackRefused | None) -> Turn:
        """The root is gone: post it again, and this message after it. Once; then it is parked."""
        thread = str(job.payload["thread"])
        because = error.code if error else "gone"
        if error and await self._posted_anew(thread, job):
            return Parked(f"{error}; it is refused under a new root as well")

        def also(session: Session, now: datetime) -> None:
            if not message_store.post_anew(session, thread, now, because=because, job=job):
                log.error("root_unknown", message=thread)

        return Later(self._office.clock.now() + _ROOT_WAIT, f"root anew: {because}", also)

    async def _posted_anew(self, message: str, job: Job) -> bool:
        return await self._office.read(lambda s: message_store.was_posted_anew(s, message, job))

    async def direct_channel(self, person: str, *, urgent: bool) -> str:
        """The direct-message channel with a person. Raises SlackError."""
        sender = self._office.sender
        known = sender.direct_channels.get(person)
        if known is None:
            opened = await sender.call("conversations.open", {"users": person}, urgent=urgent)
            known = str((opened.get("channel") or {}).get("id") or "")
            if not known:
                raise NotDelivered("malformed")
            sender.direct_channels[person] = known
        return known

    async def _post(self, job: Job, target: Target, content: Content) -> Turn:
        office = self._office
        if job.ambiguous:
            found = await find_message(
                office.sender,
                job.delivery_id,
                channel=target.channel,
                thread_ts=target.thread_ts,
                since=job.created_at,
                urgent=job.urgent,
            )
            if found:
                log.info("message_adopted", message=job.message, ts=found[0], twins=len(found) - 1)
                # What it shows was drawn earlier: the hash stays open, so a refresh is sent.
                return self._stands(job, target, found[0], None, look_later=True)
        ts, shown = await self._send(job, target, content)
        return self._stands(job, target, ts, shown.content_hash, look_later=job.ambiguous)

    async def _send(self, job: Job, target: Target, content: Content) -> tuple[str, Content]:
        """Sends it, joining the channel or falling back to plain text where Slack asks for that."""
        sender, joined = self._office.sender, False
        while True:
            args = message_args(content, job.delivery_id, job.payload, target)
            try:
                with self._flying.request(job):
                    answer = await sender.call(
                        "chat.postMessage", args, channel=target.channel, urgent=job.urgent
                    )
                if not answer.get("ts"):
                    raise Unclear("malformed")  # it went out, and where it stands is not said
                return str(answer["ts"]), content
            except SlackRefused as error:
                if error.remedy is Remedy.JOIN and not joined:
                    await join(self._office, target.channel, urgent=job.urgent)
                    joined = True
                elif error.remedy is Remedy.PLAIN and not content.plain:
                    content = self._office.plainly(job, content, error)
                else:
                    raise

    def _stands(
        self,
        job: Job,
        target: Target,
        ts: str,
        content_hash: str | None,
        *,
        look_later: bool,
    ) -> Turn:
        twin_look = self._office.timing.twin_look

        def also(session: Session, now: datetime) -> None:
            message_store.keep(
                session,
                job,
                now,
                delivery_id=job.delivery_id,
                channel=target.channel,
                ts=ts,
                thread_ts=target.thread_ts,
                content_hash=content_hash,
                language=target.language,
            )
            if target.thread_ts is None:
                message_store.wake_waiting(session, job.message, now)
                if job.payload.get("template") == "card":
                    ask_for(session, job, now)
                if job.payload.get("anew"):
                    self._follow(session, job, now)
            elif job.order_key == job.message:
                put_in_order(session, job, target.thread_ts, ts, now)
            if look_later:
                mark = {"delivery": job.delivery_id, "since": job.created_at.isoformat()}
                look_for_twins(session, job, target, mark, keep=ts, now=now, due=now + twin_look)

        place = {"channel": target.channel, "ts": ts, "thread_ts": target.thread_ts}
        return Delivered(place, also)

    @staticmethod
    def _follow(session: Session, job: Job, now: datetime) -> None:
        """A root that was posted anew takes the runbook along; the copy under the old one goes."""
        session.flush()
        for row in message_store.beside(session, job.message, job.payload.get("incident")):
            old = Target(str(row.channel), row.language or DEFAULT, row.thread_ts)
            mark = {"message": row.key, "delivery": row.delivery_id}
            if message_store.post_anew(session, row.key, now, because="its root is new", job=job):
                look_for_twins(session, job, old, mark, keep=None, now=now, due=now, of=row.key)


def _stand(session: Session, job: Job) -> _Stand:
    message = message_store.standing(session, job.message)
    thread = job.payload.get("thread")
    if not thread:
        return _Stand(message)
    root = message_store.standing(session, str(thread))
    if root is not None and root.ts is not None:
        return _Stand(message, root, ahead=message_store.ahead(session, job))
    return _Stand(
        message,
        root,
        root_coming=message_store.coming(session, str(thread)),
        root_parked=message_store.parked(session, str(thread)),
    )


def message_args(
    content: Content, delivery_id: str, payload: Mapping[str, Any], target: Target
) -> dict[str, Any]:
    """The arguments of chat.postMessage. Names and links in data never ping or unfurl."""
    args: dict[str, Any] = {
        "channel": target.channel,
        "text": content.text,
        "unfurl_links": False,
        "unfurl_media": False,
        # By its key a restored record knows which thread it is that it does not know.
        "metadata": metadata(delivery_id, {**content.metadata, "message": payload.get("message")}),
    }
    if content.blocks:
        args["blocks"] = [dict(block) for block in content.blocks]
    if target.thread_ts:
        args["thread_ts"] = target.thread_ts
        if payload.get("broadcast"):
            args["reply_broadcast"] = True
    return args


async def join(office: Office, channel: str, *, urgent: bool) -> None:
    """Joins a public channel. A channel that cannot be joined raises the fallback's remedy."""
    try:
        await office.sender.call("conversations.join", {"channel": channel}, urgent=urgent)
    except SlackRefused as error:
        if error.remedy is Remedy.STOP:
            raise
        raise SlackRefused("conversations.join", "channel_not_found") from error
