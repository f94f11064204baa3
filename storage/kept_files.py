"""Kept files: what was worked out once, for the next process of the same person and nobody else's.

They say what buttons do and what a shop's database is asked: a file that another could have written
is not believed. One that cannot be read or written is no fault, the work is done again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# No such folder, no home at all, not ours to read, not what we wrote, not to be written as JSON.
NOT_KEPT = (OSError, RuntimeError, TypeError, ValueError)


def folder() -> Path:
    """Where they are kept: the person's own cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(home) / "muster"


def digest_of(files: Iterable[Path]) -> bytes:
    """What these files of code say: another version works things out anew."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.digest()


@dataclass(frozen=True)
class KeptFiles:
    """Files of one kind, by what they were made from. `most`: the newest so many stay."""

    kind: str
    most: int

    def read(self, made_from: bytes) -> str | None:
        """None: it is not kept, or not by us alone."""
        try:
            file = self._file(made_from)
            kept = file.stat()
            if kept.st_uid != os.getuid() or kept.st_mode & 0o022:
                return None
            return file.read_text(encoding="utf-8")
        except NOT_KEPT:
            return None

    def write(self, made_from: bytes, text: str) -> None:
        """Keeps it, whole or not at all."""
        with suppress(*NOT_KEPT):
            file = self._file(made_from)
            half = file.with_suffix(f".{os.getpid()}")
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            half.touch(mode=0o600)
            half.write_text(text, encoding="utf-8")
            half.replace(file)
            by_age = sorted(
                file.parent.glob(f"{self.kind}-*.json"),
                key=lambda one: one.stat().st_mtime,
                reverse=True,
            )
            for old in by_age[self.most :]:
                old.unlink(missing_ok=True)

    def _file(self, made_from: bytes) -> Path:
        return folder() / f"{self.kind}-{hashlib.sha256(made_from).hexdigest()[:32]}.json"
