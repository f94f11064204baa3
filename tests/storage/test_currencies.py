"""Currencies: each has the minor unit that ISO 4217 gives it, wherever money is read or shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from message_templates.filters import amount
from plan.filters import money
from plan.languages import LANGUAGES
from storage.money import Money

DIGITS = {"ISK": 0, "UGX": 0, "XAF": 0, "JPY": 0, "OMR": 3, "IQD": 3, "CLF": 4, "TWD": 2, "LBP": 2}


@pytest.mark.parametrize(("currency", "digits"), DIGITS.items())
def test_a_currency_is_booked_and_shown_in_its_own_minor_unit(currency: str, digits: int) -> None:
    read = Money.parse("1234", currency)
    assert read.minor == 1234 * 10**digits
    assert read.decimal == Decimal(1234)
    for shown in (money(read.as_json()), *(amount(read, language) for language in LANGUAGES)):
        assert shown.endswith("1,234")


def test_no_two_currencies_are_shown_by_one_sign() -> None:
    """“$” is another currency in every country."""
    signs = {
        amount(Money(100, currency)).rstrip("1.0 ")
        for currency in ("TWD", "USD", "HKD", "SGD", "AUD", "CAD", "JPY", "CNY", "EUR", "GBP")
    }
    assert len(signs) == 10
