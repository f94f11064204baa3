"""Phone numbers, by the numbering plans that `phonenumbers` keeps.

What begins with + or 00 is read with its country. What begins with 0 is a number of Taiwan or of
one of the neighbours. Without either, only what is grouped like an American number, or what stands
behind a word such as "phone", is one: an order number has as many digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from incidents.privacy.digits import Window, is_day
from incidents.privacy.found import Found

_HOMES = ("TW", "GB", "JP", "KR", "AU", "DE", "FR", "MY", "TH", "VN", "PH", "ID", "NZ")
_WORD = re.compile(
    r"(?:電話|手機|行動|市話|傳真|號碼|來電|回電|致電|撥打|聯絡|聯繫"
    r"|(?<![a-z])(?:tel|tele|phone|telephone|mobile|cell|call|ring|fax|whatsapp|line|ph|contact))"
    r"(?:\s|[:：.#'()]|號碼?|是|為|打|給|她|他|至|到|no|number|num|is|s|me|her|him|them|at|on|back"
    r"|directly|please|直接){0,6}$",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?<![a-z])(?:tel|phone|mobile|cell|call|fax|line|ph|no|t|m|p)$", re.I)
_AMERICAN = re.compile(r"\(?[2-9]\d\d\)?[-. ]{1,2}[2-9]\d\d[-. ]\d{4}")
_LOCAL = re.compile(r"\d{3,4}[- ]\d{4}")


_LOOKS = 60  # in the numbering plans for one text; more candidates than that are no prose


def phones(text: str, numbers: Sequence[Window]) -> Iterator[Found]:
    """The phone numbers among the windows."""
    after, plans = 0, _Plans()
    place = _Place(text, -1)
    for number in numbers:
        if number.start < after or len(number.digits) > 16:
            continue
        if number.start != place.start:
            place = _Place(text, number.start)
        if _is_phone(place, number, plans):
            after = number.end
            start = number.start
            while start and text[start - 1] in "+(" and number.start - start < 3:
                start -= 1
            yield Found("phone", start, number.end)


class _Plans:
    """The numbering plans, asked so often and not more: what is not asked counts as a number."""

    def __init__(self) -> None:
        self.left = _LOOKS

    def have(self, digits: str, *regions: str | None) -> bool:
        for region in regions:
            self.left -= 1
            if self.left < 0 or _valid(digits, region):
                return True
        return False


class _Place:
    """What stands before a number."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.start = text, start
        self.before = text[max(0, start - 32) : start] if start >= 0 else ""

    @cached_property
    def abroad(self) -> bool:
        return self.before.rstrip("( ").endswith("+")

    @cached_property
    def spoken(self) -> bool:
        return _WORD.search(self.before) is not None

    @cached_property
    def glued(self) -> bool:
        """Whether it goes on from Latin letters, as a reference or a code does."""
        last = self.before[-1:]
        if last == "_":
            return True
        if last == "-":
            return self.before[-2:-1].isascii() and self.before[-2:-1].isalnum()
        return last.isascii() and last.isalpha() and _NAMED.search(self.before) is None


def _is_phone(place: _Place, number: Window, plans: _Plans) -> bool:
    digits = number.digits
    if place.abroad:
        return len(digits) >= 8 and (
            plans.have(f"+{digits}", None) or (number.groups == 1 and 10 <= len(digits) <= 15)
        )
    if place.glued or _goes_on(place.text, number):
        return False
    if digits.startswith("00"):
        return len(digits) >= 10 and plans.have(f"+{digits[2:]}", None)
    if digits.startswith("0"):
        return 9 <= len(digits) <= 11 and plans.have(digits, *_HOMES)
    if digits.startswith("886") and len(digits) >= 11:
        return plans.have(f"+{digits}", None)
    return _american(place, number, plans) or _spoken(place, number, plans)


def _goes_on(text: str, number: Window) -> bool:
    following = text[number.end : number.end + 1]
    return following.isascii() and (following.isalpha() or following == "_")


def _american(place: _Place, number: Window, plans: _Plans) -> bool:
    if len(number.digits) != 10 or number.groups != 3 or number.digits[0] in "01":
        return False
    written = place.text[number.start : number.end]
    return _AMERICAN.fullmatch(written) is not None and plans.have(number.digits, "US")


def _spoken(place: _Place, number: Window, plans: _Plans) -> bool:
    """Digits that are no number of their own, behind a word that makes them one."""
    digits = number.digits
    if len(digits) > 11 or not place.spoken or is_day(digits):
        return False
    if number.words:
        return True
    if len(digits) == 9:
        return digits.startswith("9") and plans.have(digits, "TW")
    if len(digits) == 10:
        return plans.have(digits, "US")
    written = place.text[number.start : number.end]
    return len(digits) in (7, 8) and (number.groups == 1 or bool(_LOCAL.fullmatch(written)))


@lru_cache(maxsize=4096)
def _valid(digits: str, region: str | None) -> bool:
    phonenumbers = _library()
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(digits, region)))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=1)
def _library() -> Any:
    import phonenumbers  # 60 ms: not before somebody types a number

    return phonenumbers
