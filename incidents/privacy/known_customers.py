"""Known customers: their own name, address and numbers, however they are spaced or ordered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from incidents.privacy.found import Found

_APART = re.compile(r"[\s,.\-/()]+")


def customers(text: str, known: Sequence[str]) -> Iterator[Found]:
    """Where what is known of the customer stands in the text."""
    for value in known:
        pattern = _pattern(value.casefold().strip())
        if pattern is not None:
            yield from (Found("customer", m.start(), m.end()) for m in pattern.finditer(text))


@lru_cache(maxsize=512)
def _pattern(value: str) -> re.Pattern[str] | None:
    """The value with any gaps between its words; a name of two words in either order."""
    bare = _APART.sub("", value)
    if len(bare) < 2:
        return None
    if bare.lstrip("+").isdigit():
        words = list(bare.lstrip("+"))
    else:
        words = [word for word in _APART.split(value) if word]
    orders = [words]
    if len(words) == 2:
        orders.append(words[::-1])
    ways = "|".join(r"[\s,.\-/()]{0,3}".join(map(_spaced, order)) for order in orders)
    before = r"(?<![a-z0-9])" if bare[0].isascii() else ""
    after = r"(?![a-z0-9])" if bare[-1].isascii() else ""
    return re.compile(f"{before}(?:{ways}){after}", re.IGNORECASE)


def _spaced(word: str) -> str:
    """A word; Chinese may be spaced between its characters."""
    return re.escape(word) if word.isascii() else r"\s{0,2}".join(map(re.escape, word))
