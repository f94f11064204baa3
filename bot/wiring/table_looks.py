"""Table looks: what the shop's own tables answer where no look is configured for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actions.connectors.base import Connector, ShopAnswer
from actions.declarations import ActionDeclaration
from actions.errors import NoAnswer, Refused
from actions.requests import Scope
from bot.settings import Settings, mapping_of
from checks.listings.kept_mapping import in_database, standing_apart
from checks.shop import order_record
from checks.shop.source import ShopDatabase, ShopUnavailable

ORDER = "order"


def answered_by_tables(settings: Settings) -> frozenset[str]:
    """The looks that are not configured and that the mapped tables answer."""
    mapping = mapping_of(settings)
    whole = standing_apart(order_record.READS, mapping) is None
    known = whole and order_record.can_tell(in_database(mapping))
    known = known and settings.shop.database_url is not None
    return frozenset({ORDER} if known and ORDER not in settings.shop.looks else ())


@dataclass(frozen=True)
class TableLooks:
    """A connector whose looks at an order are read from the shop's database."""

    doors: Connector
    shop: ShopDatabase
    currency: str

    def address(self, name: str, scope: Scope) -> str:
        """The table that is asked, as people know it."""
        if name == ORDER:
            return f"the shop's table {self.shop.mapping.entities['orders'].place}"
        return self.doors.address(name, scope)

    def action(self, name: str) -> ActionDeclaration | None:
        return self.doors.action(name)

    async def look(self, name: str, scope: Scope) -> Any:
        """The order's record. Raises Refused (404) where the shop has none, else as the doors."""
        if name != ORDER:
            return await self.doors.look(name, scope)
        number = _asked(scope)
        read = partial(order_record.record, shop=self.shop, number=number, currency=self.currency)
        try:
            found = await self.shop.read(read)
        except ShopUnavailable as error:
            raise NoAnswer("unreachable", str(error)) from error
        except order_record.Ambiguous as error:
            raise NoAnswer("body", str(error)) from error
        if found is None:
            raise Refused(404, f"the shop has no order “{number}”")
        return found

    async def act(self, name: str, key: str, scope: Scope) -> ShopAnswer:
        return await self.doors.act(name, key, scope)

    async def find(self, name: str, scope: Scope) -> ShopAnswer | None:
        return await self.doors.find(name, scope)


def _asked(scope: Scope) -> str:
    """Which order: the attempt's, else the case's own number."""
    given = ((scope.get("params"), "order"), (scope.get("case"), "key"))
    found = (one.get(name) for one, name in given if isinstance(one, Mapping))
    return str(next(filter(None, found), "")).strip()
