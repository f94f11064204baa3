"""Reading of a body: its alerts by the door's mapping, or one sentence why it cannot be read.

Of a body with several alerts those that fit are taken, and what is wrong with the others is said:
one odd alert must not keep back the one that somebody has to be woken for.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from checks.alerts import texts
from checks.alerts.model import Alert
from checks.alerts.settings import ByWord, DoorSettings, Holds
from checks.alerts.texts import Lacking, Scalar
from plan.model import Fact

MOST = 1000  # alerts in one body
_LONGEST_SUBJECT = 120
_LONGEST_FACT = 300
_LONGEST_WORDS = 500
_MILLISECONDS = 100_000_000_000  # from here on a number of seconds would be the year 5138
_EARLIEST = 2000  # a year before it is a source's way to say "not yet": 0001-01-01T00:00:00Z
FORMS = ("text", "code", "number", "flag", "time")  # kinds of fact that an alert can bring

FactKinds = Mapping[str, Mapping[str, Fact]]
"""The facts of each incident type, by dotted name."""


class Unreadable(Exception):
    """Why nothing of the body can be taken, in one sentence."""


class _Unfit(Exception):
    """Why one alert cannot be taken: the end of a sentence."""


@dataclass(frozen=True)
class Read:
    """What a body holds. `left_out`: a sentence for each alert that does not fit the mapping."""

    alerts: tuple[Alert, ...]
    left_out: tuple[str, ...] = ()
    ignored: int = 0


class Reader:
    """Reads the bodies of one door."""

    def __init__(self, name: str, door: DoorSettings, facts: FactKinds) -> None:
        self._place = f"alerts.{name}"
        self._name = name
        self._door = door
        self._facts = facts

    def read(self, raw: bytes) -> Read:
        """Its alerts. Raises Unreadable."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Unreadable("The body is not JSON in UTF-8.") from None
        alerts: list[Alert] = []
        left_out: list[str] = []
        ignored = 0
        for place, item in self._items(body):
            try:
                found = self._alert(item, body)
            except _Unfit as error:
                left_out.append(f"{place} {error}.")
                continue
            except Lacking as error:
                left_out.append(f"{place} has no single value at “{error.path}” ({self._place}).")
                continue
            if found is None:
                ignored += 1
            else:
                alerts.append(found)
        if left_out and not alerts and not ignored:
            more = f" So it is with {len(left_out)} alerts." if len(left_out) > 1 else ""
            raise Unreadable(left_out[0] + more)
        return Read(tuple(alerts), tuple(left_out), ignored)

    def _items(self, body: object) -> list[tuple[str, object]]:
        if self._door.each is None:
            if not isinstance(body, dict):
                raise Unreadable("The body is no JSON object.")
            return [("The body", body)]
        way = texts.path(self._door.each)
        found = way.found(body, body)
        if not isinstance(found, list):
            raise Unreadable(f"The body has no list at “{way.written}” ({self._place}.each).")
        if len(found) > MOST:
            raise Unreadable(f"The body has {len(found)} alerts; send {MOST} at most in one.")
        return [(f"{way.written}[{at}]", item) for at, item in enumerate(found)]

    def _alert(self, item: object, body: object) -> Alert | None:
        """None: the mapping says that it is to be ignored."""
        door = self._door
        if door.ignored is not None and self._holds(door.ignored, item, body, lacking=False):
            return None
        said = _clean(str(self._text(door.key, item, body)), _LONGEST_WORDS)
        if not said:
            raise _Unfit(f"has an empty key ({self._place}.key)")
        over = door.resolved is not None and self._holds(door.resolved, item, body)
        common: dict[str, Any] = {
            "key": _digest(str(self._text(door.key, item, body))),
            "over": over,
            "started": self._moment(door.started, item, body),
            "ended": self._moment(door.ended, item, body) if over else None,
        }
        if over:  # of what it is was said when it began
            return Alert(**common)
        kind = str(self._chosen("incident_type", item, body))
        return Alert(
            **common,
            subject=self._subject(said, item, body),
            incident_type=kind,
            severity=self._severity(item, body),
            says=self._says(item, body),
            facts=self._facts_of(kind, item, body),
        )

    def _text(self, source: str, item: object, body: object) -> Scalar:
        return texts.text(source).value(item, body)

    def _holds(self, wanted: Holds, item: object, body: object, *, lacking: bool = True) -> bool:
        """`lacking`: whether an alert that says nothing there cannot be taken."""
        try:
            said = self._text(wanted.from_, item, body)
        except Lacking:
            if lacking:
                raise
            return False
        return _word(said) in wanted.words

    def _chosen(self, key: str, item: object, body: object) -> Scalar:
        given = getattr(self._door, key)
        return self._by_word(key, given, item, body) if isinstance(given, ByWord) else given

    def _by_word(self, key: str, given: ByWord, item: object, body: object) -> Scalar:
        try:
            said = _word(self._text(given.from_, item, body))
        except Lacking:
            if given.otherwise is None:
                raise
            return given.otherwise
        found = given.words.get(said, given.otherwise)
        if found is None:
            raise _Unfit(f"says a word that is not among those of {self._place}.{key}")
        return found

    def _subject(self, key: str, item: object, body: object) -> str:
        """What is one incident. One that is too long keeps what tells it from another."""
        door = self._door
        wanted = f"{self._name}:{key}"
        if door.subject is not None:
            wanted = str(self._text(door.subject, item, body))
        subject = _clean(wanted, _LONGEST_SUBJECT)
        if not subject:
            raise _Unfit(f"has an empty subject ({self._place}.subject)")
        if subject.endswith("…"):
            subject = f"{subject[: _LONGEST_SUBJECT - 13]}…{_digest(wanted)[:12]}"
        return subject

    def _severity(self, item: object, body: object) -> int | None:
        if self._door.severity is None:
            return None
        return int(self._chosen("severity", item, body))

    def _says(self, item: object, body: object) -> str | None:
        if self._door.says is None:
            return None
        try:
            said = self._text(self._door.says, item, body)
        except Lacking:
            return None
        return _clean(str(said), _LONGEST_WORDS) or None

    def _moment(self, source: str | None, item: object, body: object) -> datetime | None:
        """A time that cannot be read is not known."""
        if source is None:
            return None
        try:
            return moment(self._text(source, item, body))
        except Lacking:
            return None

    def _facts_of(self, kind: str, item: object, body: object) -> dict[str, Any]:
        """Those that the alert has in the form that the incident type knows; the rest are not
        known."""
        known, found = self._facts.get(kind, {}), dict[str, Any]()
        for name, given in self._door.facts.items():
            if name not in known:
                continue  # of another of the door's types
            try:
                value = (
                    self._by_word(f"facts.{name}", given, item, body)
                    if isinstance(given, ByWord)
                    else self._text(given, item, body)
                    if isinstance(given, str)
                    else given
                )
            except (Lacking, _Unfit):
                continue
            formed = as_fact(known[name].kind, value)
            if formed is not None:
                found[name] = formed
        return found


