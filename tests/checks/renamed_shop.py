"""A shop whose tables and columns have names that say nothing (`t3`, `c7`), from any schema.

What the schema's own mapping says is renamed with it, and is the truth that a proposal is held
against.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ForeignKey, MetaData, Table, create_engine

from checks.queries.entity import entities
from storage.money import exponent

_REFERS = {"order_key": "orders", "shipment_key": "shipments", "payment_key": "payments",
           "customer": "customers"}  # fmt: skip
# Parents before children, so that no reference is ahead of its row.
_ORDER = ("customers", "orders", "payments", "shipments")


class RenamedShop:
    """The schema under other names on one engine. `declared`: with its foreign keys."""

    def __init__(
        self,
        url: str,
        metadata: MetaData,
        mapping: Mapping[str, Any],
        *,
        declared: bool,
        seed: int = 11,
    ) -> None:
        self.url = url
        rng = random.Random(seed)
        own = list(metadata.tables.values())
        names = [f"t{n}" for n in range(1, len(own) + 1)]
        rng.shuffle(names)
        self.tables = dict(zip((table.name for table in own), names, strict=True))
        self.columns: dict[str, dict[str, str]] = {}
        for table in own:
            called = [f"c{n}" for n in range(1, len(table.columns) + 1)]
            rng.shuffle(called)
            self.columns[table.name] = dict(zip(table.columns.keys(), called, strict=True))
        self.truth = {entity: self._renamed(one) for entity, one in mapping.items()}
        self._mapping = mapping
        self._made = self._create(metadata, declared)
        self._engine = create_engine(url)
        self._made.drop_all(self._engine)
        self._made.create_all(self._engine)

    def _renamed(self, mapped: Mapping[str, Any]) -> dict[str, Any]:
        called = self.columns[mapped["from"]]
        fields = {}
        for name, one in mapped["fields"].items():
            given = {"column": one} if isinstance(one, str) else dict(one)
            fields[name] = {**given, "column": called[given["column"]]}
        return {**mapped, "from": self.tables[mapped["from"]], "fields": fields}

    def _create(self, metadata: MetaData, declared: bool) -> MetaData:
        made = MetaData()
        refers = self._references() if declared else {}
        for table in metadata.tables.values():
            columns = []
            for one in table.columns:
                there = refers.get((table.name, one.name))
                keys = [ForeignKey(there)] if there else []
                columns.append(
                    Column(
                        self.columns[table.name][one.name], one.type, *keys,
                        primary_key=one.primary_key, nullable=True if not one.primary_key else None,
                        autoincrement=False,
                    )
                )  # fmt: skip
            Table(self.tables[table.name], made, *columns, mysql_charset="utf8mb4")
        return made

    def _references(self) -> dict[tuple[str, str], str]:
        found = {}
        for one in self._mapping.values():
            for field, entity in _REFERS.items():
                if field in one["fields"] and entity in self._mapping:
                    there = self.truth[entity]
                    key = _given(there["fields"]["key"])["column"]
                    column = _given(one["fields"][field])["column"]
                    found[one["from"], column] = f"{there['from']}.{key}"
        return found

    def write(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Canonical rows of the entities that this schema has, without fields that it lacks."""
        by_entity: dict[str, list[dict[str, Any]]] = {}
        for entity, values in rows:
            if entity in self.truth:
                by_entity.setdefault(entity, []).append(self._row(entity, values))
        order = sorted(by_entity, key=lambda e: _ORDER.index(e) if e in _ORDER else len(_ORDER))
        with self._engine.begin() as connection:
            for entity in order:
                table = self._made.tables[self.truth[entity]["from"]]
                keyless = [c.name for c in table.primary_key if c.name not in by_entity[entity][0]]
                for at, row in enumerate(by_entity[entity], start=1):
                    row |= dict.fromkeys(keyless, at)
                connection.execute(table.insert(), by_entity[entity])

    def _row(self, entity: str, values: Mapping[str, Any]) -> dict[str, Any]:
        mapped, made = self.truth[entity], {}
        for name, value in values.items():
            if name not in mapped["fields"]:
                continue
            one = mapped["fields"][name]
            kind = entities()[entity].fields[name].type
            said = {key: one.get(key, mapped.get(key)) for key in ("unit", "form", "zone")}
            made[one["column"]] = _held(kind, one, said, value, str(values.get("currency", "EUR")))
        return made

    def copy(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Rows of the schema's own, as they are."""
        called = self.columns[table]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(
                    self._made.tables[self.tables[table]].insert(),
                    [{called[name]: value for name, value in row.items()} for row in rows],
                )

    def close(self) -> None:
        self._made.drop_all(self._engine)
        self._engine.dispose()


def _given(one: Any) -> dict[str, Any]:
    return {"column": one} if isinstance(one, str) else dict(one)


def _held(kind: str, one: Mapping[str, Any], said: dict[str, Any], value: Any, money: str) -> Any:
    """A value as this column holds it."""
    if value is None:
        return None
    if kind == "word":
        return one.get("words", {}).get(value, [value])[-1]
    if kind == "money":
        amount = Decimal(value)
        return int(amount.scaleb(exponent(money))) if said["unit"] == "minor" else amount
    if kind == "instant":
        moment: datetime = value
        if said["form"] in ("epoch", "epoch_ms"):
            return int(moment.timestamp()) * (1000 if said["form"] == "epoch_ms" else 1)
        local = moment.astimezone(ZoneInfo(said["zone"]) if said["zone"] else UTC)
        if said["form"] == "iso_z":
            return local.strftime("%Y-%m-%dT%H:%M:%SZ")
        return local.replace(tzinfo=None)
    return value


def answered(proposal: Any, truth: Mapping[str, Any]) -> dict[str, Any]:
    """The proposed mapping with what it asks answered by somebody who knows, and nothing else."""
    made: dict[str, Any] = {
        entity: {**one, "fields": dict(one["fields"])} for entity, one in proposal.mapping.items()
    }
    zones = {one["zone"] for one in _said(truth) if "zone" in one}
    for path in proposal.open:
        entity, _, rest = path.partition(".fields.")
        field, _, what = rest.partition(".")
        if path == "zone":
            (zone,) = zones or {"UTC"}
            for one in made.values():
                if "zone" in one:
                    one["zone"] = zone
        elif path == "unit":
            for one in made.values():
                if "unit" in one:
                    one["unit"] = next(said["unit"] for said in _said(truth) if "unit" in said)
        elif not rest:
            if entity in truth:
                made[entity] = dict(truth[entity])
        elif what == "words":
            _answer_words(made, truth, entity, field)
        elif field in truth[entity]["fields"]:
            wanted = truth[entity]["fields"][field]
            made[entity]["fields"][field] = {
                **{
                    key: truth[entity][key]
                    for key, kind in _OF.items()
                    if key in truth[entity] and entities()[entity].fields[field].type == kind
                },
                **wanted,
            }
    return made


_OF = {"unit": "money", "form": "instant", "zone": "instant"}


def _answer_words(made: dict[str, Any], truth: Mapping[str, Any], entity: str, field: str) -> None:
    """The answer about the orders' words is given once for all that hold them."""
    places = [(entity, field)]
    if (entity, field) == ("orders", "state"):
        places += [("state_changes", "from_state"), ("state_changes", "to_state")]
    for of, name in places:
        one = made.get(of, {}).get("fields", {}).get(name)
        if isinstance(one, dict) and "words" in one:
            known = truth[entity]["fields"][field]
            made[of]["fields"][name] = {**one, "words": known.get("words", {})}


def _said(truth: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for one in truth.values():
        yield one
        yield from (field for field in one["fields"].values() if isinstance(field, dict))


def differences(proposal: Any, truth: Mapping[str, Any]) -> dict[str, str]:
    """By path, how sure the proposal is of what is not so: a wrong table, column or form."""
    wrong = {}
    for entity, one in proposal.mapping.items():
        said = proposal.judged[entity].certainty
        if entity not in truth or truth[entity]["from"] != one["from"]:
            wrong[entity] = said
            continue
        for name, given in one["fields"].items():
            path = f"{entity}.fields.{name}"
            if path not in proposal.judged or (
                name == "key" and "key" not in truth[entity]["fields"]
            ):
                continue
            known = truth[entity]["fields"].get(name)
            own = _given(given)
            here = {**{k: one[k] for k in _OF if k in one}, **own}
            there = {**{k: truth[entity][k] for k in _OF if k in truth[entity]}, **(known or {})}
            kind = entities()[entity].fields[name].type
            differs = known is None or own["column"] != known["column"]
            differs = differs or (kind == "instant" and here["form"] != there["form"])
            unit = proposal.judged.get(f"{path}.unit")
            differs = differs or (
                unit is not None and kind == "money" and here["unit"] != there["unit"]
            )
            if differs:
                wrong[path] = proposal.judged[path].certainty
    return wrong
