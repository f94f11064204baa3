"""Addresses: a street with its number, in Chinese and in English."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidents.privacy.found import Found

_NUMBER = r"[\d一二三四五六七八九十百]{1,5}"
_CHINESE = re.compile(
    rf"(?:路|街|大道)(?:{_NUMBER}段)?(?:{_NUMBER}巷)?(?:{_NUMBER}弄)?"
    rf"\s?{_NUMBER}(?:[之\-]\d{{1,3}})?號(?:之\d{{1,3}})?(?:{_NUMBER}[樓F](?:之\d{{1,3}})?)?"
)
_BEFORE = 18  # characters of county, district and street
_STREET = r"(?:Road|Rd|Street|Lane|Ln|Avenue|Ave|Boulevard|Blvd)"
_ENGLISH = re.compile(
    rf"\bNo\.?\s?\d{{1,4}}[^\n]{{0,60}}?\b{_STREET}\b"
    rf"|\b\d{{1,5}},?\s(?:[A-Z][\w.]{{0,30}}\s){{1,4}}(?:{_STREET}|St)\b\.?",
)


def addresses(text: str) -> Iterator[Found]:
    """The addresses in the text; the Chinese ones from what may be their county on."""
    for match in _CHINESE.finditer(text):
        start = match.start()
        while start and match.start() - start < _BEFORE and _is_part(text[start - 1]):
            start -= 1
        if start < match.start():
            yield Found("address", start, match.end())
    for match in _ENGLISH.finditer(text):
        yield Found("address", match.start(), match.end())


def _is_part(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or char.isdigit()