def _word(said: Scalar) -> str:
    return str(said).lower() if isinstance(said, bool) else str(said)


def as_fact(kind: str, value: Scalar) -> Any:
    """The value in the form of that kind of fact; None where it has not got it."""
    if kind == "text":
        return _clean(_word(value), _LONGEST_FACT) or None
    if kind == "code":
        word = _clean(_word(value), 40).lower().replace(" ", "_")
        return word if word.replace("_", "").replace("-", "").isalnum() and word.isascii() else None
    if kind == "number":
        return _number(value)
    if kind == "flag":
        return {"true": True, "false": False}.get(_word(value).lower())
    if kind == "time":
        at = moment(value)
        return at.isoformat() if at is not None else None
    return None


def _number(value: Scalar) -> int | float | None:
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    if not math.isfinite(found) or abs(found) >= 1e15:
        return None
    return int(found) if found == int(found) else found


def moment(value: Scalar) -> datetime | None:
    """A time of ISO 8601 with its zone, or of the epoch in seconds or milliseconds; in UTC."""
    number = _number(value) if not isinstance(value, str) or value.isdigit() else None
    try:
        if number is not None:
            seconds = number / 1000 if number >= _MILLISECONDS else number
            found = datetime.fromtimestamp(seconds, UTC)
        else:
            found = datetime.fromisoformat(str(value).strip())
            if found.tzinfo is None:
                return None
            found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year >= _EARLIEST else None


def _clean(text: str, longest: int) -> str:
    """On one line, without what cannot be seen or stored."""
    if len(text) > 4 * longest:  # a sender may send a megabyte, and others wait meanwhile
        text = text[: 4 * longest] + "…"
    seen = "".join(" " if c.isspace() else c for c in text)
    kept = "".join(c for c in seen if unicodedata.category(c) not in ("Cc", "Cs", "Cn", "Co"))
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
