"""Known words: what stands in the fields that a check goes by is all of the mapping's.

A misspelt word finds nothing, which is not the same as finding all well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from checks.shop.source import ShopUnavailable

_STAND = timedelta(hours=1)


class Place(Protocol):
    """Where the words stand: a shop's database, or its listings."""

    words_seen: dict[tuple[str, str], datetime]

    async def strange_word(self, entity: str, field: str) -> str | None: ...


async def known_words(place: Place, fields: Iterable[tuple[str, str]], now: datetime) -> None:
    """Looked at once an hour, for all checks, since it reads the whole table. ShopUnavailable."""
    for entity, field in fields:
        seen = place.words_seen.get((entity, field))
        if seen is not None and now - seen < _STAND:
            continue
        strange = await place.strange_word(entity, field)
        if strange is not None:
            raise ShopUnavailable(
                f"{entity}.{field} holds “{strange}”, which the mapping does not know: "
                "say what it means, or that it is to be ignored",
                f"shop.mapping.{entity}.{field}",
            )
        place.words_seen[entity, field] = now


async def words_are_known(place: Place, fields: Iterable[tuple[str, str]], now: datetime) -> bool:
    """The same where something was found: that is told, and of the rest nothing is in order."""
    try:
        await known_words(place, fields, now)
    except ShopUnavailable:
        return False
    return True
