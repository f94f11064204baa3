"""Identity numbers: Taiwan's by their check digit, its neighbours', passports by the word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidents.privacy.found import Found

_GAP = r"[ \-.\n]?"
_TAIWAN = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{_GAP}[A-Da-d1289](?:{_GAP}\d){{8}}(?!\d)")
_CHINA = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![\dA-Za-z])")
_HONG_KONG = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,2}\d{6}\s?\([0-9Aa]\)")
_AMERICA = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])")
_BRITAIN = re.compile(
    r"(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]"
    r" ?\d\d ?\d\d ?\d\d ?[A-Da-d](?![A-Za-z0-9])"
)
_NAMED = re.compile(
    r"(?:護照|passport)(?:[^\dA-Za-z\n]|號碼?|no|number|is){0,6}([A-Za-z]{0,2}\d{6,9})(?!\d)", re.I
)
_WORD = re.compile(
    r"(?:身分證|身份證|居留證|統一證號|證號|(?<![a-z])(?:id|national id|identity|arc))"
    r"(?:\s|[:：#]|字號|號碼?|是|為|number|no\.?|card|is){0,5}$",
    re.IGNORECASE,
)
_LETTERS = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))


def identities(text: str) -> Iterator[Found]:
    """The identity numbers in the text."""
    for match in _TAIWAN.finditer(text):
        number = re.sub(r"[^A-Za-z0-9]", "", match.group()).upper()
        if taiwanese(number) or _WORD.search(text[max(0, match.start() - 24) : match.start()]):
            yield Found("identity", match.start(), match.end())
    for match in _CHINA.finditer(text):
        if _chinese(match.group().upper()):
            yield Found("identity", match.start(), match.end())
    for match in _HONG_KONG.finditer(text):
        if _hong_kong(re.sub(r"[^A-Za-z0-9]", "", match.group()).upper()):
            yield Found("identity", match.start(), match.end())
    for pattern in (_AMERICA, _BRITAIN):
        yield from (Found("identity", m.start(), m.end()) for m in pattern.finditer(text))
    for match in _NAMED.finditer(text):
        yield Found("identity", match.start(1), match.end(1))


def taiwanese(number: str) -> bool:
    """The check digit of a national identity number or a resident certificate, old and new."""
    second = number[1]
    value = int(second) if second.isdigit() else _LETTERS[second] % 10
    first = _LETTERS[number[0]]
    numbers = [first // 10, first % 10, value, *(int(digit) for digit in number[2:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(n * w for n, w in zip(numbers, weights, strict=True)) % 10 == 0


def _chinese(number: str) -> bool:
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17]


def _hong_kong(number: str) -> bool:
    values = [36] * (9 - len(number)) + [int(char, 36) for char in number[:-1]]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return (total + int(number[-1], 16)) % 11 == 0
