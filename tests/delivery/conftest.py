"""A workspace on a real socket, a database, and delivery between them, on a driven clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery.audiences import Audience, Audiences
from bot.delivery.content import Attachment, Content, Request
from bot.delivery.context import Office
from bot.delivery.presence import Presence
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.delivery.worker import Deliverer
from sandbox.slack.config import AppConfig
from sandbox.slack.server import SlackSandbox
from storage import outbox, work
from storage.database import Database
from storage.models import Incident, SlackMessage, WorkItem
from tests.actions.clock import SteppedClock
from tests.conftest import KEY
from tests.delivery.builders import open_incident

T = TypeVar("T")


class Drawings:
    """Draws each template as a line with the incident's version; `broken` ones raise."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.blocks: dict[str, list[dict[str, Any]]] = {}
        self.drawn: list[Request] = []

    def __call__(self, session: Session, request: Request) -> Content:
        self.drawn.append(request)
        if request.template in self.broken:
            raise KeyError(f"no such value in {request.template}")
        incident = session.get(Incident, request.incident_id) if request.incident_id else None
        version = incident.version if incident else 0
        text = f"{request.template} {request.key} v{version} {request.language}"
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        return Content(
            text=text,
            blocks=self.blocks.get(request.template, [section]),
            metadata={"incident": incident.reference if incident else None},
            view={"type": "home", "blocks": [section]},
            files=(
                [Attachment("review.md", "Review", f"# {text}".encode())]
                if request.template == "review"
                else []
            ),
        )


