"""Filters for what leaves the house as plain text: a vendor's ticket, a customer's message.

The messages in Slack have filters of the same names that write Slack's date elements and words in
the reader's language (`message_templates`); here there is neither a reader nor Slack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jinja2

from plan.holdings import holding
from storage.money import shown


def money(amount: Mapping[str, Any]) -> str:
    """`{"minor": 8642000, "currency": "TWD"}` → `NT$86,420`; the cents only where there are any."""
    return shown(int(amount["minor"]), str(amount["currency"]))


def _moment(moment: str | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)


def time(moment: str | datetime) -> str:
    """Hours and minutes, as UTC says them: outside Slack no reader's zone is known."""
    return f"{_moment(moment):%H:%M} UTC"


def day(moment: str | datetime) -> str:
    return f"{_moment(moment):%Y-%m-%d}"


def date(moment: str | datetime) -> str:
    return f"{_moment(moment):%Y-%m-%d %H:%M} UTC"


def count(number: int, one: str | None = None, many: str | None = None) -> str:
    """`1 order`, `41 orders`, `1,204 orders`; the number alone where no noun is given (Chinese)."""
    figure = int(number)  # a missing number raises: nothing is counted as nought by itself
    if one is None:
        return f"{figure:,}"
    return f"{figure:,} {one if figure == 1 else (many or one + 's')}"


def word(code: object) -> str:
    """A code as plain words: `channel_down` → `channel down`. In Slack the catalogue knows more."""
    return str(code).replace("_", " ")


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def duration(seconds: float) -> str:
    """`45 s`, `8 min`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def plain(text: object) -> str:
    """A person's own words, as they are."""
    return str(text)


def minutes(start: str | datetime, end: str | datetime) -> int:
    """Whole minutes between two moments, rounded, at least 1 if they differ."""
    seconds = (_moment(end) - _moment(start)).total_seconds()
    return max(1, round(seconds / 60)) if seconds else 0


def command(name: str) -> str:
    """A command as it is typed; where it is shown in Slack, by the workspace's own name."""
    return f"/{name}"


_ANY_ZONE = timedelta(hours=14)  # by how much a time without its zone may be another


def newer(items: Any, field: str, since: str | datetime) -> list[Mapping[str, Any]]:
    """Those of a list since then. One whose time cannot be read is among them: it may be so.

    Raises TypeError for what is no list: then nothing is known, and not that there is none.
    """
    if isinstance(items, jinja2.Undefined | str | Mapping) or not isinstance(items, Iterable):
        raise TypeError("a list was expected")
    mark = _moment(since)
    return [one for one in items if isinstance(one, Mapping) and _may_be(one.get(field), mark)]


def _may_be(given: Any, since: datetime) -> bool:
    """Whether a shop's time is since then, as far as it can be read."""
    try:
        if isinstance(given, int | float):
            seconds = given / 1000 if given > 1e11 else given
            return datetime.fromtimestamp(seconds, UTC) >= since
        moment = _moment(given)
    except (TypeError, ValueError, OverflowError, OSError):
        return True
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC) >= since - _ANY_ZONE
    return moment >= since


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money,
    "time": time,
    "day": day,
    "date": date,
    "percent": percent,
    "duration": duration,
    "word": word,
    "plain": plain,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "n": count,
    "minutes": minutes,
    "word": word,
    "money": money,
    "duration": duration,
    "holding": holding,
    "command": command,
    "newer": newer,
}
