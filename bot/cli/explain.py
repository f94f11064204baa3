"""Explain: what a check asks of the shop's database, and how that goes about it.

A query is explained as it stands; a check that is code runs once, and what it sent is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, text

from checks.kinds.base import Check, CheckContext
from checks.kinds.query_settings import QueryCheckSettings
from checks.queries.compiled_query import Query
from checks.queries.missing_index import missing_indexes
from checks.runner import run_check

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


async def overheard(check: Check, context: CheckContext) -> Iterator[str]:
    """What a check that is code asks: beside the shop's data, and of it in one run.

    Raises ShopUnavailable where it cannot look.
    """
    settings = check.settings
    lines = [f"{settings.kind}, which is code: it runs once, and asks"]  # type: ignore[attr-defined]
    lines += [f"  {sentence}" for sentence in settings.asks]
    places = [] if context.shop is None else [context.shop]
    if settings.needs:
        places = [await context.place_of(settings.reads)]
    with ExitStack() as listening:
        for place in places:
            await place.know()
        heard = [listening.enter_context(place.overheard()) for place in places]
        result = await run_check(check, context)
    for asked in (each for one in heard for each in one):
        lines += [" ".join(asked.sql.split()), *_values(asked.values)]
        lines.append(f"  sent in {asked.seconds * 1000:.0f} ms")
    said = result.error or f"finds {len(result.findings)}, in order {len(result.healthy_subjects)}"
    return iter([*lines, said])


def _values(given: Any) -> Iterator[str]:
    """What was bound: a question of code binds many, so they stand in one line."""
    if isinstance(given, Mapping):
        held = [f"{name} = {_shown(value)}" for name, value in given.items()]
    else:
        held = [_shown(value) for value in given or ()]
    if held:
        yield f"  with {', '.join(held)}"


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
