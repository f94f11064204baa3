"""Opens what the checks look with: one HTTP client, the shop's database, the configured looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from actions.connectors.base import Connector
from actions.connectors.http import ShopClient, ShopError, open_http
from actions.connectors.wire_fault import problem_of
from bot.settings import Settings, calendar_of, mapping_of
from bot.wiring.prober import open_prober
from bot.wiring.table_looks import TableLooks, answered_by_tables
from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.exchange import Ask
from checks.kinds.base import CheckContext, LookFailed
from checks.listings.kept_mapping import in_database
from checks.listings.listings import Listings
from checks.mark import Following
from checks.model import NONE_FAILED, Failed
from checks.shop.source import ShopDatabase


@dataclass(frozen=True)
class Checking:
    """The open connections of the checks."""

    http: httpx.AsyncClient
    ask: Ask
    shop: ShopDatabase | None
    client: Connector  # the shop's doors, and what its tables answer
    currency: str
    listings: Listings | None = None
    calendar: Calendar = NO_CALENDAR

    def context(
        self,
        now: datetime,
        awaited: tuple[str, ...] = (),
        failed: Mapping[str, Failed] = NONE_FAILED,
        following: Following | None = None,
    ) -> CheckContext:
        """`awaited`: order numbers whose settling is looked for. `failed`: in earlier runs.

        `following`: the mark of the run before; None: it looks at the whole and keeps no mark.
        """
        return CheckContext(
            ask=self.ask,
            shop=self.shop,
            currency=self.currency,
            now=now,
            look=self._look,
            awaited=awaited,
            failed=failed,
            listings=self.listings,
            calendar=self.calendar,
            following=following,
        )

    async def _look(self, name: str, params: dict[str, Any]) -> Any:
        try:
            return await self.client.look(name, {"params": params})
        except ShopError as error:
            raise LookFailed(error.code, str(error)) from error


@asynccontextmanager
async def open_checks(settings: Settings) -> AsyncIterator[Checking]:
    """Connections for the length of the block. ShopUnavailable when the address is unusable."""
    shop, mapping = None, mapping_of(settings)
    own = in_database(mapping)
    if settings.shop.database_url and own.entities:
        shop = ShopDatabase(settings.shop.database_url, own)
    async with open_http() as http, open_prober() as ask:
        listings = None
        if own.entities.keys() != mapping.entities.keys():
            listings = Listings(mapping, settings.shop.currency, http, problem_of)
        client: Connector = ShopClient(
            http,
            base_url=settings.shop.control_url,
            looks=settings.shop.looks,
            actions=settings.shop.actions,
        )
        if shop is not None and answered_by_tables(settings):
            client = TableLooks(client, shop, settings.shop.currency)
        try:
            calendar = calendar_of(settings)
            yield Checking(http, ask, shop, client, settings.shop.currency, listings, calendar)
        finally:
            if listings is not None:
                await listings.close()
            if shop is not None:
                shop.close()
