"""Cache of the parsed plan: what the files came to, kept by what they say.

Reading and checking the files of 27 sections takes most of a second; what came of it is one JSON
file in the person's own cache folder, named by the hash of the files and of the code that reads
them. A cache that cannot be read or written is no fault: the files are parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_READERS = (
    "model.py",
    "loader.py",
    "defaults.py",
    "phrases.py",
    "plan_cache.py",
    "languages.py",
    "kept_plan.py",
)
_KEPT = 8  # the newest; older ones are of plans that are no more
_NAME = "plan-{}.json"
# No such folder, no home at all, not ours to read, not what we wrote, not to be written as JSON.
_NOT_KEPT = (OSError, RuntimeError, TypeError, ValueError)


@cache
def _code() -> bytes:
    """What of our own code says how files are read: another version reads them anew."""
    digest = hashlib.sha256()
    for name in _READERS:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.digest()


def folder() -> Path:
    """Where it is kept: the person's own, and nobody else's (a plan says what buttons do)."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(home) / "muster"


def _file(fingerprint: str) -> Path:
    name = hashlib.sha256(_code() + fingerprint.encode()).hexdigest()[:32]
    return folder() / _NAME.format(name)


def read(fingerprint: str) -> dict[str, Any] | None:
    """What was kept for files of this fingerprint, with its `content`; None if it is not by us.

    The first line holds the rest, the other the plan's content as it is: it is long.
    """
    try:
        file = _file(fingerprint)
        kept = file.stat()
        if kept.st_uid != os.getuid() or kept.st_mode & 0o022:
            return None
        first, _, content = file.read_text(encoding="utf-8").partition("\n")
        return {**json.loads(first), "content": content}
    except _NOT_KEPT:
        return None


def write(fingerprint: str, content: str, rest: Mapping[str, Any]) -> None:
    """Keeps it, whole or not at all."""
    with suppress(*_NOT_KEPT):
        file = _file(fingerprint)
        half = file.with_suffix(f".{os.getpid()}")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half.touch(mode=0o600)
        half.write_text(f"{json.dumps(rest, ensure_ascii=False)}\n{content}", encoding="utf-8")
        half.replace(file)
        by_age = sorted(
            file.parent.glob(_NAME.format("*")), key=lambda f: f.stat().st_mtime, reverse=True
        )
        for old in by_age[_KEPT:]:
            old.unlink(missing_ok=True)
