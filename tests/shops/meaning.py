"""Meaning of a mapping: what each of its fields is in each row, to hold one mapping beside another.

Two mappings of one shop mean the same where their values are the same, whatever they are read from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from checks.queries.compiled_query import Query
from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase

Meaning = dict[str, dict[str, dict[str, Any]]]  # entity → the row's key → its fields
_FEW = 0.03  # of the rows: those that were planted
_LESS = 0.5  # of the rows may say nothing where the truth says something


def meaning(url: str, mapping: Mapping[str, Any], currency: str) -> Meaning:
    """Every row of every entity, in our own words and units; what is ignored is no row."""
    shop = ShopDatabase(url, EntitiesMapping.model_validate({"entities": mapping}))
    try:
        return {entity: _rows(shop, entity, currency) for entity in mapping}
    finally:
        shop.close()


def _rows(shop: ShopDatabase, entity: str, currency: str) -> dict[str, dict[str, Any]]:
    known = entities()[entity].fields
    fields = [name for name in shop.entities.entities[entity].fields if name in known]
    asked = ", ".join(f"e.{name}" for name in fields)
    query = shop.query(f"select {asked} from {entity} e", currency)
    by = next(name for name in ("key", "sku", "order_key") if name in fields)
    made = {}
    for row in shop.read_now(lambda connection: _read(connection, query)):
        told = {name: _told(shop, entity, name, row[name]) for name in fields}
        if not any(value == _IGNORED for value in told.values()):
            made[str(row[by])] = told
    return made


_IGNORED = "(ignored)"


def _read(connection: Connection, query: Query) -> list[Mapping[str, Any]]:
    engine = connection.dialect.name
    found = connection.execute(text(query.sql(engine)), query.bound({}, engine))
    return [dict(row) for row in found.mappings()]


def _told(shop: ShopDatabase, entity: str, name: str, value: Any) -> Any:
    kind = entities()[entity].fields[name].type
    field = shop.entities.entities[entity].fields[name]
    if value is None or value == "":
        return _IGNORED if name == "state" else None
    if kind == "instant":
        at = field.read(value)
        return None if at is None else at.replace(microsecond=0)
    return _number(value) if kind in ("money", "integer") else _text(value)


def _number(value: Any) -> Decimal:
    return Decimal(str(value)).normalize()


def _text(value: Any) -> str:
    """A number that is a key stands there as one or as its text."""
    whole = isinstance(value, float | Decimal) and value == int(value)
    return str(int(value) if whole else value).strip()


def differences(
    truth: Meaning,
    proposed: Meaning,
    fewer: Collection[str] = (),
    more: Collection[str] = (),
    by_order: Collection[str] = (),
) -> dict[str, str]:
    """By path, what the proposal says that is not so. `fewer`: entities that may lack rows; `more`:
    fields of which the truth says nothing; `by_order`: entities of which the shop has two tables,
    that must come to the same amounts of each order."""
    wrong = {}
    for entity, own in proposed.items():
        known, rows = truth.get(entity), own
        if entity in by_order and known is not None:
            known, rows = _by_order(known), _by_order(own)
        if known is None:
            wrong[entity] = "there is none"
            continue
        strange = [key for key in rows if key not in known]
        least = 0 if entity in fewer else (1 - _FEW) * len(known)
        if len(strange) > max(2, _FEW * len(rows)) or len(rows) < least:
            wrong[entity] = f"{len(rows)} rows, {len(strange)} of them none of the {len(known)}"
            continue
        fields = {name for row in rows.values() for name in row}
        for name in sorted(name for name in fields if f"{entity}.{name}" not in more):
            said = _differs(known, rows, name)
            if said:
                wrong[f"{entity}.{name}"] = said
    return wrong


def _by_order(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was captured, and for each order how much."""
    made: dict[str, dict[str, Any]] = {}
    for row in rows.values():
        if row["state"] == "captured" and row["order_key"] is not None:
            one = made.setdefault(row["order_key"], {"amount": Decimal(0)})
            one["amount"] += row["amount"]
    return made


def _differs(known: Mapping[str, Any], rows: Mapping[str, Any], name: str) -> str | None:
    pairs = [(known[key].get(name), row[name]) for key, row in rows.items() if key in known]
    told = [(a, b) for a, b in pairs if b is not None]
    if name == "customer":  # called otherwise, the same people are the same
        told = _alike(told)
    other = [(a, b) for a, b in told if a != b]
    silent = sum(a is not None and b is None for a, b in pairs)
    if len(other) > _FEW * len(pairs):
        return f"{len(other)} of {len(pairs)} differ, such as {other[-1]}"
    if silent > _LESS * len(pairs):
        return f"{silent} of {len(pairs)} say nothing"
    return None


def _alike(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Each beside what its own is called most: two that are one in the other are different."""
    called: dict[Any, Counter[Any]] = {}
    for a, b in pairs:
        called.setdefault(b, Counter())[a] += 1
    return [(a, called[b].most_common(1)[0][0]) for a, b in pairs]
