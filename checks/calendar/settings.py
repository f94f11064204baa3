"""Settings of the calendar: when the house is open, holidays, own days, campaigns and peak hours.

Hours are those of the clock on the wall in the calendar's zone. A day is written `2026-12-31`, a
stretch of hours `09:00-18:00`, days of the week `mon`, `mon-fri`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checks.queries.entity_mapping import Zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Minutes = tuple[int, int]
"""From and to, in minutes since midnight on the wall; the end is not in it."""

_SPAN = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_DAYS = re.compile(r"\d{4}-\d{2}-\d{2}")


def _span(written: Any) -> Minutes:
    found = _SPAN.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError(f"“{written}” is no stretch of hours; write it like 09:00-18:00")
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or start >= 1440 or end > 1440:
        raise ValueError(f"“{written}” is not of one day; hours go from 00:00 to 24:00")
    if end <= start:
        raise ValueError(
            f"“{written}” ends before it begins; what goes past midnight is two stretches: "
            "22:00-24:00, and 00:00-02:00 of the next day"
        )
    return start, end


def _spans(written: Any) -> tuple[Minutes, ...]:
    """The stretches of one day, in their order."""
    if not isinstance(written, list | tuple):
        raise ValueError("write hours as a list of stretches: [09:00-12:00, 13:00-18:00]")
    spans = sorted(_span(one) if isinstance(one, str) else _kept(one) for one in written)
    for before, after in pairwise(spans):
        if after[0] < before[1]:
            raise ValueError("two stretches of the same day overlap; make one of them")
    return tuple(spans)


def _kept(one: Any) -> Minutes:
    """A stretch that was read before; anything else is refused as it is written."""
    if isinstance(one, tuple) and len(one) == 2 and all(isinstance(part, int) for part in one):
        return one
    return _span(one)


def _week(written: Any) -> dict[str, tuple[Minutes, ...]]:
    """The stretches by weekday, for `mon` and `mon-fri` alike."""
    if not isinstance(written, Mapping) or not written:
        raise ValueError("write hours by days of the week: {mon-fri: [09:00-18:00]}")
    found: dict[str, tuple[Minutes, ...]] = {}
    for days, spans in written.items():
        for day in _days_of_week(days):
            if day in found:
                raise ValueError(f"“{day}” stands twice; keep one")
            found[day] = _spans(spans)
    if not any(found.values()):
        raise ValueError("no day of the week has an hour; give at least one")
    return found


def _days_of_week(written: Any) -> tuple[str, ...]:
    first, _, last = str(written).partition("-")
    names = (first, last or first)
    strange = [name for name in names if name not in WEEKDAYS]
    if strange:
        raise ValueError(
            f"“{written}” is no day of the week; there are {', '.join(WEEKDAYS)}, and mon-fri"
        )
    start, end = (WEEKDAYS.index(name) for name in names)
    if end < start:
        raise ValueError(f"“{written}” ends before it begins; the week begins on mon")
    return WEEKDAYS[start : end + 1]


def _date(written: Any) -> date:
    """A day: of YAML, or as it is written."""
    if isinstance(written, date) and not isinstance(written, datetime):
        return written
    if isinstance(written, str) and _DAYS.fullmatch(written):
        try:
            return date.fromisoformat(written)
        except ValueError:
            pass
    raise ValueError(f"“{written}” is no day; write it like 2026-12-31")


def _wall(written: Any) -> date | datetime:
    """A whole day, or a moment of the clock on the wall."""
    found = written
    if isinstance(written, str) and not _DAYS.fullmatch(written):
        try:
            found = datetime.fromisoformat(written)
        except ValueError:
            found = None
    if isinstance(found, datetime):
        if found.tzinfo is not None:
            raise ValueError(f"“{written}” names a zone; times are of calendar.zone")
        return found
    if found is None:
        raise ValueError(f"“{written}” is no time; write it like 2026-11-11 or 2026-11-11 20:00")
    return _date(found)


Week = Annotated[dict[str, tuple[Minutes, ...]], BeforeValidator(_week)]
Wall = Annotated[Any, BeforeValidator(_wall)]


def _own_days(written: Any) -> dict[date, Any]:
    """What is said of single days: `closed`, the day of the week whose hours it has, or hours."""
    if not isinstance(written, Mapping):
        raise ValueError("write days by their date: {2026-12-31: closed}")
    found: dict[date, Any] = {}
    for when, said in written.items():
        day = _date(when)
        if day in found:
            raise ValueError(f"{day} stands twice; keep one")
        if isinstance(said, str) and (said == "closed" or said in WEEKDAYS):
            found[day] = said
        elif isinstance(said, list | tuple) and said:
            found[day] = _spans(said)
        else:
            raise ValueError(
                f"{day} is “{said}”; it is closed, has the hours of a weekday (fri), or its own "
                "([10:00-14:00])"
            )
    return found


OwnDays = Annotated[dict[date, Any], BeforeValidator(_own_days)]


class Holidays(BaseModel):
    """Public holidays of a country, or of a part of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str
    subdivision: str | None = None

    @model_validator(mode="after")
    def _there_are_such(self) -> Holidays:
        _ = self.of_it
        return self

    @cached_property
    def of_it(self) -> Mapping[date, str]:
        """The holidays by day. Raises ValueError for a country or part that is not known."""
        # Read here: who names no country does not pay for the package at the start.
        import holidays

        countries = holidays.list_supported_countries()
        if self.country not in countries:
            raise ValueError(
                f"holidays of “{self.country}” are not known; write a country's two capital "
                "letters, like TW, or name the days in calendar.days"
            )
        if self.subdivision is not None and self.subdivision not in countries[self.country]:
            known = ", ".join(countries[self.country]) or "none"
            raise ValueError(
                f"{self.country} has no part “{self.subdivision}” with holidays of its own; "
                f"there are {known}"
            )
        return holidays.country_holidays(self.country, subdiv=self.subdivision)


