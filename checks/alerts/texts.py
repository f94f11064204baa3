"""Texts of a door's mapping: what stands in braces is a path into the alert, the rest is literal.

`service:{labels.service|storefront}`: the value at labels.service, or storefront where there is
none. A text that is one path alone gives the value as it is, a number or a truth included. A path
goes down names and places: `labels.service`, `hosts[0].name`, `labels["app/name"]`; `$` in front
begins at the whole body. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_STEP = re.compile(r'(?P<dot>\.?)(?P<name>[^.\[\]{}|"\s]+)|\["(?P<quoted>[^"]+)"\]|\[(?P<at>\d+)\]')
_ROOT = "$"
Scalar = str | int | float | bool


class NotAText(ValueError):
    """What is wrong with a text of the mapping, as the end of a sentence."""


class Lacking(Exception):
    """The alert has nothing, or no single value, at a path that has no default."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Path:
    """A way into the alert."""

    written: str
    steps: tuple[str | int, ...]
    default: str | None = None

    def found(self, alert: object, body: object) -> object:
        """What stands there; None where there is nothing."""
        steps, at = self.steps, alert
        if steps and steps[0] == _ROOT:
            steps, at = steps[1:], body
        for step in steps:
            at = _down(at, step)
        return at

    def value(self, alert: object, body: object) -> Scalar:
        """The one value there, or the default. Raises Lacking."""
        found = self.found(alert, body)
        if isinstance(found, str | int | float):
            return found
        if self.default is None:
            raise Lacking(self.written)
        return self.default


def _down(at: object, step: str | int) -> object:
    if isinstance(step, int):
        inside = isinstance(at, Sequence) and not isinstance(at, str) and step < len(at)
        return at[step] if inside and isinstance(at, Sequence) else None
    return at.get(step) if isinstance(at, Mapping) else None


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its paths."""

    parts: tuple[str | Path, ...]

    def value(self, alert: object, body: object) -> Scalar:
        """The text of this alert, or of a path alone the value. Raises Lacking."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Path):
            return self.parts[0].value(alert, body)
        return "".join(
            part if isinstance(part, str) else _written(part.value(alert, body))
            for part in self.parts
        )


def _written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=512)
def text(source: str) -> Text:
    """The text. Raises NotAText, which names what stands wrongly."""
    parts: list[str | Path] = []
    literal, at = "", 0
    while at < len(source):
        char = source[at]
        if source[at : at + 2] in ("{{", "}}"):
            literal, at = literal + char, at + 2
        elif char == "{":
            end = source.find("}", at)
            if end < 0:
                raise NotAText(f"“{source}” has a brace that is not closed")
            if literal:
                parts.append(literal)
            parts.append(_with_default(source[at + 1 : end]))
            literal, at = "", end + 1
        elif char == "}":
            raise NotAText(f"“{source}” closes a brace that is not open; write }}}} for one")
        else:
            literal, at = literal + char, at + 1
    if literal or not parts:
        parts.append(literal)
    return Text(tuple(parts))


def _with_default(written: str) -> Path:
    way, bar, default = written.partition("|")
    return path(way.strip(), default.strip() if bar else None)


def path(written: str, default: str | None = None) -> Path:
    """The path. Raises NotAText."""
    steps: list[str | int] = []
    at = 0
    while at < len(written):
        found = _STEP.match(written, at)
        # Between two names stands one dot; a place needs none.
        if found is None or (found["name"] is not None and (found["dot"] == ".") != bool(steps)):
            raise NotAText(
                f'“{written}” is no path; write it like labels.service, hosts[0] or labels["a/b"]'
            )
        place = found["at"]
        steps.append(int(place) if place is not None else found["name"] or found["quoted"])
        at = found.end()
    if not steps:
        raise NotAText("a path is empty; write it like {labels.service}")
    return Path(written, tuple(steps), default)
