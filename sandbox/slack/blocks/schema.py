"""Schema: the few kinds of rules that Block Kit's schema table is written in.

A rule looks at one value at one JSON pointer and adds what it finds wrong. The words of the
problems are those of Slack's own validator, as far as its public answers show them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sandbox.slack.errors import Json


class Problem(NamedTuple):
    pointer: str
    code: str
    message: str

    def words(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer or '/'}]"


class Found:
    """The problems found so far, and the surface (message, modal, home) that is looked at."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self.problems: list[Problem] = []

    def add(self, pointer: str, message: str, code: str = "failed_constraint") -> None:
        self.problems.append(Problem(pointer, code, message))


class Rule(Protocol):
    def check(self, value: Any, at: str, found: Found) -> None: ...


@dataclass(frozen=True)
class Text:
    """A string; `longest` and `shortest` in characters."""

    longest: int | None = None
    shortest: int = 1
    pattern: re.Pattern[str] | None = None
    choices: frozenset[str] = frozenset()
    meaning: str = ""

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, str):
            found.add(at, "must provide a string", "invalid_type")
        elif self.choices and value not in self.choices:
            found.add(at, f"must be one of: {', '.join(sorted(self.choices))}", "invalid_enum")
        elif len(value) < self.shortest:
            found.add(at, f"must be more than {self.shortest - 1} characters")
        elif self.longest is not None and len(value) > self.longest:
            found.add(at, f"must be less than {self.longest + 1} characters")
        elif self.pattern is not None and not self.pattern.fullmatch(value):
            found.add(at, self.meaning or "must match the expected format")


@dataclass(frozen=True)
class Whole:
    least: int | None = None
    most: int | None = None

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            found.add(at, "must provide an integer", "invalid_type")
        elif self.least is not None and value < self.least:
            found.add(at, f"must be at least {self.least}")
        elif self.most is not None and value > self.most:
            found.add(at, f"must be at most {self.most}")


@dataclass(frozen=True)
class Number:
    above: float | None = None

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            found.add(at, "must provide a number", "invalid_type")
        elif self.above is not None and value <= self.above:
            found.add(at, f"must be greater than {self.above:g}")


@dataclass(frozen=True)
class Flag:
    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, bool):
            found.add(at, "must provide a boolean", "invalid_type")


@dataclass(frozen=True)
class Many:
    """An array; every item follows `item`."""

    item: Rule
    least: int = 1
    most: int | None = None

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, list):
            found.add(at, "must provide an array", "invalid_type")
            return
        if len(value) < self.least:
            found.add(at, f"no fewer than {self.least} items allowed")
        if self.most is not None and len(value) > self.most:
            found.add(at, f"no more than {self.most} items allowed")
            return
        for index, entry in enumerate(value):
            self.item.check(entry, f"{at}/{index}", found)


Extra = Callable[[Json, str, Found], None]


@dataclass(frozen=True)
class Record:
    """An object with exactly these fields; `extra` are rules between the fields."""

    fields: Mapping[str, Rule]
    required: frozenset[str] = frozenset()
    extra: Sequence[Extra] = ()
    surfaces: frozenset[str] = field(default=frozenset({"message", "modal", "home"}))

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, dict):
            found.add(at, "must provide an object", "invalid_type")
            return
        before = len(found.problems)
        for name in value:
            if name not in self.fields:
                found.add(at, f"invalid additional property: {name}", "additional_property")
        for name in self.required:
            if name not in value:
                found.add(at, f"missing required field: {name}", "missing_field")
        for name, rule in self.fields.items():
            if name in value:
                rule.check(value[name], f"{at}/{name}", found)
        if len(found.problems) == before:
            for extra in self.extra:
                extra(value, at, found)


@dataclass(frozen=True)
class ByType:
    """An object whose `type` names which of the records it must be."""

    kinds: Mapping[str, Record]

    def check(self, value: Any, at: str, found: Found) -> None:
        if not isinstance(value, dict):
            found.add(at, "must provide an object", "invalid_type")
            return
        kind = value.get("type")
        if kind is None:
            found.add(at, "missing required field: type", "missing_field")
            return
        record = self.kinds.get(kind) if isinstance(kind, str) else None
        if record is None:
            found.add(f"{at}/type", f"unsupported type: {kind}", "unsupported_type")
        elif found.surface not in record.surfaces:
            found.add(
                f"{at}/type", f"unsupported type: {kind} in {found.surface}", "unsupported_type"
            )
        else:
            record.check(value, at, found)


class Later:
    """A rule that is named before it is made: blocks that hold blocks."""

    def __init__(self, get: Callable[[], Rule]) -> None:
        self._get = get

    def check(self, value: Any, at: str, found: Found) -> None:
        self._get().check(value, at, found)


def typed(
    kind: str,
    fields: Mapping[str, Rule],
    required: Sequence[str] = (),
    extra: Sequence[Extra] = (),
    surfaces: Sequence[str] = ("message", "modal", "home"),
) -> Record:
    """A record whose `type` is `kind`."""
    everything: dict[str, Rule] = {"type": Text(choices=frozenset({kind})), **fields}
    return Record(everything, frozenset({"type", *required}), tuple(extra), frozenset(surfaces))


def one_of(*names: str) -> Extra:
    """At least one of the fields is there."""

    def extra(value: Json, at: str, found: Found) -> None:
        if not any(name in value for name in names):
            found.add(at, f"must define one of: {', '.join(names)}", "missing_field")

    return extra


def not_both(first: str, second: str) -> Extra:
    def extra(value: Json, at: str, found: Found) -> None:
        if first in value and second in value:
            found.add(at, f"cannot provide both {first} and {second}")

    return extra
