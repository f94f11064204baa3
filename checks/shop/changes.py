"""Changes of a shop: the rows that changed since a mark, and to which rows of a query they lead.

Each step is one bounded question through an index; where there is more than is worth following, the
query is asked whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from checks.mark import Following, Mark, RowKey
from checks.queries.reach import Reach
from checks.shop.changed_rows import changed_since, newest_of
from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase

MOST = 2_000  # rows that are followed


@dataclass(frozen=True)
class Step:
    """How one run looks: `among` rows of the first table, by field, or (None) at the whole."""

    digest: str
    now: datetime
    newest: Mapping[str, datetime | None]
    among: Mapping[str, list[Any]] | None = None
    swept_at: datetime | None = None

    @property
    def nothing(self) -> bool:
        """Nothing changed, and nothing was found before."""
        return self.among is not None and not any(self.among.values())

    @property
    def changed(self) -> int | None:
        """How many rows it looks among, for the figures of the run."""
        return None if self.among is None else max(map(len, self.among.values()))

    def mark(self, found: Iterable[Any] | None) -> Mark | None:
        """What the run leaves; `found` is None where it found more than it has by name."""
        keys = None if found is None else tuple(dict.fromkeys(found))
        if keys is None or len(keys) > MOST:
            return None
        if not all(isinstance(key, RowKey) and not isinstance(key, bool) for key in keys):
            return None
        return Mark(self.digest, self.now, self.swept_at or self.now, self.newest, keys)


def step_of(
    connection: Connection,
    shop: ShopDatabase,
    reach: Reach,
    following: Following,
    digest: str,
    now: datetime,
) -> Step:
    """How to look now. What is newest is read first: what changes meanwhile the next run sees."""
    newest = {entity: newest_of(connection, shop.table(entity), now) for entity in reach.entities}
    mark = following.mark
    if mark is None or following.sweep or _void(mark, digest, newest, now):
        return Step(digest, now, newest)
    among = _among(connection, shop, reach, mark)
    return Step(digest, now, newest, among, None if among is None else mark.swept_at)


def digest_of(shop: ShopDatabase, *asked: Any) -> str:
    """Of a question to this shop as it is mapped: another one is not answered by its mark."""
    whole = [shop.described, *asked]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _void(mark: Mark, digest: str, newest: Mapping[str, datetime | None], now: datetime) -> bool:
    """It is of another question, or of a time that is not over: a clock or the shop went back."""
    if mark.digest != digest or mark.looked_at > now:
        return True
    for entity, at in newest.items():
        before = mark.newest.get(entity)
        if before is not None and (at is None or at < before):
            return True
    return False


def _among(
    connection: Connection, shop: ShopDatabase, reach: Reach, mark: Mark
) -> Mapping[str, list[Any]] | None:
    """The rows of the first table that what changed leads to, and those that were found before."""
    found: dict[str, dict[Any, None]] = {name: {} for name in reach.fields}
    found["key"].update(dict.fromkeys(mark.found))
    for route in reach.routes:
        table = shop.table(route.entity)
        since = mark.newest.get(route.entity)
        values = _values(connection, table, route.field, changed_since(table, since))
        for hop in route.hops:
            if not values:
                break
            table = shop.table(hop.entity)
            values = _values(connection, table, hop.wanted, table.is_one(hop.given, values))
        if values is None:
            return None
        found[route.to].update(dict.fromkeys(values))
    if any(len(values) > MOST for values in found.values()):
        return None
    first = shop.table(reach.entity)
    return {name: first.comparable(name, values) for name, values in found.items()}


def _values(
    connection: Connection, table: LogicalTable, name: str, condition: Any
) -> list[Any] | None:
    """The values of a field where the condition holds; None: more rows than are followed."""
    asked = select(table.col(name)).select_from(table.source).where(condition).limit(MOST + 1)
    values = connection.scalars(asked).all()
    return None if len(values) > MOST else [one for one in values if one is not None]
