"""File bounds: how large, how deep and how manifold one YAML file of people may be.

A few lines of YAML stand for billions of nodes by names for its parts, and some kilobytes of
brackets are deeper than the C library can go. So it is read event by event first: that needs no
recursion, and ends at the first thing too much.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LARGEST = 1024 * 1024  # characters of one file
NODES = 100_000  # in one file, with all that its names stand for
DEPTH = 60

FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class OutOfBounds(ValueError):
    """One sentence, with the line (from 1)."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


def read_text(path: Path) -> str:
    """The text of a regular file: a pipe would be waited for. Raises OutOfBounds."""
    if not path.is_file():
        raise OutOfBounds(1, "it is no file")
    if path.stat().st_size > LARGEST * 4:
        raise OutOfBounds(1, f"it is larger than {LARGEST * 4} bytes")
    return path.read_text(encoding="utf-8")


def check(text: str, parser: Any = FAST) -> None:
    """Raises OutOfBounds; what is no YAML is left to who reads it.

    `parser`: the one by which it is read then: another may take for no YAML what this one reads.
    """
    if len(text) > LARGEST:
        raise OutOfBounds(1, f"it is longer than {LARGEST} characters")
    try:
        _Measure().of(parser(text))
    except yaml.YAMLError:
        return


class _Measure:
    """Counts what a document would come to with its names written out."""

    def __init__(self) -> None:
        self._open: list[tuple[str | None, int]] = []  # anchor, nodes before it began
        self._named: dict[str, int] = {}
        self._nodes = 0

    def of(self, parser: Any) -> None:
        while parser.check_event():
            event = parser.get_event()
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                self._nodes += self._named.get(str(event.anchor), 1)
            elif isinstance(event, yaml.ScalarEvent):
                self._nodes += 1
                if event.anchor:
                    self._named[event.anchor] = 1
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open.append((event.anchor, self._nodes))
                self._nodes += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = self._open.pop()
                if anchor:
                    self._named[anchor] = self._nodes - before
            if self._nodes > NODES:
                raise OutOfBounds(line, f"it stands for more than {NODES} values")
            if len(self._open) > DEPTH:
                raise OutOfBounds(line, f"it is nested more than {DEPTH} deep")
