"""Amount of a limit, as the configuration writes it: with its currency, exact."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator

from storage.money import Money

_CURRENCY = re.compile(r"[A-Z]{3}")


def _amount(value: object) -> Money | int:
    """An amount as it is written: “TWD 10000”, or minor units of the shop's currency (old)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return money_of(str(value))
    except ValueError:
        raise ValueError(
            f"“{str(value)[:40]}” is not an amount with its currency; write it like TWD 10000"
        ) from None


def money_of(text: str) -> Money:
    """“TWD 10000” or “10000 TWD”. Raises ValueError."""
    words = text.split()
    for currency, amount in (words, words[::-1]) if len(words) == 2 else ():
        if _CURRENCY.fullmatch(currency):
            found = Money.parse(amount, currency)
            if found.minor >= 0:
                return found
    raise ValueError(text)


Amount = Annotated[Money | int, PlainValidator(_amount)]
