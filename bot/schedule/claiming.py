"""Claiming work for this process: looked for beside the writer, then taken in one transaction."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from storage import work
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.models import WorkItem

log = structlog.get_logger(__name__)


class Claims:
    """Takes items under one owner (the process's boot id)."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    async def take(
        self, kind: str, now: datetime, limit: int, held: list[int]
    ) -> tuple[list[WorkItem], bool, datetime | None]:
        """What it got, whether there may be more, and when the next one becomes due.

        `held`: what this process works on already. Raises StorageUnavailable.
        """

        def look(session: Session) -> tuple[list[int], datetime | None]:
            found = work.candidates(session, kind, now=now, limit=limit, held=held)
            return found, None if len(found) == limit else work.next_due(session, kind, now)

        found, due = await self._database.read(look)
        if not found:  # nothing to write: the writer is left alone
            return [], False, due
        return await self._take_found(kind, now, held, found), len(found) == limit, due

    async def _take_found(
        self, kind: str, now: datetime, held: list[int], found: list[int]
    ) -> list[WorkItem]:
        try:
            return await self._take_among(kind, now, held, found)
        except StorageUnavailable:
            raise
        except Exception:
            # One row cannot be read. Each by itself, so that only that one is set aside.
            log.exception("claim_unreadable", kind=kind, among=found)
        claimed: list[WorkItem] = []
        for item_id in found:
            claimed += await self._take_or_set_aside(kind, now, held, item_id)
        return claimed

    async def _take_among(
        self, kind: str, now: datetime, held: list[int], among: list[int]
    ) -> list[WorkItem]:
        return await self._database.write(
            lambda s: work.claim(
                s, kind, owner=self._owner, now=now, limit=len(among), held=held, among=among
            )
        )

    async def _take_or_set_aside(
        self, kind: str, now: datetime, held: list[int], item_id: int
    ) -> list[WorkItem]:
        try:
            return await self._take_among(kind, now, held, [item_id])
        except StorageUnavailable:
            raise
        except Exception as error:
            why = f"it cannot be read: {type(error).__name__}: {error}"
        if await self._database.write(lambda s: work.set_aside(s, item_id, why)):
            log.error("work_parked", kind=kind, item=item_id, why=why)
        return []
