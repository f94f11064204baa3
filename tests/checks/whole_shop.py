"""A shop that has everything checks may ask of, in names and forms of its own.

Times are a day's own text in Taipei, seconds since 1970, and the database's own; words are numbers,
letters and words; amounts are decimals. `Shop.add` writes rows by their canonical names, so that a
test says what is so and not how this shop writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, String, Table, create_engine

from tests import clickhouse

TAIPEI = ZoneInfo("Asia/Taipei")
KEY, TEXT = {"type": "key"}, {"type": "text"}


def _word(**words: Any) -> dict[str, Any]:
    return {"type": "word", "words": words}


def _at(form: str, zone: str | None = None) -> dict[str, Any]:
    return {"type": "instant", "form": form, **({"zone": zone} if zone else {})}


NATIVE = _at("native", "Asia/Taipei")
_STATES = {
    "awaiting_payment": ["N"], "paid": ["P", "PP"], "dispatched": ["V"], "delivered": ["D"],
    "completed": ["F"], "cancelled": ["X"], "refunded": ["R"],
}  # fmt: skip
# Our field → the shop's column and what it holds; a table each.
TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, dict[str, Any]]]]] = {
    "orders": ("kopf", {
        "key": ("lfd", KEY), "number": ("nr", TEXT), "state": ("zustand", _word(**_STATES)),
        "placed_at": ("am", NATIVE), "promised_at": ("bis", _at("epoch")),
        "total": ("summe", {"type": "money"}), "currency": ("waehrung", TEXT),
        "customer": ("kunde", KEY), "phone": ("tel", TEXT), "address": ("strasse", TEXT),
        "postcode": ("plz", TEXT),
    }),
    "order_lines": ("zeile", {
        "order_key": ("kopf", KEY), "sku": ("artikel", TEXT),
        "quantity": ("menge", {"type": "integer"}),
    }),
    "payments": ("geld", {
        "key": ("nr", KEY), "order_key": ("kopf", KEY),
        "state": ("ergebnis", _word(captured=[1, 2], failed=[9], created=[0], unknown=[5])),
        "amount": ("betrag", {"type": "money"}), "currency": ("waehrung", TEXT),
        "created_at": ("um", _at("epoch")),
    }),
    "refunds": ("rueck", {
        "key": ("nr", KEY), "order_key": ("kopf", KEY),
        "state": ("stand", _word(pending=["offen"], succeeded=["ok"], failed=["nein"])),
        "amount": ("betrag", {"type": "money"}), "currency": ("waehrung", TEXT),
        "created_at": ("um", NATIVE),
    }),
    "shipments": ("paket", {
        "key": ("nr", KEY), "order_key": ("kopf", KEY), "carrier": ("frachter", TEXT),
        "state": ("stand", _word(waiting=["w"], shipped=["u"], delivered=["z"], returned=["r"])),
        "shipped_at": ("ab", NATIVE), "delivered_at": ("da", NATIVE),
    }),
    "tracking_events": ("meldung", {
        "shipment_key": ("paket", KEY),
        "state": ("was", _word(moved=["10"], held=["40", "41"], lost=["99"], returned=["50"],
                               offered=["20"], delivered=["30"])),
        "at": ("um", NATIVE),
    }),
    "cancel_requests": ("storno", {"order_key": ("kopf", KEY), "asked_at": ("um", NATIVE)}),
    "stock": ("lager", {
        "sku": ("artikel", TEXT), "on_hand": ("da", {"type": "integer"}),
        "reserved": ("zugesagt", {"type": "integer"}),
    }),
    "scans": ("pick", {
        "order_key": ("kopf", KEY), "sku": ("artikel", TEXT),
        "quantity": ("menge", {"type": "integer"}),
    }),
    "return_requests": ("retoure", {
        "key": ("nr", KEY), "order_key": ("kopf", KEY),
        "state": ("stand", _word(open=["o"], accepted=["j"], refused=["n"], done=["f"])),
        "reason": ("grund", TEXT), "asked_at": ("um", NATIVE),
    }),
    "tickets": ("anfrage", {
        "key": ("nr", KEY),
        "state": ("stand", _word(open=[1], waiting=[2], answered=[3], closed=[4])),
        "opened_at": ("um", NATIVE), "answered_at": ("antwort", NATIVE),
    }),
    "jobs": ("lauf", {
        "key": ("nr", KEY), "name": ("auftrag", TEXT),
        "kind": ("art", _word(transfer=["T"], backup=["B"])),
        "state": ("stand", _word(running=["r"], succeeded=["s"], failed=["f"])),
        "started_at": ("von", NATIVE), "ended_at": ("bis", NATIVE),
        "rows": ("zeilen", {"type": "integer"}), "expected": ("soll", {"type": "integer"}),
    }),
}  # fmt: skip


def _column(name: str, held: Mapping[str, Any], *, key: bool) -> Column[Any]:
    if key:
        return Column(name, Integer, primary_key=True)
    words = [one for many in held.get("words", {}).values() for one in many]
    number = held["type"] in ("integer", "key") or (words and isinstance(words[0], int))
    if number or held.get("form") == "epoch":
        return Column(name, Integer)
    if held["type"] == "money":
        return Column(name, Numeric(12, 2))
    # A closed list of words is one where the engine has such a type.
    info = {"words": words} if words and held["words"] is not _STATES else {}
    return Column(name, DateTime if held["type"] == "instant" else String(30), info=info)


metadata = MetaData()
MADE = {
    entity: Table(
        name,
        metadata,
        *(_column(column, held, key=ours == "key") for ours, (column, held) in fields.items()),
    )
    for entity, (name, fields) in TABLES.items()
}


def mapped(without: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Any]:
    """`shop.mapping` of this shop, with fields left out, or whole entities (no field named)."""
    left_out = without or {}
    found: dict[str, Any] = {}
    for entity, (table, fields) in TABLES.items():
        gone = left_out.get(entity)
        if gone == ():
            continue
        found[entity] = {
            "from": table,
            "fields": {
                ours: _field(column, held)
                for ours, (column, held) in fields.items()
                if ours not in (gone or ())
            },
        }
    return found


def _field(column: str, held: Mapping[str, Any]) -> dict[str, Any]:
    made = {"column": column, **{k: held[k] for k in ("words", "form", "zone") if k in held}}
    return {**made, "unit": "major"} if held["type"] == "money" else made


class Shop:
    """The shop, on one engine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_engine(url)
        if self._engine.dialect.name == clickhouse.NAME:
            clickhouse.create(self._engine, metadata)
            return
        metadata.drop_all(self._engine)
        metadata.create_all(self._engine)

    def add(self, entity: str, **values: Any) -> None:
        """One row, by canonical names: words of ours, aware times, amounts as they are said."""
        _, fields = TABLES[entity]
        row = {fields[name][0]: _held(fields[name][1], value) for name, value in values.items()}
        if self._engine.dialect.name == clickhouse.NAME:
            clickhouse.insert(self._engine, MADE[entity], [row])
            return
        with self._engine.begin() as connection:
            connection.execute(MADE[entity].insert(), row)

    def order(self, key: int, state: str, **values: Any) -> str:
        """An order in which nothing is wrong; its number."""
        usual = {
            "number": f"K{key:04d}", "total": "100.00", "currency": "TWD", "customer": key,
            "phone": "02 2345 6789", "address": "Zhongxiao 1", "postcode": "106",
        }  # fmt: skip
        made = {**usual, "key": key, "state": state, **values}
        self.add("orders", **made)
        return str(made["number"])

    def close(self) -> None:
        self._engine.dispose()


def _held(held: Mapping[str, Any], value: Any) -> Any:
    if value is None:
        return None
    if held["type"] == "word":
        return held["words"][value][-1] if value in held["words"] else value
    if held["type"] == "money":
        return Decimal(value)
    if held["type"] == "instant":
        moment: datetime = value
        if held["form"] == "epoch":
            return int(moment.timestamp())
        zone = ZoneInfo(held["zone"]) if "zone" in held else UTC
        return moment.astimezone(zone).replace(tzinfo=None)
    return value
