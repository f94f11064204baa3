"""Screening of what people type, before anything of it is posted (rule 9).

Found are the forms of phone numbers, e-mail addresses, payment cards, Taiwanese identity numbers
and addresses, and what is known of the customer in question. Text is looked at in its normal form,
so full-width digits and invisible characters hide nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_EMAIL = re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+", re.ASCII)
_DIGITS = re.compile(r"(?<![\w.])\+?\(?\d(?:[ ().\-–‑]{0,2}\d){6,18}(?![\w])")
_IDENTITY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Da-d12489]\d{8}(?!\d)")
_ADDRESS_ZH = re.compile(
    r"(?:[\u4e00-\u9fff]{1,6}[縣市])?[\u4e00-\u9fff]{1,6}(?:[區鄉鎮市村里])?[\u4e00-\u9fff]{1,8}"
    r"(?:路|街|大道)(?:[一二三四五六七八九十\d]{1,3}段)?(?:\d{1,4}巷)?(?:\d{1,4}弄)?"
    r"\s?\d{1,4}(?:[之\-]\d{1,3})?號"
)
_STREET = r"(?:Road|Rd|Street|Lane|Ln|Avenue|Ave|Boulevard|Blvd)"
_ADDRESS_EN = re.compile(
    rf"\bNo\.?\s?\d{{1,4}}[^\n]{{0,60}}\b{_STREET}\b"
    rf"|\b\d{{1,5}},?\s(?:[A-Z][\w.]*\s){{1,4}}(?:{_STREET}|St)\b\.?",
)
_LETTER_VALUES = dict(
    zip(
        "ABCDEFGHJKLMNPQRSTUVXYWZIO",
        range(10, 36),
        strict=True,
    )
)


@dataclass(frozen=True)
class Found:
    """Something personal in a text. `kind` is a code of the catalogue's `personal`."""

    kind: str  # phone, email, card, identity, address, customer
    start: int
    end: int


def normal(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def screen(text: str, *, known: Iterable[str] = ()) -> tuple[Found, ...]:
    """What in the text looks personal, in its order. `known`: the customer's own data."""
    plain = normal(text)
    found = [Found("email", m.start(), m.end()) for m in _EMAIL.finditer(plain)]
    found += [
        Found("identity", m.start(), m.end())
        for m in _IDENTITY.finditer(plain)
        if _identity(m.group().upper())
    ]
    for match in _DIGITS.finditer(plain):
        kind = _number(match.group())
        if kind is not None:
            found.append(Found(kind, match.start(), match.end()))
    for pattern in (_ADDRESS_ZH, _ADDRESS_EN):
        found += [Found("address", m.start(), m.end()) for m in pattern.finditer(plain)]
    folded = plain.casefold()
    for value in known:
        wanted = normal(value).casefold().strip()
        place = folded.find(wanted) if len(wanted) >= 2 else -1
        if place >= 0:
            found.append(Found("customer", place, place + len(wanted)))
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


def _number(text: str) -> str | None:
    digits = re.sub(r"\D", "", text)
    if 13 <= len(digits) <= 19 and _luhn(digits):
        return "card"
    if text.lstrip("( ").startswith("+"):
        return "phone" if 8 <= len(digits) <= 15 else None
    if digits.startswith(("886", "00886")) and len(digits) >= 11:
        return "phone"
    if digits.startswith("09") and len(digits) == 10:
        return "phone"
    if digits.startswith("0") and not digits.startswith("00") and len(digits) in (9, 10):
        return "phone"
    if re.fullmatch(r"\d{3}[-. ]\d{3}[-. ]\d{4}|\(\d{2,4}\)[ -]?\d{3,4}[- ]?\d{4}", text.strip()):
        return "phone"
    return None


def _luhn(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _identity(text: str) -> bool:
    """The check digit of a national identity number or a resident certificate."""
    first = _LETTER_VALUES.get(text[0])
    if first is None:
        return False
    second = text[1]
    value = int(second) if second.isdigit() else _LETTER_VALUES[second] % 10
    numbers = [first // 10, first % 10, value, *(int(digit) for digit in text[2:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(n * w for n, w in zip(numbers, weights, strict=True)) % 10 == 0
