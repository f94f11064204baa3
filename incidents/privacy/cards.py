"""Payment cards: the ranges of the issuers, and Luhn's check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from incidents.privacy.digits import Window, is_day
from incidents.privacy.found import Found

# (first digits, lengths) of the issuers; thirteen digits are a barcode unless a card is spoken of
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}(?:\d{2,5})?|35(?:2[89]|[3-8]\d)\d{12}(?:\d{1,3})?"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{1,3})?|62\d{14}(?:\d{1,3})?"
    r"|(?:50|5[6-9]|6\d)\d{14}|9792\d{12}|220[0-4]\d{12}(?:\d{1,3})?"
)
_OLD = re.compile(r"4\d{12}|(?:50|5[6-9]|6\d)\d{11,17}")
_SPOKEN = re.compile(r"(?:卡號|卡片|信用卡|\bcard\b|\bvisa\b|\bmaestro\b)[^\d\n]{0,12}$", re.I)


def cards(text: str, numbers: Sequence[Window]) -> Iterator[Found]:
    """The card numbers among the windows."""
    after = 0
    for number in numbers:
        if number.start < after or len(number.digits) < 12:
            continue
        if _is_card(text, number):
            after = number.end
            yield Found("card", number.start, number.end)


def _is_card(text: str, number: Window) -> bool:
    digits = number.digits
    if not _ISSUERS.fullmatch(digits):
        spoken = _OLD.fullmatch(digits) and _SPOKEN.search(text[: number.start][-24:])
        if not spoken:
            return False
    return luhn(digits) and not is_day(digits)


_DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]


def luhn(digits: str) -> bool:
    """Luhn's check digit; nothing but one digit again and again is no card."""
    if len(set(digits)) == 1:
        return False
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0
