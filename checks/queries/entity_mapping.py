"""Entity mapping: where a shop keeps an entity, and in what form each field of it stands there.

There is no default for the unit of money or for the form and the zone of a time: a guess about
money or hours is how a check lies. An entity may say them once for all of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from checks.listings.listing_settings import CsvFile, HttpListing, Listing
from checks.queries.entity import Entity, entities
from checks.queries.reach import CHANGED_AT
from checks.shop.column_types import ColumnTypes
from plan.languages import of_tag

Form = Literal["native", "aware", "iso_z", "iso", "sql", "epoch", "epoch_ms"]
Unit = Literal["minor", "major", "fine"]
FINE = 10_000  # so many parts of a minor unit in which the amounts of listings are kept: “fine”
Word = str | int


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"“{value}” is not a time zone; write one like Asia/Taipei") from None
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]


class Join(BaseModel):
    """A column of another table of the shop's: its row whose columns equal these of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from")
    on: Annotated[dict[str, str], Field(min_length=1)]  # column there: column here
    column: str


class FieldMapping(BaseModel):
    """One field of the shop's: a column, a piece of its own SQL, or a column of another table.

    `words`: ours → the shop's own, of a field of words; `own`: further words that the shop has and
    we have not, by a name that its checks use.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    sql: str | None = None
    join: Join | None = None
    unit: Unit | None = None
    form: Form | None = None
    zone: Zone | None = None
    words: dict[str, list[Word]] = {}
    own: dict[str, list[Word]] = {}
    ignore: list[Word] = []  # words of the shop's that no check has to do with
    empty: bool = False  # the column holds text: an empty one is a missing one (learned)

    @model_validator(mode="after")
    def _one(self) -> FieldMapping:
        given = [name for name in ("column", "sql", "join") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("say where it stands: a column, a piece of sql, or a join")
        held: dict[str, str] = {}
        for name, theirs in {**self.words, **self.own}.items():
            for word in map(str, theirs):
                if held.setdefault(word, name) != name:
                    raise ValueError(f"“{word}” stands under {held[word]} and under {name}")
        return self

    @property
    def computed(self) -> bool:
        """Whether it stands in no column of the entity's own table."""
        return self.column is None

    @property
    def where(self) -> str:
        """As people look for it in their shop."""
        if self.join is not None:
            return f"{self.join.from_}.{self.join.column}"
        return self.column or f"({self.sql})"

    def theirs(self, word: str) -> list[Word]:
        """The shop's own words for one of ours; one that is not mapped is its own."""
        return {**self.own, **self.words}.get(word, [word])

    def ours(self, word: object) -> str:
        """Our word for one of the shop's; one that is not mapped stays as it is."""
        for name, words in {**self.words, **self.own}.items():
            if word in words or str(word) in {str(one) for one in words}:
                return name
        return str(word)

    def known(self) -> set[Word]:
        """Every word of the shop's that the mapping knows."""
        lists = (*self.words.values(), *self.own.values(), self.ignore)
        return {word for words in lists for word in words}

    def bound(self, moment: datetime) -> Any:
        """The aware moment in the form in which this column holds times.

        Seconds are whole: held against a fraction, PostgreSQL turns every row of an integer column
        into one and no index answers.
        """
        if self.form == "epoch":
            return int(moment.timestamp())
        if self.form == "epoch_ms":
            return int(moment.timestamp() * 1000)
        if self.form == "aware":
            return moment.astimezone(UTC)
        zone = UTC if self.form == "iso_z" else ZoneInfo(self.zone or "UTC")
        local = moment.astimezone(zone).replace(tzinfo=None)
        if self.form in ("iso", "iso_z"):
            return local.strftime("%Y-%m-%dT%H:%M:%S")
        return local.strftime("%Y-%m-%d %H:%M:%S") if self.form == "sql" else local

    def alike(self, other: FieldMapping) -> bool:
        """Whether both hold times in one form: only then are they compared as they stand."""
        return (self.form, self.zone or "UTC") == (other.form, other.zone or "UTC")

    def read(self, value: Any) -> datetime | None:
        """What the column holds as an aware UTC time; None for what is none: a zero date, nothing.

        That row alone cannot be read.
        """
        if value is None or value == "":
            return None
        try:
            if self.form in ("epoch", "epoch_ms"):
                seconds = float(value) / (1000 if self.form == "epoch_ms" else 1)
                return datetime.fromtimestamp(seconds, UTC)
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except (ValueError, OverflowError, OSError):
            return None
        if moment.tzinfo is None:
            known = self.form in ("iso_z", "aware")
            zone = UTC if known else ZoneInfo(self.zone or "UTC")
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    def language(self, word: object) -> str | None:
        """The language that a shop's word means: `zh_TW`, `EN-us`, or a word that it names.

        None: it is empty, or a language in which Muster has no words.
        """
        if word is None:
            return None
        named = self.ours(word)
        return named if named in self.words else of_tag(str(word))


