"""Looks from outside at a running bot: its work table once a second, its acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from storage.engines import database_url
from storage.models import WorkItem, WorkKind
from storage.work.common import UNFINISHED


@dataclass(frozen=True)
class Look:
    """The work table at one moment."""

    oldest: float  # seconds since the oldest delivery that is not worked off came in
    messages: int  # not sent
    stale: int  # cards that wait for their refresh


@contextmanager
def beside(url: str) -> Iterator[Engine]:
    """A connection of our own to the bot's database."""
    engine = create_engine(database_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def look(engine: Engine) -> Look:
    unfinished = WorkItem.state.in_(UNFINISHED)
    with Session(engine) as session:
        oldest = session.scalar(
            select(func.min(WorkItem.created_at)).where(
                WorkItem.kind == WorkKind.INTAKE, unfinished
            )
        )
        counted = session.execute(
            select(
                func.count(),
                func.count().filter(WorkItem.refreshes.like("refresh:%/card")),
            ).where(WorkItem.kind == WorkKind.MESSAGE, unfinished)
        ).one()
    age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
    return Look(age, counted[0], counted[1])


@dataclass
class Watch:
    """Looks once a second until it is cancelled; keeps what it saw."""

    engine: Engine
    http: aiohttp.ClientSession
    slack: str
    since: int = 0
    looks: list[Look] = field(default_factory=list)
    acks: list[float | None] = field(default_factory=list)  # milliseconds; None: in vain

    async def begin(self) -> None:
        """From here on; what came before is not counted."""
        await self.read_acks()
        self.acks.clear()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.looks.append(await asyncio.to_thread(look, self.engine))
            await self.read_acks()

    async def read_acks(self) -> None:
        """The acknowledgements of commands, clicks and submissions, as the sandbox timed them."""
        query = {"since": str(self.since), "method": "none", "fields": "n,type,took,error"}
        async with self.http.get(f"{self.slack}/hand/log", params=query) as response:
            log = await response.json()
        for entry in log["deliveries"]:
            if entry["took"] is None and entry["error"] is None:
                return  # still on its way; it and what follows are read next time
            self.since = entry["n"]
            if entry["type"] != "events_api":
                ok = entry["took"] is not None and entry["error"] is None
                self.acks.append(entry["took"] * 1000 if ok else None)