@dataclass
class Postbox:
    """Delivery and the workspace it writes to. `run` carries out what is due for a while."""

    database: Database
    sandbox: SlackSandbox
    clock: SteppedClock
    client: AsyncWebClient
    people: httpx.AsyncClient
    drawings: Drawings
    audiences: Audiences
    incident_id: int
    concurrency: int = 16
    boot: int = 0
    office: Office = field(init=False)
    deliverer: Deliverer = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A process begins: nothing is remembered but what the database holds."""
        sender = Sender(self.client, budget=Budget(), clock=self.clock)
        self.office = Office(
            database=self.database,
            sender=sender,
            renderer=self.drawings,
            audiences=self.audiences,
            clock=self.clock,
            people=Presence(sender, self.database, self.clock),
        )
        self.deliverer = Deliverer(self.office)

    def with_office(self, **changes: Any) -> None:
        self.office = replace(self.office, **changes)
        self.deliverer = Deliverer(self.office)

    async def restart(self) -> None:
        """The process was killed; a new one takes over."""
        self.boot += 1
        self.start()
        await self.database.write(lambda s: work.release_stale(s, f"boot-{self.boot}"))

    # --- the domain's side

    async def commit(self, change: Callable[[Session, Incident, datetime], T]) -> T:
        """One unit of work on the incident."""

        def unit(session: Session) -> T:
            return change(session, session.get_one(Incident, self.incident_id), self.clock.now())

        return await self.database.write(unit)

    async def post(self, name: str, *, thread: str | None = "card", **more: Any) -> None:
        """`card` is the root; everything else stands below it."""

        def change(session: Session, incident: Incident, now: datetime) -> None:
            root = thread is None or name == thread
            outbox.post(
                session,
                key=f"INC-412/{name}",
                template=name.split("/")[0],
                incident=incident,
                audience=more.pop("audience", "incidents"),
                thread_key=None if root else f"INC-412/{thread}",
                beside=name == "runbook",
                now=now,
                **more,
            )

        await self.commit(change)

    async def refresh(self, name: str, *, version: int | None = None) -> None:
        """A change of the incident that shows on the message."""

        def change(session: Session, incident: Incident, now: datetime) -> None:
            incident.version = version if version is not None else incident.version + 1
            outbox.refresh(
                session, key=f"INC-412/{name}", template=name, incident=incident, now=now
            )

        await self.commit(change)

    # --- time passes

    async def turn(self) -> int:
        """Carries out what is due now, side by side; how many items that were."""
        items = await self.claim()
        await asyncio.gather(*(self.deliverer.run(item) for item in items))
        return len(items)

    async def claim(self) -> list[WorkItem]:
        return await self.database.write(
            lambda s: work.claim(
                s,
                "message",
                owner=f"boot-{self.boot}",
                now=self.clock.now(),
                limit=self.concurrency,
            )
        )

    async def run(self, seconds: float = 0.0) -> None:
        """Whatever comes due within `seconds`; both clocks go on by them."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            if await self.turn():
                continue
            due = await self._next_due()
            if due is None or due > end:
                break
            self.advance((due - self.clock.now()).total_seconds())
        self.advance((end - self.clock.now()).total_seconds())

    def advance(self, seconds: float) -> None:
        if seconds > 0:
            self.clock.advance(seconds)

    async def _next_due(self) -> datetime | None:
        now = self.clock.now()
        return await self.database.read(lambda s: work.next_due(s, "message", now))

    # --- what is seen

    def fault(self, method: str, kind: str, **more: Any) -> None:
        self.sandbox.world.faults.add({"method": method, "kind": kind, **more})

    async def seen(
        self, channel: str = "C0INCIDENTS", *, thread: str | None = None, by: str = "U0MEI"
    ) -> list[dict[str, Any]]:
        """What a person sees in a channel, or in the thread below a message."""
        params = {"as": by, "channel": channel}
        if thread:
            params["thread_ts"] = thread
        answer = await self.people.get("/hand/messages", params=params)
        return [m for m in answer.json()["messages"] if not m.get("deleted")]

    async def texts(self, channel: str = "C0INCIDENTS", *, by: str = "U0MEI") -> list[str]:
        """The whole thread as it reads, without versions and languages."""
        roots = [m for m in await self.seen(channel, by=by) if m["text"].startswith("card")]
        if not roots:
            return []
        assert len(roots) == 1, f"{len(roots)} cards stand in the channel"
        thread = await self.seen(channel, thread=roots[0]["ts"], by=by)
        return [m["text"].split()[0] for m in thread]

    def calls(self, method: str) -> int:
        return sum(1 for entry in self.sandbox.world.log.requests if entry.method == method)

    def arguments(self, method: str) -> list[Mapping[str, Any]]:
        return [e.args for e in self.sandbox.world.log.requests if e.method == method]

    async def row(self, name: str) -> Mapping[str, Any]:
        def read(session: Session) -> dict[str, Any]:
            row = session.scalars(
                select(SlackMessage).where(SlackMessage.key == f"INC-412/{name}")
            ).one()
            return {c.key: getattr(row, c.key) for c in SlackMessage.__table__.columns}

        return await self.database.read(read)

    async def states(self) -> dict[str, str]:
        """State of each message item, by the message's key."""

        def read(session: Session) -> dict[str, str]:
            return {i.key: str(i.state) for i in session.scalars(select(WorkItem))}

        return await self.database.read(read)

    async def item(self, name: str) -> dict[str, Any]:
        def read(session: Session) -> dict[str, Any]:
            item = session.scalars(
                select(WorkItem).where(WorkItem.key == f"message:INC-412/{name}")
            ).one()
            return {"state": str(item.state), "error": item.last_error, "result": item.result}

        return await self.database.read(read)

    async def incident(self) -> Incident:
        def read(session: Session) -> Incident:
            incident = session.get_one(Incident, self.incident_id)
            session.expunge(incident)
            return incident

        return await self.database.read(read)


AUDIENCES = {
    "incidents": Audience("incidents", "C0INCIDENTS", fallback="desk"),
    "desk": Audience("desk", "C0CSDESK", language="zh-Hant"),
    "cs": Audience("cs", "C0CSINC", private=True),
}


@asynccontextmanager
async def open_postbox(url: str, config: AppConfig | None = None) -> AsyncIterator[Postbox]:
    """Everything on real sockets, over an upgraded database."""
    database = Database.open(url, key=KEY)
    sandbox = SlackSandbox(app_config=config)
    await sandbox.start()
    client = open_client("xoxb-sandbox-bot", f"{sandbox.url}/api/", timeout=1.0)
    clock = SteppedClock()
    clock.others.append(sandbox.world.clock.advance)
    incident_id = await database.write(lambda s: open_incident(s, clock.now()))
    async with httpx.AsyncClient(base_url=sandbox.url) as people:
        yield Postbox(
            database, sandbox, clock, client, people, Drawings(), Audiences(AUDIENCES), incident_id
        )
    await close_client(client)
    await sandbox.stop()
    await database.close()


@pytest.fixture
async def postbox(sqlite_url: str) -> AsyncIterator[Postbox]:
    """Over SQLite; the modules that must hold on both engines have a fixture of their own."""
    async with open_postbox(sqlite_url) as opened:
        yield opened
