"""Datetimes: dates and times: Slack's date elements, and the words for them where there is no
element.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

from babel.dates import format_date

from message_templates.text_parts import Moment
from plan.languages import row

# Slack's own date tokens (date formatting in mrkdwn and rich_text).
_FORMATS = {
    "time": "{time}",
    "date": "{date_short} {time}",
    "day": "{date_short}",
}


def read(value: object) -> datetime | date:
    """A moment from a datetime, an ISO text or seconds since 1970; a bare day stays a day.

    Raises ValueError if it is none of these.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    text = str(value)
    if len(text) == 10:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day_words(day: date, language: str) -> str:
    """`12 Nov`, `11/12`."""
    reads = row(language)
    return format_date(day, reads.day, locale=reads.locale)


def zone_words(moment: datetime) -> str:
    """`UTC+8`, `UTC+5:30`, `UTC`."""
    offset = moment.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    if minutes == 0:
        return "UTC"
    sign = "+" if minutes > 0 else "-"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def moment(value: datetime, kind: str, *, language: str, zone: tzinfo | None) -> Moment:
    """The element of a moment; its plain words name the zone only where the reader's is unknown."""
    local = value.astimezone(zone or UTC)
    clock, day = f"{local:%H:%M}", day_words(local.date(), language)
    words = {"time": clock, "day": day}.get(kind, f"{day} {clock}")
    zoned = words if kind == "day" else f"{words} {zone_words(local)}"
    plain = words if zone is not None else zoned
    return Moment(int(value.timestamp()), _FORMATS.get(kind, _FORMATS["date"]), zoned, plain)
