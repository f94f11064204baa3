"""Adapters: what handlers ask of Slack and the shop while a person waits: views, fresh looks,
orders.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from actions.connectors.base import Connector
from actions.errors import NotSent, Refused, ShopError
from bot.clock import Clock
from bot.delivery.errors import Held, NotDelivered, SlackError, Unclear
from bot.delivery.sender import Sender
from handlers.registry import NotNow
from incidents.doors import ORDER
from incidents.organisation import House
from incidents.runbooks.guards import wanted_looks
from incidents.shop_actions.looks import GuardLook, GuardLooks, WantedLook
from storage.database import Database

log = structlog.get_logger(__name__)

_LINK_WITHIN = 3.0  # seconds; a person waits
_AT_ONCE = 8  # looks at the shop at the same time


class ViewDoor:
    """Modals. Slack: a trigger_id lives 3 s and is used once, so nothing is repeated here."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """The new view's id; None when Slack did not take it."""
        return await self._call("views.open", {"trigger_id": trigger_id, "view": view})

    async def push_view(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """The same, on top of the open one (Slack: at most three)."""
        return await self._call("views.push", {"trigger_id": trigger_id, "view": view})

    async def update_view(
        self, view_id: str, view: Mapping[str, Any], *, view_hash: str | None = None
    ) -> bool:
        """Turns an open view into this one. False when Slack did not take it."""
        args: dict[str, Any] = {"view_id": view_id, "view": view}
        if view_hash:
            args["hash"] = view_hash
        return await self._call("views.update", args) is not None

    async def message_text(self, channel: str, ts: str) -> tuple[str, str | None] | None:
        """A message's words and its thread; None when Slack does not show it.

        Raises NotNow when Slack could not be asked: then it is asked again later.
        """
        args = {"channel": channel, "ts": ts, "latest": ts, "inclusive": "true", "limit": 1}
        try:
            answer = await self._sender.call("conversations.replies", args)
        except Held as error:
            raise NotNow(error.code, error.until) from error
        except (NotDelivered, Unclear) as error:
            raise NotNow(error.code) from error
        except SlackError as error:
            log.warning("message_not_read", error=str(error))
            return None
        for message in answer.get("messages") or ():
            if message.get("ts") == ts:
                return str(message.get("text") or ""), message.get("thread_ts")
        return None

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Where people find a message; None when Slack does not say: it is then told without."""
        try:
            async with asyncio.timeout(_LINK_WITHIN):
                answer = await self._sender.call(
                    "chat.getPermalink", {"channel": channel, "message_ts": ts}
                )
        except (SlackError, TimeoutError) as error:
            log.warning("no_permalink", error=str(error))
            return None
        return str(answer.get("permalink") or "") or None

    async def _call(self, method: str, args: dict[str, Any]) -> str | None:
        try:
            answer = await self._sender.call(
                method, {**args, "view": json.dumps(args["view"])}, urgent=True
            )
        except SlackError as error:
            log.warning("view_refused", method=method, error=str(error))
            return None
        return str(answer["view"]["id"])


class FreshLooks:
    """Looks that a unit of work needs, taken anew, outside of any transaction."""

    def __init__(self, database: Database, house: House, shop: Connector, clock: Clock) -> None:
        self._database = database
        self._house = house
        self._shop = shop
        self._clock = clock

    async def __call__(self, number: int) -> GuardLooks:
        """What an incident's guards and effects need, before it is resolved."""
        now = self._clock.now()
        return await self.take(
            await self._database.read(
                lambda session: wanted_looks(session, self._house, number, now)
            )
        )

    async def take(self, wanted: Sequence[WantedLook]) -> GuardLooks:
        """What the shop shows now; a look that fails is handed on as its error."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def look(one: WantedLook) -> GuardLook:
            async with free:
                return GuardLook(one.guard, one.case, await self._look(one))

        looks = await asyncio.gather(*(look(one) for one in wanted))
        return GuardLooks(self._clock.now(), tuple(looks))

    async def _look(self, one: WantedLook) -> Any:
        try:
            return await self._shop.look(one.look, one.scope)
        except ShopError as error:
            return {"error": error.code}


class Orders:
    """What the shop knows of an order, through the look named `order`."""

    def __init__(self, shop: Connector) -> None:
        self._shop = shop

    async def __call__(self, number: str) -> Mapping[str, Any] | None:
        """The order; None: the shop has no such order. ShopError: it cannot be asked."""
        try:
            found = await self._shop.look(ORDER, {"params": {"order": number}})
        except NotSent as error:
            if error.code == "unsafe_value":  # “..” is the number of no order
                return None
            raise
        except Refused as error:
            if error.status in (400, 404):
                return None
            raise
        return found if isinstance(found, dict) else None


__all__ = ["FreshLooks", "Orders", "ShopError", "ViewDoor"]
