"""Entity mapping: where a shop keeps an entity, and in what form each field of it stands there.

There is no default for the unit of money or for the form and the zone of a time where a shop's own
mapping says them: a guess about money or hours is how a check lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from checks.queries.entity import entities
from checks.shop.column_types import ColumnTypes
from checks.shop.mapping import ShopMapping, TableMapping, _known_zone

Form = Literal["native", "aware", "iso_z", "iso", "sql", "epoch", "epoch_ms"]
Unit = Literal["minor", "major"]
Word = str | int


class FieldMapping(BaseModel):
    """One field of the shop's. `words`: ours → the shop's own, of a field of words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    unit: Unit | None = None
    form: Form | None = None
    zone: Annotated[str, AfterValidator(_known_zone)] | None = None
    words: dict[str, list[Word]] = {}
    ignore: list[Word] = []  # words of the shop's that no check has to do with
    empty: bool = False  # the column holds text: an empty one is a missing one (learned)

    def theirs(self, word: str) -> list[Word]:
        """The shop's own words for one of ours; one that is not mapped is its own."""
        return self.words.get(word, [word])

    def bound(self, moment: datetime) -> Any:
        """The aware moment in the form in which this column holds times."""
        if self.form == "epoch":
            return moment.timestamp()
        if self.form == "epoch_ms":
            return int(moment.timestamp() * 1000)
        if self.form == "aware":
            return moment.astimezone(UTC)
        zone = UTC if self.form == "iso_z" else ZoneInfo(self.zone or "UTC")
        local = moment.astimezone(zone).replace(tzinfo=None)
        if self.form in ("iso", "iso_z"):
            return local.strftime("%Y-%m-%dT%H:%M:%S")
        return local.strftime("%Y-%m-%d %H:%M:%S") if self.form == "sql" else local

    def read(self, value: Any) -> datetime | None:
        """What the column holds as an aware UTC time. Raises ValueError for what is none."""
        if value is None or value == "":
            return None
        if self.form in ("epoch", "epoch_ms"):
            seconds = float(value) / (1000 if self.form == "epoch_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            zone = UTC if self.form == "iso_z" else ZoneInfo(self.zone or "UTC")
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)


class EntityMapping(BaseModel):
    """One entity: its table, what of it counts (`where`, the shop's own SQL), and its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    where: str | None = None
    fields: dict[str, FieldMapping]
    currency: str | None = None  # where the shop has one currency and no column for it


class EntitiesMapping(BaseModel):
    """All that a shop maps. A field or entity that there is not is a sentence, not a surprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: dict[str, EntityMapping] = {}

    @model_validator(mode="after")
    def _known(self) -> EntitiesMapping:
        known = entities()
        for name, mapped in self.entities.items():
            if name not in known:
                raise ValueError(f"there is no “{name}”; there are {', '.join(known)}")
            for field, one in mapped.fields.items():
                self._whole(name, field, one)
        return self

    @staticmethod
    def _whole(name: str, field: str, one: FieldMapping) -> None:
        fields = entities()[name].fields
        if field not in fields:
            raise ValueError(f"{name} has no field “{field}”; there are {', '.join(fields)}")
        kind = fields[field]
        if kind.type == "money" and one.unit is None:
            raise ValueError(f"{name}.{field} is money: say its unit, minor or major")
        if kind.type == "instant" and one.form is None:
            raise ValueError(f"{name}.{field} is a time: say its form (native, iso_z, epoch …)")
        strange = [word for word in one.words if word not in kind.words]
        if strange:
            words = ", ".join(kind.words) or "none, it is no word"
            raise ValueError(f"{name}.{field} has no word “{strange[0]}”; there are {words}")


# Where today's tables and columns of a shop stand among the entities.
_TABLES = {
    "orders": "orders",
    "payments": "payments",
    "refunds": "refunds",
    "history": "state_changes",
    "customers": "customers",
}
_COLUMNS: Mapping[str, str] = {
    "id": "key",
    "order": "order_key",
    "status": "state",
    "status_since": "state_since",
    "from_status": "from_state",
    "to_status": "to_state",
}
_OWN = {("orders", "created_at"): "placed_at"}


def of_shop(mapping: ShopMapping | None, more: EntitiesMapping | None = None) -> EntitiesMapping:
    """What a shop maps, as entities: its tables for the checks of ours, and what it adds."""
    made = {
        entity: _of_table(entity, table)
        for name, entity in _TABLES.items()
        if (table := getattr(mapping, name, None)) is not None
    }
    return EntitiesMapping(entities={**made, **(more.entities if more is not None else {})})


def _of_table(entity: str, table: TableMapping) -> EntityMapping:
    fields = entities()[entity].fields
    found: dict[str, FieldMapping] = {}
    for ours, column in table.columns.items():
        name = _OWN.get((entity, ours)) or _COLUMNS.get(ours, ours)
        kind = fields.get(name)
        if kind is None:
            continue
        words = table.statuses if kind.type == "word" else {}
        found[name] = FieldMapping(
            column=column,
            unit=table.amounts if kind.type == "money" else None,
            form=table.times if kind.type == "instant" else None,
            zone=table.zone if kind.type == "instant" else None,
            words={w: ours for w, ours in words.items() if w in kind.words},
            ignore=[one for w, ours in words.items() if w not in kind.words for one in ours],
        )
    return EntityMapping(table=table.table, fields=found, currency=table.currency)


def typed(mapping: EntitiesMapping, types: ColumnTypes) -> EntitiesMapping:
    """The mapping with what the database itself says of its columns.

    A time that keeps its zone is bound as an instant, a word that a closed list of the database
    does not have is none of the shop's, and numbers are compared as numbers.
    """
    made = {}
    for name, one in mapping.entities.items():
        fields = {f: _typed(name, f, m, one.table, types) for f, m in one.fields.items()}
        made[name] = one.model_copy(update={"fields": fields})
    return EntitiesMapping(entities=made)


def _typed(
    entity: str, field: str, mapped: FieldMapping, table: str, types: ColumnTypes
) -> FieldMapping:
    kind = entities()[entity].fields[field].type
    if kind in ("text", "word", "key") and types.is_text(table, mapped.column):
        mapped = mapped.model_copy(update={"empty": True})
    if mapped.form == "native" and types.keeps_zone(table, mapped.column):
        return mapped.model_copy(update={"form": "aware"})
    if mapped.form == "native" and types.is_utc(table, mapped.column):
        return mapped.model_copy(update={"zone": "UTC"})
    ours = entities()[entity].fields[field].words
    if ours and types.of(table, mapped.column) is not None:
        words = {word: _known(mapped.theirs(word), mapped, table, types) for word in ours}
        return mapped.model_copy(update={"words": words})
    return mapped


def _known(words: list[Word], mapped: FieldMapping, table: str, types: ColumnTypes) -> list[Word]:
    found = (types.comparable(table, mapped.column, word) for word in words)
    return [word for word in found if word is not None]
