"""The whole shop without a database: its tables as JSON over HTTP, or as files that are dropped.

What stands in them is read from the shop's own tables, so that both say the same.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import create_engine

from tests.checks.listing_server import Desk
from tests.checks.whole_shop import MADE, TABLES, mapped

PAGE = 5  # rows, so that most listings have several pages


def tables(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of the shop, by entity, under the shop's own names."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            entity: [dict(row) for row in connection.execute(table.select()).mappings()]
            for entity, table in MADE.items()
        }
    engine.dispose()
    return found


def entities(place: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`shop.mapping` with each entity at its place; times are text in the shop's own zone."""
    made: dict[str, Any] = {}
    for entity, one in mapped().items():
        fields = {
            name: {**field, "form": "sql"} if field.get("form") == "native" else field
            for name, field in one["fields"].items()
        }
        made[entity] = {**place[entity], "fields": fields}
    return made


def over_http(url: str, served: Desk) -> dict[str, Any]:
    """The shop's tables as listings of this service."""
    held = tables(url)

    async def answer(request: web.Request) -> web.StreamResponse:
        at = int(request.query["page"])
        listed = held[request.path.strip("/")][at * PAGE : (at + 1) * PAGE]
        return web.Response(text=_json(listed), content_type="application/json")

    served.answer = answer
    pages = {"number": "page", "first": 0}
    return entities(
        {entity: {"http": {"url": f"{served.url}/{entity}", "pages": pages}} for entity in held}
    )


def _json(listed: list[dict[str, Any]]) -> str:
    """Amounts as numbers with their decimals, as a program that knows no floats writes them."""
    amounts: dict[str, str] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            mark = f"amount-{len(amounts)}-"
            amounts[json.dumps(mark)] = str(value)
            return mark
        return str(value)

    written = json.dumps(listed, default=plain)
    for mark, amount in amounts.items():
        written = written.replace(mark, amount)
    return written


def dropped(url: str, folder: Path, now: datetime) -> dict[str, Any]:
    """The shop's tables as files, with commas in their amounts."""
    folder.mkdir(exist_ok=True)
    place: dict[str, Any] = {}
    for entity, listed in tables(url).items():
        file = folder / f"{entity}-{now:%Y%m%d}.csv"
        names = [column for column, _ in TABLES[entity][1].values()]
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, names, delimiter=";")
            writer.writeheader()
            writer.writerows({n: _written(v) for n, v in row.items()} for row in listed)
        os.utime(file, (now.timestamp() - 600, now.timestamp() - 600))
        written = {"path": str(folder / f"{entity}-*.csv"), "fresh_within": 1, "delimiter": ";"}
        place[entity] = {"csv": {**written, "decimal": ","}}
    return entities(place)


def _written(value: Any) -> Any:
    return str(value).replace(".", ",") if isinstance(value, float | Decimal) else value
