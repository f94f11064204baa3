"""Files: uploaded first, then shared in one step, which is the one that people see.

Slack: files.getUploadURLExternal gives an address and an id, the bytes go there, and
files.completeUploadExternal shares. A shared file carries no metadata of ours, so the file ids are
committed before the sharing; after an unclear outcome they are what is looked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.content import Attachment, Content, request_of
from bot.delivery.context import Office
from bot.delivery.errors import Remedy, SlackError, SlackRefused
from bot.delivery.job import Delivered, Job, Later, Parked, Turn
from bot.delivery.lookup import find_files, find_named_files
from bot.delivery.posts import Posts, join
from bot.delivery.twins import Target, look_for_twins
from storage.models import WorkItem

log = structlog.get_logger(__name__)

_MARK = "files:"  # delivery_id of a message of files: the mark and their ids


class Files:
    """Delivers `file`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._posts = Posts(office)

    async def deliver(self, job: Job) -> Turn:
        """One turn of a file. Raises SlackError for what has no better remedy here."""
        row = await self._office.read(lambda s: message_store.standing(s, job.message))
        if row is not None and row.ts is not None:
            return Delivered({"standing": row.ts})
        targets = await self._posts.targets(job)
        if not isinstance(targets, list):
            return targets
        return await self._posts.where_it_is_taken(
            job, targets, lambda target: self._deliver(job, row, target)
        )

    async def _deliver(self, job: Job, row: message_store.Standing | None, target: Target) -> Turn:
        given_up: tuple[str, ...] = ()
        if row is not None and job.ambiguous and row.delivery_id.startswith(_MARK):
            ids = frozenset(row.delivery_id.removeprefix(_MARK).split(","))
            found = await find_files(
                self._office.sender,
                ids,
                channel=target.channel,
                thread_ts=target.thread_ts,
                since=job.created_at,
            )
            if found:
                log.info("file_adopted", message=job.message, ts=found[0])
                return self._shared(job, target, row.delivery_id, found[0], ())
            given_up = tuple(sorted(ids))
        content = await self._office.draw(request_of(job, target.language))
        if not content.files:
            return Parked("the file could not be drawn")
        if job.ambiguous and row is None:
            names = frozenset(file.name for file in content.files)
            shared = await find_named_files(
                self._office.sender,
                names,
                channel=target.channel,
                thread_ts=target.thread_ts,
                since=job.created_at,
            )
            if shared:
                ts = min(shared)
                log.info("file_adopted", message=job.message, ts=ts)
                return self._shared(job, target, _MARK + ",".join(shared[ts]), ts, ())
        return await self._share(job, target, content, given_up)

    async def _share(
        self, job: Job, target: Target, content: Content, given_up: tuple[str, ...]
    ) -> Turn:
        uploaded = [await self._upload(job, file) for file in content.files]
        mark = _MARK + ",".join(str(file["id"]) for file in uploaded)
        if not await self._note(job, target, mark):
            return Later(self._office.clock.now(), "claimed by another")
        args: dict[str, Any] = {
            "files": uploaded,
            "channel_id": target.channel,
            "initial_comment": content.text,
        }
        if target.thread_ts:
            args["thread_ts"] = target.thread_ts
        await self._complete(job, target, args)
        ids = frozenset(str(file["id"]) for file in uploaded)
        return self._shared(job, target, mark, await self._seen(job, ids, target), given_up)

    async def _seen(self, job: Job, ids: frozenset[str], target: Target) -> str | None:
        """Where the share stands. It is done already: not finding it is no reason to repeat it."""
        try:
            found = await find_files(
                self._office.sender,
                ids,
                channel=target.channel,
                thread_ts=target.thread_ts,
                since=job.created_at,
            )
        except SlackError as error:
            log.info("share_not_looked_up", error=str(error))
            return None
        return found[0] if found else None

    async def _complete(self, job: Job, target: Target, args: dict[str, Any]) -> None:
        sender = self._office.sender
        try:
            await sender.call("files.completeUploadExternal", args, urgent=job.urgent)
        except SlackRefused as error:
            if error.remedy is not Remedy.JOIN:
                raise
            await join(self._office, target.channel, urgent=job.urgent)
            await sender.call("files.completeUploadExternal", args, urgent=job.urgent)

    async def _upload(self, job: Job, file: Attachment) -> dict[str, str]:
        sender = self._office.sender
        place = await sender.call(
            "files.getUploadURLExternal",
            {"filename": file.name, "length": len(file.content)},
            urgent=job.urgent,
        )
        await sender.upload(str(place["upload_url"]), file.content)
        return {"id": str(place["file_id"]), "title": file.title}

    async def _note(self, job: Job, target: Target, mark: str) -> bool:
        now = self._office.clock.now()

        def commit(session: Session) -> bool:
            owned = session.scalar(
                select(WorkItem.id).where(WorkItem.id == job.id, WorkItem.epoch == job.epoch)
            )
            if owned is None:
                return False
            self._keep(session, job, now, target, mark, None)
            return True

        return await self._office.database.write(commit)

    def _shared(
        self, job: Job, target: Target, mark: str, ts: str | None, given_up: tuple[str, ...]
    ) -> Turn:
        twin_look = self._office.timing.twin_look

        def also(session: Session, now: datetime) -> None:
            self._keep(session, job, now, target, mark, ts)
            if given_up:
                twins = {"files": list(given_up), "since": job.created_at.isoformat()}
                look_for_twins(session, job, target, twins, keep=ts, now=now, due=now + twin_look)

        place = {"channel": target.channel, "ts": ts, "thread_ts": target.thread_ts}
        return Delivered({**place, "files": mark.removeprefix(_MARK).split(",")}, also)

    @staticmethod
    def _keep(
        session: Session, job: Job, now: datetime, target: Target, mark: str, ts: str | None
    ) -> None:
        message_store.keep(
            session,
            job,
            now,
            delivery_id=mark,
            channel=target.channel,
            ts=ts,
            thread_ts=target.thread_ts,
            content_hash=None,
            language=target.language,
        )
