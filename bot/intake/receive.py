"""Receiving: store, acknowledge, work (rule 7). What both transports hand their payloads to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.clock import Clock
from bot.intake.deliveries import ANSWERED, BY_A_PERSON, EVENT, OPENS_VIEW, Delivery, delivery_key
from storage.database import Database
from storage.errors import StorageError
from storage.models import WorkItem, WorkKind, WorkState
from storage.types import JsonText
from storage.work import NewWork, once

log = structlog.get_logger(__name__)

STORE_SECONDS = 2.0  # of Slack's 3; what takes longer is left to fail in front of the person
_LONGEST_WAIT = 0.15  # of a stored payload for the acknowledgement of others


@dataclass(frozen=True, slots=True)
class Reply:
    """What the transport does: acknowledge with `payload`, or stay silent."""

    acknowledge: bool
    payload: dict[str, Any] | None = None


@dataclass
class Counts:
    """For the metrics."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    slowest_ms: float = 0.0

    def note(self, milliseconds: float) -> None:
        self.received += 1
        self.slowest_ms = max(self.slowest_ms, milliseconds)


class Answering(Protocol):
    """Gives what stands in an acknowledgement (through Bolt)."""

    async def answer(self, delivery: Delivery) -> Reply: ...

    def opens_view(self, delivery: Delivery) -> bool: ...


class Intake:
    """Takes payloads in; `take` gets each stored one, to be worked on after the acknowledgement.

    `took` is told of each payload's seconds until its answer (bot.web.meters).
    `was_away`: whether what comes in may have waited unread for longer than Slack waits.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        owner: str,
        answering: Answering,
        take: Callable[[WorkItem], None],
        took: Callable[[float], None] = lambda _seconds: None,
        was_away: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._owner = owner
        self._answering = answering
        self._take = take
        self._took = took
        self._was_away = was_away
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._stored: list[tuple[int, NewWork, Delivery, str | None]] = []
        self.counts = Counts()

    async def receive(self, body: dict[str, Any], raw: str, *, attempt: int = 0) -> Reply:
        """One payload; returns when it is stored and may be acknowledged, or refused.

        `raw`: the JSON that it came in, the envelope included.
        """
        if self._busy == 0:
            self._quiet.clear()
            self._database.hold_units()
        self._busy += 1
        started = time.monotonic()
        delivery = Delivery(delivery_key(body), body, raw, self._clock.now(), attempt)
        try:
            return await self._receive(delivery)
        finally:
            seconds = time.monotonic() - started
            self.counts.note(seconds * 1000)
            self._took(seconds)
            self._busy -= 1
            if self._busy == 0:
                self._quiet.set()
                # Behind the acknowledgements that are being written in this turn of the loop.
                asyncio.get_running_loop().call_soon(self._hand_over)

    async def _receive(self, delivery: Delivery) -> Reply:
        if self._was_away():
            self.counts.refused += 1
            log.warning("delivery_too_old", key=delivery.key)
            return Reply(False)
        if delivery.only_answer:  # nothing is done, so nothing can be lost
            return await self._answering.answer(delivery)
        new = self._row(delivery)
        try:
            row = await self._database.store(new, within=STORE_SECONDS)
        except StorageError as error:
            self.counts.refused += 1
            log.error("delivery_not_stored", error=str(error))
            return Reply(False)
        except Exception:
            self.counts.refused += 1
            log.exception("delivery_not_stored")
            return Reply(False)
        if row is None:
            self.counts.duplicates += 1
            log.info("delivery_again", key=delivery.key, attempt=delivery.attempt)
            # The same answer: an empty acknowledgement would close the form that waits for its own.
            again = delivery.answered_in_ack
            return await self._answering.answer(delivery) if again else Reply(True)
        self.counts.stored += 1
        reply = Reply(True)
        if delivery.answered_in_ack:
            reply = await self._answering.answer(delivery)
        if not self._stored:
            asyncio.get_running_loop().call_later(_LONGEST_WAIT, self._hand_over)
        action = (reply.payload or {}).get("response_action")
        self._stored.append((row, new, delivery, action))
        return reply

    def _hand_over(self) -> None:
        """What was stored goes to the workers, once the acknowledgements are out."""
        if self._busy == 0:
            self._database.let_units_go()
        stored, self._stored = self._stored, []
        for row, new, delivery, action in stored:
            answered = {} if action is None else {ANSWERED: action}
            self._take(claimed(row, new, delivery.body, answered))

    async def quiet(self) -> None:
        """Returns when no payload waits for its acknowledgement: acknowledging goes first.

        Bounded, so that a stream of payloads does not stop the work.
        """
        if self._busy:
            try:
                async with asyncio.timeout(_LONGEST_WAIT):
                    await self._quiet.wait()
            except TimeoutError:
                return

    async def drained(self, within: float) -> None:
        """Returns when everything that came in has had its answer."""
        try:
            async with asyncio.timeout(within):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("intake_not_drained", left=self._busy)
        self._hand_over()

    @property
    def busy(self) -> int:
        """Payloads without an acknowledgement, and stored ones that no worker has yet."""
        return self._busy + len(self._stored)

    async def warm_up(self) -> None:
        """Has everything that the first payload needs compiled and connected beforehand."""
        now = self._clock.now()
        body = {"type": "block_suggestion", "team": {}, "user": {"id": "U0START"}}
        start = Delivery(f"start:{self._owner}", body, "{}", now)
        await self._database.store(self._row(start))
        await self._database.write(lambda session: once(session, start.key, now))
        await self._answering.answer(start)

    def _row(self, delivery: Delivery) -> NewWork:
        priority = EVENT
        if delivery.by_a_person:
            opens = self._answering.opens_view(delivery)
            priority = OPENS_VIEW if opens else BY_A_PERSON
        return NewWork(
            kind=WorkKind.INTAKE,
            key=delivery.key,
            payload={"attempt": delivery.attempt},
            now=delivery.received_at,
            priority=priority,
            secret=JsonText(delivery.raw),
            owner=self._owner,
        )


def claimed(row: int, new: NewWork, body: Any, more: Mapping[str, Any] | None = None) -> WorkItem:
    """The stored row as this process's claim, without reading it again.

    `more`: what only this process knows of it, as what the acknowledgement did with a form.
    """
    return WorkItem(
        id=row,
        kind=new.kind,
        key=new.key,
        priority=new.priority,
        state=WorkState.CLAIMED,
        owner=new.owner,
        epoch=1,
        settled_epoch=0,
        attempts=1,
        due=new.now,
        created_at=new.now,
        payload={**new.payload, **(more or {})},
        secret=body,
    )
