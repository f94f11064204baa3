"""Logical table: an entity of the shop's as SQLAlchemy expressions, for the checks that are code.

Set-based SQL, nothing is loaded row by row. Money is compared in integer minor units whatever the
shop stores, times are aware UTC at this edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    and_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy import table as sql_table

from checks.queries.entity_mapping import FINE, EntityMapping, FieldMapping, Word, typed_field
from checks.shop.column_types import ColumnTypes
from storage.money import digits_apart, exponent


class LogicalTable:
    """One entity under an alias. `customers`: where a language stands with the customer."""

    def __init__(
        self,
        entity: str,
        mapping: EntityMapping,
        alias: str,
        customers: EntityMapping | None = None,
        types: ColumnTypes | None = None,
    ) -> None:
        self.entity = entity
        self.mapping = mapping
        self.types = types or ColumnTypes()
        self.source = _source(mapping, alias)
        self._alias = alias
        self._customers = customers

    def again(self, alias: str) -> LogicalTable:
        """The same entity once more, beside this one."""
        return LogicalTable(self.entity, self.mapping, alias, self._customers, self.types)

    def only(self, names: Iterable[str]) -> LogicalTable:
        """The same with these fields alone: no other table is joined for what nobody asks."""
        fields = {
            name: self.mapping.fields[name] for name in dict.fromkeys(names) if self.has(name)
        }
        if not fields:
            return self
        mapping = self.mapping.model_copy(update={"fields": fields})
        return LogicalTable(self.entity, mapping, self._alias, self._customers, self.types)

    def newest(self, most: int) -> LogicalTable:
        """The same with so many rows at most: by their key the last ones."""
        found = LogicalTable(self.entity, self.mapping, self._alias, self._customers, self.types)
        asked = select(*self.source.c).select_from(self.source)
        if self.has("key"):
            asked = asked.order_by(self.col("key").desc())
        found.source = asked.limit(most).subquery(self._alias)
        return found

    def has(self, name: str) -> bool:
        return name in self.mapping.fields

    def field(self, name: str) -> FieldMapping:
        """As the database describes its column."""
        return typed_field(self.entity, name, self.mapping, self.types)

    def col(self, name: str) -> ColumnElement[Any]:
        return self.source.c[_called(name, self.mapping.fields[name])]

    def minor(self, name: str, currency: str) -> ColumnElement[int]:
        """The amount in minor units. Rounded per row, so that stored floats never add up wrong."""
        value = self.col(name)
        if self.mapping.fields[name].unit == "minor":
            return cast(value, BigInteger)
        if self.mapping.fields[name].unit == "fine":
            return cast(func.round(value / literal_column(f"{FINE}.0")), BigInteger)
        factor = self.types.factor(self._factor(currency))
        scaled: ColumnElement[int] = cast(func.round(value * factor), BigInteger)
        return scaled

    def added(self, name: str, currency: str) -> ColumnElement[Any]:
        """The amount within a sum: whole numbers add up without being turned into anything."""
        table, own = self.mapping.table, self.mapping.fields[name].column
        whole = table is not None and own is not None and self.types.is_whole(table, own)
        if whole and self.mapping.fields[name].unit == "minor":
            return self.col(name)
        return self.minor(name, currency)

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
        told = self._customers.fields if self._customers is not None else {}
        if self._customers is None or not {"key", "language"} <= told.keys():
            return []
        if not self.has("customer"):
            return []
        customers = LogicalTable("customers", self._customers, "language_of", types=self.types)
        found = self.types.any_of(customers.col("language"))
        of_the_row = found.where(customers.col("key") == self.col("customer"))
        return [of_the_row.scalar_subquery().label("language")]

    def spoken(self, row: Any) -> dict[str, str]:
        """What a case's facts hold of the row's language: nothing where it is not known."""
        mapping = self.mapping if self.has("language") else self._customers
        field = mapping.fields.get("language") if mapping is not None else None
        code = field.language(getattr(row, "language", None)) if field is not None else None
        return {"language": code} if code else {}

    def words(self, name: str, *ours: str) -> list[Word]:
        """The shop's own words for these; one that is not mapped is its own."""
        mapped = self.mapping.fields[name]
        return [word for one in ours for word in mapped.theirs(one)]

    def is_word(self, name: str, *ours: str) -> ColumnElement[bool]:
        return self.is_one(name, self.words(name, *ours))

    def is_state(self, *ours: str) -> ColumnElement[bool]:
        return self.is_word("state", *ours)

    def is_one(self, name: str, values: Iterable[Any]) -> ColumnElement[bool]:
        """Whether the column is one of these, each compared as what the column holds."""
        table, own = self.mapping.table, self.mapping.fields[name].column
        known = self.comparable(name, values)
        if table is None or own is None:
            return self.col(name).in_(known)
        return self.types.compared(table, own, self.col(name)).in_(known) if known else false()

    def comparable(self, name: str, values: Iterable[Any]) -> list[Any]:
        """The values as this column holds them, without those that no row can have."""
        table, own = self.mapping.table, self.mapping.fields[name].column
        if table is None or own is None:
            return list(values)
        found = (self.types.comparable(table, own, value) for value in values)
        return [one for one in found if one is not None]

    def ours(self, name: str, word: object) -> str:
        """Our word for one of the shop's; one that is not mapped stays as it is."""
        return self.mapping.fields[name].ours(word)

    def bind_time(self, moment: datetime, name: str) -> Any:
        """The aware moment in the form in which this column stores times, to compare with."""
        return self.types.moment(self.field(name).bound(moment))

    def read_time(self, value: Any, name: str) -> datetime | None:
        """What the shop stored in this column, as an aware UTC time; None: it is none."""
        return self.field(name).read(value)


def _called(name: str, mapped: FieldMapping) -> str:
    return mapped.column if mapped.column is not None else f"muster_{name}"


def _source(mapping: EntityMapping, alias: str) -> FromClause:
    """The table itself where that will do, else a select over it with what is worked out."""
    fields = mapping.fields
    columns = {one.column for one in fields.values() if one.column is not None}
    joins = {name: one.join for name, one in fields.items() if one.join is not None}
    needed = columns | {own for join in joins.values() for own in join.on.values()}
    base: Any
    if mapping.select is not None:
        base = text(mapping.select).columns(*(column(name) for name in needed)).subquery("t")
    else:
        schema, _, name = str(mapping.table).rpartition(".")
        table = sql_table(name, *(column(one) for one in needed), schema=schema or None)
        if mapping.where is None and not any(one.computed for one in fields.values()):
            return table.alias(alias)
        base = table.alias("t")
    shown: list[Any] = [base.c[one] for one in columns]
    shown += [
        literal_column(f"({one.sql})").label(_called(name, one))
        for name, one in fields.items()
        if one.sql is not None
    ]
    source: Any = base
    for at, (name, join) in enumerate(joins.items()):
        schema, _, other = join.from_.rpartition(".")
        names = {*join.on, join.column}
        there = sql_table(other, *(column(one) for one in names), schema=schema or None)
        joined = there.alias(f"j{at}")
        on = and_(*(joined.c[their] == base.c[own] for their, own in join.on.items()))
        source = source.outerjoin(joined, on)
        shown.append(joined.c[join.column].label(f"muster_{name}"))
    made = select(*shown).select_from(source)
    if mapping.where is not None:
        made = made.where(text(f"({mapping.where})"))
    return made.subquery(alias)
