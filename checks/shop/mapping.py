"""Mapping: how a shop's own tables, columns, status words, amounts and times map onto what checks
ask for.

A mapping is configuration: no check knows a shop's table names. Rules: money is compared in integer
minor units whatever the shop stores, times are aware UTC at this edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    TableClause,
    case,
    cast,
    column,
    false,
    func,
    literal,
    select,
)
from sqlalchemy import table as sql_table

from checks.shop.column_types import ColumnTypes
from plan.languages import Code, of_tag
from storage.money import digits_apart, exponent

Amounts = Literal["minor", "major"]
Times = Literal["native", "iso_z", "iso", "sql", "epoch", "epoch_ms"]


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"“{value}” is not a time zone; write one like Asia/Taipei") from None
    return value


def language_of(word: object, known: Mapping[Code, list[str | int]] | None = None) -> str | None:
    """The language that a shop's word means: `zh_TW`, `EN-us`, or a word that the mapping names.

    None: it is empty, or a language in which Muster has no words.
    """
    if word is None:
        return None
    for language, words in (known or {}).items():
        if word in words or str(word) in {str(one) for one in words}:
            return language
    return of_tag(str(word))


class TableMapping(BaseModel):
    """One logical table: where it is and what its columns are called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    columns: dict[str, str]
    statuses: dict[str, list[str | int]] = {}
    amounts: Amounts = "minor"
    currency: str | None = None  # where the shop has one currency and no column for it
    times: Times = "native"
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"  # of times stored without a zone
    languages: dict[Code, list[str | int]] = {}  # where a shop has words of its own for them

    @property
    def source(self) -> TableClause:
        schema, _, name = self.table.rpartition(".")
        return sql_table(
            name, *(column(c) for c in set(self.columns.values())), schema=schema or None
        )


