"""Explain: what a check that is a query asks of the shop's database, and how that goes about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from checks.kinds.base import CheckContext
from checks.kinds.query_settings import QueryCheckSettings
from checks.queries.compiled_query import Query
from checks.queries.missing_index import missing_indexes

_LONGEST = 200  # letters of a value
_EXPLAINS = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


async def explained(check: QueryCheckSettings, context: CheckContext) -> Iterator[str]:
    """The query as it is sent, its values, the database's own plan, missing indexes, rows and time.

    Raises QueryError, and ShopUnavailable where the database cannot be asked.
    """
    shop = await context.place_of_query(check.find)
    await shop.know()
    query = shop.query(check.find, context.currency)
    given = check.given(context.now, calendar=context.calendar)
    return iter(await shop.read(lambda connection: list(_lines(connection, query, given))))


def _lines(connection: Connection, query: Query, given: dict[str, Any]) -> Iterator[str]:
    engine = connection.dialect.name
    sql, values = query.sql(engine), query.bound(given, engine)
    yield sql
    yield from (
        f"  :{name} = {_shown(value)}" for name, value in values.items() if f":{name}" in sql
    )
    asked = text(_EXPLAINS.get(engine, "EXPLAIN ") + sql)
    plan = [dict(row) for row in connection.execute(asked, values).mappings()]
    yield from (
        "  " + "  ".join(str(part) for part in row.values() if part is not None) for row in plan
    )
    yield from missing_indexes(connection, sql, plan)
    began = time.monotonic()
    rows = len(connection.execute(text(sql), values).all())
    yield f"{rows} rows in {(time.monotonic() - began) * 1000:.0f} ms"


def _shown(value: Any) -> str:
    """A value as it is bound; of the rows of a listing, which are one value, how long it is."""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"({len(shown)} letters)"
