"""Looked rows of a check: which rows of an entity it goes over, and by which fields it judges them.

A row whose field holds nothing that can be read is left out by every comparison, in silence. So
what is compared is said here, that it can be counted beside what is found.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LookedRows:
    """Rows of one entity: of these words (by field), and of one time on (a field, a parameter).

    `fields`: by what they are judged. A field for whose absence is asked is none of them.
    """

    entity: str
    fields: tuple[str, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    since: tuple[str, str] | None = None
