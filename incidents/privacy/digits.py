"""Digits as people write them: in groups, over lines, in words; dates and amounts are none of them.

A text is read once into runs of groups; a window is some consecutive groups of one run. The number
of windows grows with the text and not faster, whatever stands in it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

LONGEST = 19  # digits of a card

_CHINESE = dict(
    zip("零〇一二三四五六七八九壹貳參肆伍陸柒捌玖幺", "001234567891234567891", strict=True)
)
_ENGLISH = {
    **{word: str(value) for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )},
    "oh": "0",
}  # fmt: skip
_WORD = "|".join(_ENGLISH)
_GROUP = re.compile(
    rf"\d+|[{''.join(_CHINESE)}]+|(?<![a-z])(?:{_WORD})(?![a-z])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s().\-_]{1,4}")
# What is written like this is a moment, an address of a machine or an amount.
_OTHER = re.compile(
    r"(?<![\d.\-])(?:"
    r"(?:19|20)\d\d[-/.年]\s?(?:0?[1-9]|1[0-2])[-/.月]\s?(?:0?[1-9]|[12]\d|3[01])(?:日|(?!\d))"
    r"|(?:0?[1-9]|[12]\d|3[01])[/.\-](?:0?[1-9]|[12]\d|3[01])[/.\-](?:19|20)\d\d(?!\d)"
    r"|(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d+\.\d+(?![\d.])(?=\s?(?:%|元|塊))"
    r"|[01]?\d:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?!\d)|2[0-3]:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?!\d)"
    r")"
    r"|(?:[$€¥£]|(?<![A-Z])(?:TWD|NTD|USD|EUR|JPY|HKD|GBP))\s?[1-9]\d{0,8}(?:\.\d{1,2})?(?!\d)"
    r"|(?<!\d)0\.\d+(?![\d.\-])"
)


@dataclass(frozen=True)
class Window:
    """Consecutive groups of digits. `words`: written in words."""

    digits: str
    start: int
    end: int
    groups: int
    words: bool


@dataclass(frozen=True)
class _Group:
    digits: str
    start: int
    end: int
    kind: str


def windows(text: str) -> Iterator[Window]:
    """Every window of 7 to 19 digits, in the order of their starts, the longest first."""
    for run in _runs(text):
        for first in range(len(run)):
            yield from reversed(list(_from(run, first)))


def _from(run: list[_Group], first: int) -> Iterator[Window]:
    digits = ""
    for count, group in enumerate(run[first : first + LONGEST], 1):
        digits += group.digits
        if len(digits) > LONGEST:
            return
        if len(digits) >= 7:
            yield Window(digits, run[first].start, group.end, count, group.kind != "figures")


def _runs(text: str) -> Iterator[list[_Group]]:
    others = deque(match.span() for match in _OTHER.finditer(text))
    run: list[_Group] = []
    for group in _groups(text):
        while others and others[0][1] <= group.start:
            others.popleft()
        if others and others[0][0] < group.end:
            if run:
                yield run
            run = []
            continue
        if run and not _joined(text, run[-1], group):
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _joined(text: str, left: _Group, right: _Group) -> bool:
    between = text[left.end : right.start]
    if left.kind != right.kind:
        return left.kind != "english" != right.kind and _BETWEEN.fullmatch(between) is not None
    return _BETWEEN.fullmatch(between) is not None


def _groups(text: str) -> Iterator[_Group]:
    for match in _GROUP.finditer(text):
        said = match.group()
        if said[0].isdigit():
            yield _Group(said, match.start(), match.end(), "figures")
        elif said[0] in _CHINESE:
            digits = "".join(_CHINESE[char] for char in said)
            yield _Group(digits, match.start(), match.end(), "chinese")
        else:
            yield _Group(_ENGLISH[said.lower()], match.start(), match.end(), "english")


def is_day(digits: str) -> bool:
    """Whether the digits begin with a day, as a batch or a time without separators does."""
    if len(digits) not in (8, 12, 14, 17):
        return False
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return 1990 <= day.year <= 2099
