"""Money: integer minor units with their currency, never a float."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from babel.numbers import format_decimal, get_currency_symbol
from iso4217 import Currency

_ISO = frozenset(one.value for one in Currency)

# Whose signs are each other's equal: "$" alone is another currency in every country.
_SIGNS = "en_GB"
_AMOUNT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimal digits the currency's minor unit has, by ISO 4217: what is booked and sent.

    CLDR counts those that are in use, fewer for some (IQD, LBP), which is a matter of display. Two
    where ISO knows no such currency, or none of its minor unit (gold).
    """
    digits = Currency(currency).exponent if currency in _ISO else None
    return 2 if digits is None else digits


@cache
def digits_apart() -> Mapping[int, tuple[str, ...]]:
    """The currencies whose minor unit is no hundredth, by how many digits theirs has."""
    found: dict[int, list[str]] = {}
    for code in sorted(_ISO):
        if exponent(code) != 2:
            found.setdefault(exponent(code), []).append(code)
    return {digits: tuple(codes) for digits, codes in found.items()}


def shown(minor: int, currency: str, locale: str = _SIGNS) -> str:
    """`NT$86,420`: the currency's sign, digits as the locale of CLDR groups them, and the minor
    units only where there are any.
    """
    digits = exponent(currency)
    major = Decimal(minor).scaleb(-digits)
    places = 0 if major == major.to_integral_value() else digits
    pattern = "#,##0" + ("." + "0" * places if places else "")
    number = format_decimal(abs(major), pattern, locale=locale, decimal_quantization=False)
    sign = get_currency_symbol(currency, _SIGNS)
    return f"{'-' if major < 0 else ''}{sign}{' ' if sign[-1:].isalpha() else ''}{number}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's minor units (cents). Adding two currencies raises ValueError."""

    minor: int
    currency: str

    def __composite_values__(self) -> tuple[int, str]:
        return self.minor, self.currency

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added up")

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def as_json(self) -> dict[str, Any]:
        """The form in which money stands in facts, parameters and reports."""
        return {"minor": self.minor, "currency": self.currency}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Money:
        return cls(int(data["minor"]), str(data["currency"]))

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Reads what a person typed ("1,234.50", "NT$ 90", "１２３"). ValueError: what is wrong.

        A comma is taken only as a thousands separator in its place: "12,50" is refused rather
        than guessed, and so is "1e3". Full-width digits, as Chinese keyboards type them, count.
        """
        shown = text.strip()[:40]
        cleaned = unicodedata.normalize("NFKC", text).strip()
        cleaned = cleaned.removeprefix("NT$").removeprefix("$").strip()
        if _AMOUNT.fullmatch(cleaned) is None:
            raise ValueError(f"“{shown}” is not an amount: write it like 1234.50")
        scaled = Decimal(cleaned.replace(",", "")).scaleb(exponent(currency))
        if scaled != scaled.to_integral_value() or abs(scaled) > 10**15:
            raise ValueError(
                f"“{shown}” is not an amount in {currency}: at most {exponent(currency)} decimals"
            )
        return cls(int(scaled), currency)


def sole_sum(amounts: Iterable[Money]) -> Money | None:
    """What they add up to, where all are of one currency; of two, or of none, there is no sum."""
    sums: dict[str, int] = {}
    for one in amounts:
        sums[one.currency] = sums.get(one.currency, 0) + one.minor
    if len(sums) != 1:
        return None
    [(currency, minor)] = sums.items()
    return Money(minor, currency)
