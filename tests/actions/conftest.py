"""A database, a shop on a real socket, and a runner between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.connectors.http import ShopClient, open_http
from actions.declarations import ActionDeclaration, LookDeclaration
from actions.runner import ActionRunner
from plan.model import Action
from storage import work
from storage.database import Database
from storage.models import ActionAttempt, WorkItem, WorkState
from tests.actions.book import LedgerBook, switch, write_attempt
from tests.actions.clock import SteppedClock
from tests.actions.tiny_shop import TinyShop

LOOKS = {
    "routing": LookDeclaration(url="/routing/{{ params.method }}"),
    "standby": LookDeclaration(url="/standby"),
}


def declared(contract: str = "keys", *, lookup: bool = True) -> ActionDeclaration:
    return ActionDeclaration.model_validate(
        {
            "method": "PUT",
            "url": "/routing/{{ params.method }}",
            "body": {"channel": "{{ params.channel }}"},
            "contract": contract,
            "lookup": "/idempotency/{{ key }}" if lookup else None,
            "timeout": 0.5,
        }
    )


@dataclass
class Desk:
    """The runner with everything it works on; `turn` carries out what is due."""

    database: Database
    shop: TinyShop
    clock: SteppedClock
    http: httpx.AsyncClient
    book: LedgerBook
    declaration: ActionDeclaration
    attempt_id: int = 0
    boot: int = 0
    action: str = "switch_channel"
    turns: list[int] = field(default_factory=list)

    def runner(self) -> ActionRunner:
        client = ShopClient(
            self.http,
            base_url=self.shop.url,
            looks=LOOKS,
            actions={self.action: self.declaration},
        )
        return ActionRunner(database=self.database, shop=client, book=self.book, clock=self.clock)

    async def claim(self) -> list[WorkItem]:
        return await self.database.write(
            lambda s: work.claim(
                s, "action", owner=f"boot-{self.boot}", now=self.clock.now(), limit=10
            )
        )

    async def turn(self) -> int:
        """Carries out what is due now; how many items that were."""
        items = await self.claim()
        for item in items:
            await self.runner().run(item)
        return len(items)

    async def run(self, seconds: float) -> None:
        """The same for a stretch of the clock."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            if await self.turn():
                continue
            due = await self._next_due()
            if due is None or due > end:
                break
            self.clock.advance((due - self.clock.now()).total_seconds())
        self.clock.advance(max(0.0, (end - self.clock.now()).total_seconds()))

    async def _next_due(self) -> datetime | None:
        return await self.database.read(
            lambda s: s.scalar(
                select(func.min(WorkItem.due)).where(WorkItem.state == WorkState.PENDING)
            )
        )

    async def ask(self, action: str, params: dict[str, object]) -> None:
        """Makes the written attempt one of this action."""
        self.action = action

        def change(session: Session) -> None:
            attempt = session.get_one(ActionAttempt, self.attempt_id)
            attempt.action, attempt.params = action, params

        await self.database.write(change)

    async def restart(self) -> None:
        """A new process: what the old one had claimed is free."""
        self.boot += 1
        await self.database.write(lambda s: work.release_stale(s, f"boot-{self.boot}"))

    async def attempt(self) -> ActionAttempt:
        def detached(session: Session) -> ActionAttempt:
            attempt = session.get_one(ActionAttempt, self.attempt_id)
            session.expunge(attempt)
            return attempt

        return await self.database.read(detached)

    async def unfinished(self) -> int:
        return await self.database.read(
            lambda s: (
                s.query(WorkItem)
                .filter(WorkItem.state.not_in([WorkState.DONE, WorkState.PARKED]))
                .count()
            )
        )


MakeDesk = Callable[..., Desk]


@pytest.fixture
async def make_desk(database: Database) -> AsyncIterator[Callable[..., object]]:
    """`await make_desk(action, declaration)` gives a desk with one written attempt."""
    shops: list[TinyShop] = []

    async with open_http() as http:

        async def make(
            action: Action | None = None, declaration: ActionDeclaration | None = None
        ) -> Desk:
            declaration = declaration or declared()
            shop = TinyShop(honours_keys=declaration.contract == "keys")
            await shop.start()
            shops.append(shop)
            clock = SteppedClock()
            desk = Desk(database, shop, clock, http, LedgerBook(action or switch()), declaration)
            desk.attempt_id = await database.write(lambda s: write_attempt(s, clock.now()))
            return desk

        yield make
    for shop in shops:
        await shop.stop()