class ShopMapping(BaseModel):
    """The logical tables that the checks read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    orders: TableMapping
    payments: TableMapping | None = None
    refunds: TableMapping | None = None
    history: TableMapping | None = None
    customers: TableMapping | None = None  # id and language, where the order does not hold it

    REQUIRED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "orders": ("id", "number", "status", "status_since", "total"),
        "payments": ("id", "order", "channel", "amount", "status", "created_at"),
        "refunds": ("order", "amount", "status"),
        "history": ("order", "from_status", "to_status", "at"),
        "customers": ("id", "language"),
    }

    def missing(self) -> list[str]:
        """Sentences naming each required column that the mapping leaves out."""
        sentences = []
        for name, required in self.REQUIRED.items():
            mapping: TableMapping | None = getattr(self, name)
            if mapping is None:
                continue
            for wanted in required:
                if wanted not in mapping.columns:
                    sentences.append(
                        f"shop.mapping.{name}.columns lacks “{wanted}”: "
                        f"name the column of {mapping.table} that holds it."
                    )
        return sentences


class LogicalTable:
    """A mapped table as SQLAlchemy expressions: set-based SQL, nothing is loaded row by row."""

    def __init__(
        self,
        mapping: TableMapping,
        alias: str,
        customers: TableMapping | None = None,
        types: ColumnTypes | None = None,
    ) -> None:
        self.mapping = mapping
        self.source = mapping.source.alias(alias)
        self.types = types or ColumnTypes()
        self._customers = customers

    def has(self, name: str) -> bool:
        return name in self.mapping.columns

    def col(self, name: str) -> ColumnElement[Any]:
        return self.source.c[self.mapping.columns[name]]

    def minor(self, name: str, currency: str) -> ColumnElement[int]:
        """The amount in minor units. Rounded per row, so that stored floats never add up wrong."""
        value = self.col(name)
        if self.mapping.amounts == "minor":
            return cast(value, BigInteger)
        scaled: ColumnElement[int] = cast(func.round(value * self._factor(currency)), BigInteger)
        return scaled

    def _factor(self, currency: str) -> Any:
        """Minor units in one of the row's own currency: a yen has none, a dinar a thousand."""
        if not self.has("currency"):
            return 10 ** exponent(self.mapping.currency or currency)
        kinds = [
            (self.col("currency").in_(currencies), 10**digits)
            for digits, currencies in digits_apart().items()
        ]
        return case(*kinds, else_=100)

    def currency(self, default: str) -> ColumnElement[str]:
        if self.has("currency"):
            return self.col("currency")
        return literal(self.mapping.currency or default)

    def language(self) -> list[ColumnElement[Any]]:
        """The customer's language as a column of that name; none where the mapping tells none."""
        if self.has("language"):
            return [self.col("language").label("language")]
        if self._customers is None or not self.has("customer"):
            return []
        customers = LogicalTable(self._customers, "language_of")
        found = select(customers.col("language")).where(customers.col("id") == self.col("customer"))
        return [found.limit(1).scalar_subquery().label("language")]

    def spoken(self, row: Any) -> dict[str, str]:
        """What a case's facts hold of the row's language: nothing where it is not known."""
        mapping = self.mapping if self.has("language") else self._customers
        code = language_of(getattr(row, "language", None), mapping.languages if mapping else {})
        return {"language": code} if code else {}

    def words(self, *logical: str) -> list[str | int]:
        """The shop's own words for the given statuses; an unmapped status is its own word."""
        found: list[str | int] = []
        for name in logical:
            found.extend(self.mapping.statuses.get(name) or [self._own_word(name)])
        return found

    def _own_word(self, name: str) -> str | int:
        """A number, where the shop writes its statuses as numbers: a column knows one kind."""
        numbers = any(isinstance(w, int) for words in self.mapping.statuses.values() for w in words)
        return int(name) if numbers and name.isdigit() else name

    def is_status(self, *logical: str) -> ColumnElement[bool]:
        return self.is_one("status", self.words(*logical))

    def is_one(self, name: str, values: Iterable[Any]) -> ColumnElement[bool]:
        """Whether the column is one of these, each compared as what the column holds."""
        table, own = self.mapping.table, self.mapping.columns[name]
        found = [self.types.comparable(table, own, value) for value in values]
        known = [one for one in found if one is not None]
        return self.types.compared(table, own, self.col(name)).in_(known) if known else false()

    def logical_status(self, word: object) -> str:
        """The logical name of a status word of the shop; an unknown word stays as it is."""
        for name, words in self.mapping.statuses.items():
            if word in words or str(word) in {str(w) for w in words}:
                return name
        return str(word)

    def bind_time(self, moment: datetime, name: str) -> Any:
        """The aware moment in the form in which this column stores times, to compare with."""
        form, own = self.mapping.times, self.mapping.columns[name]
        if form == "native" and self.types.keeps_zone(self.mapping.table, own):
            return moment.astimezone(UTC)
        if form == "native" and self.types.is_utc(self.mapping.table, own):
            return moment.astimezone(UTC).replace(tzinfo=None)
        if form == "epoch":
            return moment.timestamp()
        if form == "epoch_ms":
            return int(moment.timestamp() * 1000)
        if form == "iso_z":
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        local = moment.astimezone(ZoneInfo(self.mapping.zone)).replace(tzinfo=None)
        if form == "iso":
            return local.strftime("%Y-%m-%dT%H:%M:%S")
        if form == "sql":
            return local.strftime("%Y-%m-%d %H:%M:%S")
        return local

    def read_time(self, value: Any, name: str) -> datetime | None:
        """What the shop stored in this column, as an aware UTC time."""
        if value is None:
            return None
        form = self.mapping.times
        if form == "epoch":
            return datetime.fromtimestamp(float(value), UTC)
        if form == "epoch_ms":
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return None  # a zero date, an empty one: this row alone cannot be read
        if moment.tzinfo is None:
            own = self.mapping.columns[name]
            in_utc = form == "iso_z" or self.types.is_utc(self.mapping.table, own)
            zone = UTC if in_utc else ZoneInfo(self.mapping.zone)
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
