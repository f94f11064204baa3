"""Column seen: one column of a shop's table, with what a bounded sample of its rows says of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import DateTime, Float, Numeric
from sqlalchemy.types import TypeEngine

from checks.shop.inspection.route import Route
from checks.shop.inspection.vocabulary import (
    currencies,
    is_country,
    is_language,
    is_small_currency,
)

Kind = Literal["integer", "decimal", "text", "time", "flag", "other", "nothing"]
_GAPS = 50  # numbers that are left out between two that were given, at most
_FEW = 20  # different values that a column of words has at most
_EARLY, _AHEAD = datetime(2001, 9, 9, tzinfo=UTC).timestamp(), 10 * 366 * 86400.0
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{6,18}$")
_POSTCODE = re.compile(r"(\d{3,7}|\d{5}-\d{4}|\d{3}-\d{4}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})$")
_RANDOM = re.compile(r"([0-9a-f]{24,}|[0-9a-f]{8}-[0-9a-f-]{27}|.*@.*|https?:.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnSeen:
    """One column: its declared type and its values in the sampled rows, in their order."""

    name: str
    declared: TypeEngine[Any] | None
    values: tuple[Any, ...]
    now: datetime
    unique: bool = False  # declared so
    key: bool = False  # the table's own primary key
    # Where it stands in no column of its table: the way to it, or the shop's own SQL.
    route: Route | None = None
    sql: str | None = None

    @cached_property
    def held(self) -> list[Any]:
        """What stands in it; an empty text is nothing."""
        return [value for value in self.values if value is not None and value != ""]

    @cached_property
    def counts(self) -> Counter[Any]:
        return Counter(self.held)

    @cached_property
    def kind(self) -> Kind:
        """By what stands in it; the declared type where that decides, or where nothing does."""
        if not self.held:
            return "time" if isinstance(self.declared, DateTime) else "nothing"
        if all(isinstance(value, bool) for value in self.held):
            return "flag"
        if self.form is not None and self.form not in ("epoch", "epoch_ms"):
            return "time"
        if isinstance(self.declared, Numeric | Float) and self._numbers:
            whole = isinstance(self.declared, Numeric) and self.declared.scale == 0
            return "integer" if whole else "decimal"
        if self._numbers:
            return "integer" if all(value == int(value) for value in self.held) else "decimal"
        texts = all(isinstance(value, str | UUID | bytes) for value in self.held)
        documents = any(str(value).startswith(("{", "[")) for value in self.counts)
        return "text" if texts and not documents else "other"

    @cached_property
    def _numbers(self) -> bool:
        return all(
            isinstance(value, int | float | Decimal) and not isinstance(value, bool)
            for value in self.held
        )

    @cached_property
    def form(self) -> str | None:
        """How it holds times; None: it holds none."""
        if not self.held:
            return "native" if isinstance(self.declared, DateTime) else None
        first = self.held[0]
        if isinstance(first, date):
            return "native"
        if isinstance(first, str):
            return self._written()
        if self._numbers and all(value == int(value) for value in self.held):
            latest = self.now.timestamp() + _AHEAD
            for form, factor in (("epoch", 1), ("epoch_ms", 1000)):
                if all(_EARLY * factor <= value <= latest * factor for value in self.held):
                    return form
        return None

    def _written(self) -> str | None:
        found = [_TIME.match(value) if isinstance(value, str) else None for value in self.held]
        if not all(found):
            return None
        zones = {one.group(4) for one in found if one is not None}
        if zones == {"Z"}:
            return "iso_z"
        if any(one.group(1) == "T" for one in found if one is not None):
            return "iso"
        return "native" if isinstance(self.declared, DateTime) else "sql"

    @property
    def made(self) -> bool:
        """Whether it stands in no column of its table."""
        return self.route is not None or self.sql is not None

    @property
    def aware(self) -> bool:
        """Whether its times say of which zone they are."""
        known = self.form in ("iso_z", "epoch", "epoch_ms")
        kept = bool(getattr(self.declared, "timezone", False))
        in_utc = type(self.declared).__name__ == "TIMESTAMP" and type(
            self.declared
        ).__module__.endswith("mysql.types")
        offsets = self.form == "iso" and all(
            re.search(r"[+-]\d\d:?\d\d$|Z$", str(value)) for value in self.held
        )
        return known or kept or in_utc or offsets

    @property
    def times(self) -> bool:
        return self.form is not None

    @property
    def certain_times(self) -> bool:
        """Whole numbers may be something else; a score of them that are all times are times."""
        return self.kind == "time" or (self.times and len(self.counts) >= 10)

    def moment(self, value: Any) -> float | None:
        """One of its times as seconds, to compare it with another of the same shop's."""
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.timestamp()
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
        if isinstance(value, str):
            try:
                read = datetime.fromisoformat(value)
            except ValueError:
                return None
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        try:
            return float(value) / (1000 if self.form == "epoch_ms" else 1)
        except (TypeError, ValueError):
            return None

    @cached_property
    def few(self) -> bool:
        """Whether it holds few different words or numbers over and over, as a state does."""
        if self.kind not in ("text", "integer") or self.unique or self.key or not self.held:
            return False
        if self.times or (self.route is not None and self.route.number):
            return False
        different = len(self.counts)
        return different <= _FEW and (different <= 2 or different <= max(2, 0.4 * len(self.held)))

    @cached_property
    def nearly_unique(self) -> bool:
        """No value twice, save a few: a number that stands twice is a fault that checks find."""
        if self.unique or self.key:
            return True
        twice = len(self.held) - len(self.counts)
        return bool(self.held) and twice <= max(2, 0.02 * len(self.held))

    @cached_property
    def spaced(self) -> bool:
        """Whether some of its texts are of several words, as a reason is and a state is not."""
        return any(isinstance(value, str) and " " in value.strip() for value in self.counts)

    @property
    def always(self) -> bool:
        return bool(self.values) and len(self.held) == len(self.values)

    @cached_property
    def readable(self) -> bool:
        """Whether people can call something by it: short, and no random key or address."""
        return self.kind == "text" and all(
            isinstance(value, str) and len(value) <= 24 and not _RANDOM.match(value)
            for value in self.held
        )

    @cached_property
    def currencies(self) -> bool:
        """Codes of currencies; in small letters, none that is a word as well."""
        large = self._all(lambda value: value in currencies())
        return large or self._all(is_small_currency)

    @property
    def small_letters(self) -> bool:
        return any(isinstance(value, str) and value != value.upper() for value in self.counts)

    @cached_property
    def counting(self) -> bool:
        """Whether its texts are numbers that were given one after the other, as an order's are."""
        if self.kind != "text" or not self.nearly_unique or len(self.held) < 5:
            return False
        digits = [
            str(value) for value in self.held if str(value).isascii() and str(value).isdigit()
        ]
        if len(digits) < 0.9 * len(self.held):
            return False
        some = len(digits) // 20  # a few may be of another kind
        near = sorted(map(int, digits))[some : len(digits) - some]
        return near[-1] - near[0] <= _GAPS * len(near)

    @cached_property
    def mails(self) -> bool:
        return self._mostly(lambda value: "@" in value and " " not in value)

    @cached_property
    def languages(self) -> bool:
        return self._all(is_language)

    @cached_property
    def countries(self) -> bool:
        """Whether its tags of languages may as well be countries."""
        return all(isinstance(one, str) and is_country(one) for one in self.counts)

    @cached_property
    def phones(self) -> bool:
        found = self._mostly(lambda value: bool(_PHONE.match(value)) and _digits(value) >= 7)
        return found and not self.counting

    @cached_property
    def postcodes(self) -> bool:
        found = self._mostly(lambda value: bool(_POSTCODE.match(value.strip().upper())))
        return found and not self.counting

    @cached_property
    def addresses(self) -> bool:
        """Several words with a number among them, and many of them."""
        found = self._mostly(
            lambda value: len(value.split()) >= 2 and 0 < _digits(value) < len(value) / 2
        )
        return found and len(self.counts) >= 5 and self.kind == "text" and not self.phones

    def _all(self, holds: Any) -> bool:
        return self.kind == "text" and all(isinstance(one, str) and holds(one) for one in self.held)

    def _mostly(self, holds: Any) -> bool:
        if self.kind != "text" or len(self.held) < 5:
            return False
        fit = sum(1 for one in self.held if isinstance(one, str) and holds(one))
        return fit >= 0.9 * len(self.held)

    def shown(self, most: int = 8) -> str:
        """Some of what stands in it, for a person: words, or from where to where."""
        if not self.held:
            return "nothing yet"
        if self.few:
            words = [_text(value) for value, _ in self.counts.most_common(most)]
            return ", ".join(words) + (" …" if len(self.counts) > most else "")
        if self._numbers:
            return f"{min(self.held)} to {max(self.held)}"
        return f"like {_text(self.held[0])}"


def _digits(value: str) -> int:
    return sum(letter.isdigit() for letter in value)


def _text(value: Any) -> str:
    said = str(value)
    return said if len(said) <= 24 else said[:23] + "…"


def numbers(values: Iterable[Any]) -> list[Decimal]:
    """The values that are numbers, exact; text that is none is left out."""
    found = []
    for value in values:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            found.append(Decimal(value))
        elif isinstance(value, float):
            found.append(Decimal(str(value)))
    return found
