"""Dispatch: stored deliveries on their way through Bolt to their handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.intake.acknowledgement import payload_of
from bot.intake.deliveries import ANSWERED, Delivery, body_of
from bot.intake.receive import Reply
from bot.schedule.outcomes import Done, Park, Retry, Turn
from handlers.registry import Interaction, NotNow, Registry
from storage.database import Database
from storage.errors import StorageError
from storage.models import WorkItem
from storage.work import AlreadyDone, LeaseOver

log = structlog.get_logger(__name__)

# A handler's program error is tried again: after these pauses in seconds, then it is set aside.
_PAUSES = (1.0, 4.0)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 30.0  # seconds between tries to ask a Slack that is away
CONTEXT = "muster"  # under this name a dispatch stands in Bolt's context

Refuse = Callable[[Interaction], Awaitable[object]]
Tell = Callable[[Interaction, str], Awaitable[None]]
"""Tells the person what became of their press: "failed" or "unknown"."""


@dataclass
class Dispatch:
    """What the catch-all listener is to do with a payload, and what came of it."""

    phase: Literal["answer", "work"]
    key: str
    answer: dict[str, Any] | None = None
    answered: str | None = None  # what the acknowledgement did with the form (response_action)
    handled: bool = False
    settled: bool = False  # its unit of work has marked the delivery as done
    error: Exception | None = None


class Dispatcher:
    """Has Bolt find the listener; keeps what came of it."""

    def __init__(
        self,
        app: AsyncApp,
        registry: Registry,
        database: Database,
        clock: Clock,
        *,
        tell: Tell | None = None,
        refuse: Refuse | None = None,
    ) -> None:
        """`refuse` gets what Slack would not have sent: no listener and no handler meets it."""
        self._app = app
        self._registry = registry
        self._database = database
        self._clock = clock
        self._tell = tell
        self._refuse = refuse

    def opens_view(self, delivery: Delivery) -> bool:
        return self._registry.opens_view(delivery.body)

    async def answer(self, delivery: Delivery) -> Reply:
        """What stands in the acknowledgement: nothing but the payload is looked at (rule 7)."""
        dispatch = Dispatch("answer", delivery.key)
        interaction = self._registry.read(delivery.body, delivery.key)
        if interaction is None or interaction.flaw is not None:
            return Reply(True)
        try:
            response = await self._through_bolt(delivery.body, dispatch)
        except Exception:
            log.exception("not_answered", key=delivery.key)
            return Reply(True)
        if dispatch.error is not None:
            log.error("answer_failed", key=delivery.key, error=repr(dispatch.error))
            return Reply(False)
        return Reply(response.status == 200, payload_of(response))

    async def run(self, item: WorkItem) -> Turn:
        """Works on one stored delivery: the handler of the intake kind.

        None: the unit of work has settled it already.
        """
        stored = item.secret if item.secret is not None else await self._load(item.id)
        body = body_of(stored)
        if body is None:
            return Park("the stored delivery is empty")
        # After a restart it is not known: then the handler judges the form itself, and says so.
        dispatch = Dispatch("work", item.key, answered=item.payload.get(ANSWERED))
        interaction = self._registry.read(body, item.key)
        if interaction is None:
            return await self._unhandled(item, body)
        await self._dispatch(interaction, body, dispatch)
        if dispatch.error is not None:
            return await self._failed(item, body, dispatch.error)
        if not dispatch.handled:
            return await self._unhandled(item, body)
        return None if dispatch.settled else Done()

    async def _dispatch(
        self, interaction: Interaction, body: Mapping[str, Any], dispatch: Dispatch
    ) -> None:
        """By Bolt to its listener; what Bolt itself cannot read is refused as well."""
        if interaction.flaw is None:
            try:
                await self._through_bolt(body, dispatch)
            except Exception as error:
                log.warning("not_readable", key=dispatch.key, error=repr(error))
                interaction = replace(interaction, flaw="not readable")
        if interaction.flaw is not None and self._refuse is not None:
            try:
                await self._refuse(interaction)
            except Exception as error:
                dispatch.error = error
            dispatch.handled, dispatch.settled = True, interaction.progress.settled

    async def _through_bolt(self, body: Mapping[str, Any], dispatch: Dispatch) -> BoltResponse:
        request = AsyncBoltRequest(mode="socket_mode", body=dict(body), context={CONTEXT: dispatch})
        return await self._app.async_dispatch(request)

    async def _failed(self, item: WorkItem, body: Mapping[str, Any], error: Exception) -> Turn:
        """Recorded on the row; again only where nothing was done, which the row itself knows."""
        if isinstance(error, AlreadyDone):
            return Done({"again": True})
        now = self._clock.now()
        if isinstance(error, LeaseOver):
            return Retry(now, str(error), waited=True)
        if isinstance(error, StorageError):
            return Retry(_later(now, 1.0), f"database: {error}", waited=True)
        if isinstance(error, NotNow):
            # As long again as it has waited: so the pauses grow.
            since = (now - item.created_at).total_seconds()
            pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, since))
            return Retry(error.until or _later(now, pause), f"slack: {error}", waited=True)
        text = f"{type(error).__name__}: {error}"
        log.error("handler_failed", key=item.key, attempt=item.attempts, exc_info=error)
        if item.attempts <= len(_PAUSES):
            return Retry(_later(now, _PAUSES[item.attempts - 1]), text)
        await self._say(body, item.key, "failed")
        return Park(text)

    async def _unhandled(self, item: WorkItem, body: Mapping[str, Any]) -> Turn:
        interaction = self._registry.read(body, item.key)
        name = (
            "foreign payload" if interaction is None else f"{interaction.kind} {interaction.name}"
        )
        if interaction is not None and interaction.kind not in ("event", "closed"):
            log.warning("no_handler", what=name)
            await self._say(body, item.key, "unknown")
        return Done({"unhandled": name})

    async def _say(self, body: Mapping[str, Any], key: str, code: str) -> None:
        interaction = self._registry.read(body, key)
        if self._tell is None or interaction is None or not interaction.user_id:
            return
        try:
            await self._tell(interaction, code)
        except Exception:
            log.exception("person_not_told", key=key, code=code)

    async def _load(self, item_id: int) -> Any:
        def unit(session: Session) -> Any:
            return session.scalar(select(WorkItem.secret).where(WorkItem.id == item_id))

        return await self._database.read(unit)


def _later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
