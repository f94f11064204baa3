"""Amounts as people type them: read exactly, or refused in one sentence."""

from __future__ import annotations

import pytest

from storage.money import Money


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("90", 9000),
        ("NT$ 1,234.50", 123450),
        ("$1,234,567", 123456700),
        ("-3", -300),
        ("12.", 1200),
        ("１，２３４．５", 123450),
        (" 0.05 ", 5),
    ],
)
def test_what_is_an_amount(typed: str, minor: int) -> None:
    """Thousands separators in their places and full-width digits count."""
    assert Money.parse(typed, "TWD") == Money(minor, "TWD")


@pytest.mark.parametrize(
    "typed",
    ["", "1e3", "12,50", "1,2345", "NT$ five", "1.234,50", "1_000", "NaN", "٣", "--1", "1.005"],
)
def test_what_is_none(typed: str) -> None:
    """Nothing is guessed: the sentence repeats what was typed."""
    with pytest.raises(ValueError, match="is not an amount") as refused:
        Money.parse(typed, "TWD")
    assert typed in str(refused.value)
