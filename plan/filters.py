"""Filters for what leaves the house as plain text: a vendor's ticket, a customer's message.

The messages in Slack have filters of the same names that write Slack's date elements and words in
the reader's language (`message_templates`); here there is neither a reader nor Slack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

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
}