class Campaign(BaseModel):
    """A time in which more comes in than usual. A `to` that is a day is in it as a whole."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[str, Field(min_length=1, max_length=60)]
    from_: Wall = Field(alias="from")
    to: Wall
    factor: Annotated[float, Field(gt=0, le=1000)] | None = None  # how much more, at most

    @property
    def start(self) -> datetime:
        """On the wall."""
        return _midnight(self.from_)

    @property
    def end(self) -> datetime:
        """On the wall; it is over then."""
        if isinstance(self.to, datetime):
            return self.to
        return _midnight(self.to) + timedelta(days=1)

    @model_validator(mode="after")
    def _goes_on(self) -> Campaign:
        if self.end <= self.start:
            raise ValueError(f"the campaign “{self.name}” ends before it begins")
        return self


def _midnight(day: date | datetime) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - on the wall


def _apart(campaigns: list[Campaign]) -> list[Campaign]:
    for before, after in pairwise(sorted(campaigns, key=lambda one: one.start)):
        if after.start < before.end:
            raise ValueError(
                f"the campaigns “{before.name}” and “{after.name}” overlap; make one of them"
            )
    return campaigns


class CalendarSettings(BaseModel):
    """The whole of `calendar`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: Zone | None = None  # None: time_zone
    hours: Week | None = None  # when the house works; None: nothing counts working hours
    holidays: Holidays | None = None
    days: OwnDays = {}
    campaigns: Annotated[list[Campaign], AfterValidator(_apart)] = []
    peak: Week | None = None  # hours in which most comes in

    @model_validator(mode="after")
    def _days_have_hours(self) -> CalendarSettings:
        for day, said in self.days.items():
            if self.hours is None and said != "closed":
                raise ValueError(f"days: {day} is open, and there are no hours; add calendar.hours")
            if said in WEEKDAYS and not (self.hours or {}).get(said):
                raise ValueError(f"days: {day} has the hours of {said}, which has none")
        return self