class EntityMapping(BaseModel):
    """One entity: its table (or the shop's own select), what of it counts, and its fields.

    `http`, `csv`: it stands in no database; its rows are fetched, or read from a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    table: str | None = Field(default=None, alias="from")
    select: str | None = None
    http: HttpListing | None = None
    csv: CsvFile | None = None
    where: str | None = None  # the shop's own SQL
    fields: Annotated[dict[str, FieldMapping], Field(min_length=1)]
    currency: str | None = None  # where the shop has one currency and no column for it

    @model_validator(mode="after")
    def _one(self) -> EntityMapping:
        given = [one for one in (self.table, self.select, self.http, self.csv) if one is not None]
        if len(given) != 1:
            raise ValueError(
                "say where it stands: from (a table or view), or select; http or csv where it "
                "stands in no database"
            )
        if self.listing is not None and self.where is not None:
            raise ValueError("where is a piece of SQL; in a listing say in its address what counts")
        return self

    @property
    def listing(self) -> Listing | None:
        """Where its rows come from, where it stands in no database."""
        return self.http or self.csv

    @property
    def place(self) -> str:
        return self.listing.place if self.listing is not None else self.table or "the select"


def _expanded(given: Any) -> Any:
    """What the entities say once, at each of their fields; a field that is a column alone."""
    if not isinstance(given, Mapping):
        return given
    return {name: _entity(name, one) for name, one in given.items()}


def _entity(name: str, given: Any) -> Any:
    if not isinstance(given, Mapping) or not isinstance(given.get("fields"), Mapping):
        return given
    made = dict(given)
    once = {key: made.pop(key) for key in ("unit", "form", "zone") if key in made}
    known = entities().get(name)
    stamp = {CHANGED_AT: made.pop(CHANGED_AT)} if CHANGED_AT in made else {}
    fields = {
        field: _field(known, field, {"column": one} if isinstance(one, str) else one, once)
        for field, one in {**made["fields"], **stamp}.items()
    }
    return {**made, "fields": fields}


def _field(known: Entity | None, field: str, given: Any, once: Mapping[str, Any]) -> Any:
    kind = known.fields.get(field) if known is not None else None
    if kind is None or not isinstance(given, Mapping):
        return given
    wanted = {"money": ("unit",), "instant": ("form", "zone")}.get(kind.type, ())
    return {**{key: once[key] for key in wanted if key in once}, **given}


def _known(given: dict[str, EntityMapping]) -> dict[str, EntityMapping]:
    """Every entity and field is one that there is, and says what it must."""
    known = entities()
    for name, mapped in given.items():
        if name not in known:
            raise ValueError(f"there is no “{name}”; there are {', '.join(known)}")
        for field, one in mapped.fields.items():
            _whole(name, field, one)
            if mapped.listing is not None:
                _listed(name, field, one)
    return given


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
        raise ValueError(
            f"{name}.{field} has no word “{strange[0]}”; there are {words}. A word of the shop's "
            "own stands in “own”"
        )


def _listed(name: str, field: str, one: FieldMapping) -> None:
    """What a field of a listing cannot say: there is no SQL and no type but the mapping's own."""
    if one.column is None:
        raise ValueError(f"{name}.{field} stands in a listing: say its column")
    if one.form in ("native", "aware"):
        raise ValueError(
            f"{name}.{field} stands in a listing, whose times have no type: say the form in which "
            "they are written (iso_z, iso, sql, epoch, epoch_ms)"
        )


Entities = Annotated[dict[str, EntityMapping], BeforeValidator(_expanded), AfterValidator(_known)]
"""The whole mapping of a shop, by entity. What there is not is a sentence, not a surprise."""


class EntitiesMapping(BaseModel):
    """All that a shop maps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: Entities = {}

    def lacks(self, needs: Mapping[str, tuple[str, ...]]) -> list[str]:
        """What of these fields, by entity, is not mapped: one sentence each, with what to do."""
        said = []
        for entity, fields in needs.items():
            mapped = self.entities.get(entity)
            if mapped is None:
                said.append(f"shop.mapping.{entity} is missing: say where the shop keeps it.")
                continue
            said += [
                f"shop.mapping.{entity}.fields lacks “{field}”: name the column of "
                f"{mapped.place} that holds it."
                for field in fields
                if field not in mapped.fields
            ]
        return said


def typed(mapping: EntitiesMapping, types: ColumnTypes) -> EntitiesMapping:
    """The mapping with what the database itself says of its columns.

    A time that keeps its zone is bound as an instant, a word that a closed list of the database
    does not have is none of the shop's, and numbers are compared as numbers.
    """
    made = {}
    for name, one in mapping.entities.items():
        fields = {field: typed_field(name, field, one, types) for field in one.fields}
        made[name] = one.model_copy(update={"fields": fields})
    return mapping.model_copy(update={"entities": made})


def typed_field(
    entity: str, field: str, mapped_entity: EntityMapping, types: ColumnTypes
) -> FieldMapping:
    """One field, as `typed` does it."""
    mapped, table = mapped_entity.fields[field], mapped_entity.table
    column = mapped.column
    if mapped.join is not None:
        table, column = mapped.join.from_, mapped.join.column
    if table is None or column is None:
        return mapped
    kind = entities()[entity].fields[field]
    if kind.type in ("text", "word", "key") and types.is_text(table, column):
        mapped = mapped.model_copy(update={"empty": True})
    if mapped.form == "native" and types.keeps_zone(table, column):
        return mapped.model_copy(update={"form": "aware"})
    if mapped.form == "native" and types.is_utc(table, column):
        return mapped.model_copy(update={"zone": "UTC"})
    if kind.type == "word" and types.of(table, column) is not None:
        words = {word: _held(mapped.theirs(word), column, table, types) for word in kind.words}
        own = {word: _held(them, column, table, types) for word, them in mapped.own.items()}
        return mapped.model_copy(update={"words": words, "own": own})
    return mapped


def _held(words: list[Word], column: str, table: str, types: ColumnTypes) -> list[Word]:
    found = (types.comparable(table, column, word) for word in words)
    return [word for word in found if word is not None]
