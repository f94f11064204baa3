"""Cache of the parsed plan: what the files came to, kept by what they say.

Reading and checking the files of 27 sections takes most of a second; what came of it is one file,
named by the hash of the files and of the code that reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from storage.kept_files import NOT_KEPT, KeptFiles, digest_of

_READERS = (
    "model.py",
    "loader.py",
    "sources.py",
    "defaults.py",
    "phrases.py",
    "plan_cache.py",
    "languages.py",
    "kept_plan.py",
)
_KEPT = KeptFiles("plan", most=8)  # older ones are of plans that are no more


@cache
def _code() -> bytes:
    return digest_of(Path(__file__).parent / name for name in _READERS)


def read(fingerprint: str) -> dict[str, Any] | None:
    """What was kept for files of this fingerprint, with its `content`; None if it is not by us.

    The first line holds the rest, the other the plan's content as it is: it is long.
    """
    kept = _KEPT.read(_code() + fingerprint.encode())
    if kept is None:
        return None
    first, _, content = kept.partition("\n")
    try:
        return {**json.loads(first), "content": content}
    except NOT_KEPT:
        return None


def write(fingerprint: str, content: str, rest: Mapping[str, Any]) -> None:
    """Keeps it."""
    text = f"{json.dumps(rest, ensure_ascii=False)}\n{content}"
    _KEPT.write(_code() + fingerprint.encode(), text)
