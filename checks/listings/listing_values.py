"""Listing values: what a row of JSON or CSV holds, as the exact values of an entity's fields.

Amounts are read as decimals and kept as whole numbers, times as instants. A value that cannot be
read is missing in its row, counted and named by its place; what it was is not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from checks.queries.entity import entities
from checks.queries.entity_mapping import FINE, EntityMapping, FieldMapping
from storage.money import exponent

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_LARGEST = 2**63 - 1  # that a column of SQLite holds
_NAMED = 3  # places of unreadable values that are told
_FLAGS: Mapping[object, int] = {"true": 1, "1": 1, 1: 1, "false": 0, "0": 0, 0: 0}
_TEXT_FORMS = ("iso", "iso_z", "sql")
_NONE = object()


class OtherForm(ValueError):
    """The rows are of another form than the mapping says: one sentence."""


class _Unreadable(ValueError):
    """One value that is none of its type."""


@dataclass(frozen=True)
class Marks:
    """How numbers are written as text."""

    decimal: str = "."
    thousands: str | None = None

    def plain(self, text: str) -> str:
        """The same number as a program writes it. Raises _Unreadable."""
        if self.thousands is not None and self.thousands in text:
            grouped = text.replace(self.thousands, "\0").replace(self.decimal, ".")
            grouped = grouped.replace("\0", ",")
            if _GROUPED.fullmatch(grouped) is None:
                raise _Unreadable("number")
            return grouped.replace(",", "")
        if self.decimal != "." and "." in text:
            raise _Unreadable("number")
        return text.replace(self.decimal, ".")


@dataclass
class RowReader:
    """Reads the rows of one entity, in the order of its mapped fields."""

    entity: str
    mapped: EntityMapping
    currency: str  # of the shop, where a row has none
    marks: Marks = Marks()
    unreadable: int = 0
    places: list[str] = field(default_factory=list)  # of the first of them

    def __post_init__(self) -> None:
        kinds = entities()[self.entity].fields
        listing = self.mapped.listing
        self._may_lack = frozenset(listing.optional) if listing is not None else frozenset()
        self._fields = [
            (name, str(one.column), one, _READS[kinds[name].type])
            for name, one in self.mapped.fields.items()
        ]

    def read(self, row: Mapping[str, Any], at: str) -> tuple[Any, ...]:
        """The values of one row. Raises OtherForm where it lacks a column."""
        given = self._given(row, at)
        unit = given.get("currency") or self.mapped.currency or self.currency
        digits = exponent(unit.upper()) if isinstance(unit, str) else 2
        made: list[Any] = []
        for name, column, one, reads in self._fields:
            raw = given[name]
            if raw is None or raw == "":
                made.append(None)
                continue
            try:
                value = reads(raw, one, self.marks, digits)
            except (_Unreadable, ValueError, ArithmeticError):
                self._say(f"{at}: {column} is {_SAID[reads]}")
                value = None
            made.append(value.upper() if name == "currency" and value is not None else value)
        return tuple(made)

    def _given(self, row: Mapping[str, Any], at: str) -> dict[str, Any]:
        given = {}
        for name, column, _, _ in self._fields:
            found = found_at(row, column)
            if found is _NONE and column not in self._may_lack:
                raise OtherForm(
                    f"{at} has no “{column}”: correct shop.mapping.{self.entity}.fields.{name}, or "
                    "name the column in “optional” where a row may lack it"
                )
            given[name] = None if found is _NONE else found
        return given

    def _say(self, place: str) -> None:
        self.unreadable += 1
        if len(self.places) < _NAMED:
            self.places.append(place)


def found_at(row: Any, path: str) -> Any:
    """What stands there: under that very name, else down the path. `lacks` says whether it does."""
    if isinstance(row, Mapping) and path in row:
        return row[path]
    found = row
    for part in path.split("."):
        if found is None:
            return None
        if not isinstance(found, Mapping) or part not in found:
            return _NONE
        found = found[part]
    return found


def lacks(found: Any) -> bool:
    return found is _NONE


def _text(raw: Any, _one: FieldMapping, _marks: Marks, _digits: int) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        raw.encode()  # half a character is none
        return raw
    if isinstance(raw, int | Decimal):
        return f"{raw:f}" if isinstance(raw, Decimal) and abs(raw.adjusted()) < 30 else str(raw)
    raise _Unreadable("text")


def _number(raw: Any, marks: Marks) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise _Unreadable("number")
    if isinstance(raw, str):
        plain = marks.plain(raw.strip())
        if _NUMBER.fullmatch(plain) is None:
            raise _Unreadable("number")
        raw = plain
    found = Decimal(raw)
    if not found.is_finite() or found.adjusted() > 18:
        raise _Unreadable("number")
    return found


def _whole(found: Decimal) -> int:
    if found != found.to_integral_value() or abs(found) > _LARGEST:
        raise _Unreadable("whole number")
    return int(found)


def _integer(raw: Any, _one: FieldMapping, marks: Marks, _digits: int) -> int:
    return _whole(_number(raw, marks))


def _money(raw: Any, one: FieldMapping, marks: Marks, digits: int) -> int:
    """In parts of a minor unit, so that what a shop keeps more exactly is rounded in sums alone."""
    found = _number(raw, marks)
    minor = Decimal(_whole(found)) if one.unit == "minor" else found.scaleb(digits)
    return _whole((minor * FINE).to_integral_value(ROUND_HALF_UP))


def _instant(raw: Any, one: FieldMapping, marks: Marks, _digits: int) -> str:
    text = one.form in _TEXT_FORMS
    if text != isinstance(raw, str):
        if text:
            raise _Unreadable("time")
        raw = _number(raw, marks)
    elif not text:
        raw = _number(raw, marks)
    moment = one.read(raw)
    if moment is None:
        raise _Unreadable("time")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _flag(raw: Any, _one: FieldMapping, _marks: Marks, _digits: int) -> int:
    if isinstance(raw, str):
        raw = raw.strip().lower()
    found = _FLAGS.get(raw) if isinstance(raw, str | int) else None
    if found is None:
        raise _Unreadable("flag")
    return found


def _day(raw: Any, _one: FieldMapping, _marks: Marks, _digits: int) -> str:
    if not isinstance(raw, str):
        raise _Unreadable("day")
    return date.fromisoformat(raw.strip()).isoformat()


Reads = Callable[[Any, FieldMapping, Marks, int], Any]
_READS: Mapping[str, Reads] = {
    "key": _text,
    "text": _text,
    "word": _text,
    "money": _money,
    "instant": _instant,
    "day": _day,
    "flag": _flag,
    "integer": _integer,
}
_SAID: Mapping[Reads, str] = {
    _text: "no text",
    _money: "no amount that can be read exactly in its unit",
    _instant: "no time in the form that the mapping says",
    _day: "no day",
    _flag: "neither true nor false",
    _integer: "no whole number",
}
