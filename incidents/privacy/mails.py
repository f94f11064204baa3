"""Mail addresses, also as people spell them to hide them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidents.privacy.found import Found

_LOCAL = r"(?<![A-Za-z0-9_.+'-])[A-Za-z0-9_.+'-]+"
_LABEL = r"[A-Za-z0-9][A-Za-z0-9-]*"
_WRITTEN = re.compile(rf"{_LOCAL}\s?@\s?{_LABEL}(?:\.{_LABEL})+")
_AT = r"\s?(?:\(at\)|\[at\]|\{at\}|<at>)\s?"
_DOT = r"\s?(?:\.|\(dot\)|\[dot\]|\{dot\}|<dot>)\s?"
_HIDDEN = re.compile(rf"{_LOCAL}{_AT}{_LABEL}(?:{_DOT}{_LABEL})+", re.IGNORECASE)
_SPOKEN = re.compile(rf"{_LOCAL}\s(?:at|@)\s{_LABEL}(?:\s(?:dot|\.)\s{_LABEL})+", re.IGNORECASE)
_FOREIGN = re.compile(r"[\w.+-]{1,64}@(?:[^\W_][\w-]{0,62}\.)+[^\W\d_]{2,}")


def mails(text: str) -> Iterator[Found]:
    """The mail addresses in the text."""
    if "@" in text:
        yield from (Found("email", m.start(), m.end()) for m in _WRITTEN.finditer(text))
        for at in re.finditer("@", text):
            match = _FOREIGN.match(text, _begin(text, at.start()))
            if match is not None:
                yield Found("email", match.start(), match.end())
    lowered = text.lower()
    if "at" in lowered or "@" in lowered:
        for pattern in (_HIDDEN, _SPOKEN):
            yield from (Found("email", m.start(), m.end()) for m in pattern.finditer(text))


def _begin(text: str, at: int) -> int:
    start = at
    while start and at - start < 64 and (text[start - 1].isalnum() or text[start - 1] in "_.+-"):
        start -= 1
    return start
