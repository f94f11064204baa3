"""Identifiers as people give them back: pasted from Slack, a mail or an older message.

Earlier versions showed letters that only looked like those of the number, and word joiners inside
it. Whoever pastes such a number means the one that the shop knows.
"""

from __future__ import annotations

import re

_TWINS = str.maketrans({"∗": "*", "∼": "~", "ˋ": "`", "ˍ": "_"})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def as_written(text: str) -> str:
    """The identifier in its own characters."""
    plain = _INVISIBLE.sub("", text).translate(_TWINS).strip()
    return f">{plain[1:]}" if plain.startswith("›") else plain
