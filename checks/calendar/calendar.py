"""Calendar: turns a limit in working time into the instant before which something is late.

A minute is worked in when the clock on the wall says so: where the clock is put on an hour of work
may be missing, where it is put back one may come twice. A day is exactly as long as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from checks.calendar.settings import WEEKDAYS, CalendarSettings, Campaign, Minutes, Week

_DAY = timedelta(days=1)
_NO_TIME = timedelta(0)
_MOST_DAYS = 366 * 12  # that are gone back; a limit has at most a year of working time
Span = tuple[datetime, datetime]


class NoHours(ValueError):
    """Working time is asked for, and the calendar has no hours."""


@dataclass(frozen=True)
class Calendar:
    """What the configuration says of days and hours, in one zone."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    settings: CalendarSettings = field(default_factory=CalendarSettings)

    @property
    def has_hours(self) -> bool:
        return self.settings.hours is not None

    # --- working time

    def working_hours_before(self, now: datetime, limit: timedelta) -> datetime:
        """The instant since which just `limit` was worked: what is older has waited longer.

        Where the house was closed then, it is the end of the working time before. NoHours.
        """
        left = limit
        for start, end in self._worked_before(now):
            length = end - start
            if length > left:
                return end - left
            left -= length
        raise NoHours("the calendar has no such working time in twelve years")

    def working_days_before(self, now: datetime, days: int) -> datetime:
        """The same time so many working days ago, one at least. A day without work counts as the
        beginning of the next day with some, for what came in on it and for now. Raises NoHours."""
        local = now.astimezone(self.zone)
        day, time = local.date(), local.time().replace(fold=local.fold)
        if not self.spans_of(day):
            day, time = self._next_working(day), datetime.min.time()
        for _ in range(days):
            day = self._next_working(day, back=True)
        if time == datetime.min.time():  # what came on the days without work before it counts so
            day = self._next_working(day, back=True) + _DAY
        return datetime.combine(day, time, self.zone).astimezone(UTC)

    def _next_working(self, day: date, *, back: bool = False) -> date:
        for _ in range(_MOST_DAYS):
            day = day - _DAY if back else day + _DAY
            if self.spans_of(day):
                return day
        raise NoHours("the calendar has no working day in twelve years")

    def _worked_before(self, now: datetime) -> Iterator[Span]:
        """The stretches that were worked until now, the latest first."""
        day = now.astimezone(self.zone).date() + _DAY  # a clock put back may come twice to a day
        for _ in range(_MOST_DAYS):
            for start, end in sorted(self._instants(day, self.spans_of(day)), reverse=True):
                if start < now:
                    yield start, min(end, now)
            day -= _DAY

    def spans_of(self, day: date) -> tuple[Minutes, ...]:
        """When the house works on that day, on the wall. Raises NoHours."""
        settings = self.settings
        if settings.hours is None:
            raise NoHours("the calendar has no hours")
        said = settings.days.get(day)
        if said == "closed":
            return ()
        if said is None:
            return () if self._is_holiday(day) else _of_weekday(settings.hours, day)
        return settings.hours[said] if isinstance(said, str) else said

    def _is_holiday(self, day: date) -> bool:
        return self.settings.holidays is not None and day in self.settings.holidays.of_it

    def _instants(self, day: date, spans: tuple[Minutes, ...]) -> Iterator[Span]:
        for lower, upper, offset in _stretches(self.zone, day):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset
            for start, end in spans:
                begins = max(midnight + timedelta(minutes=start), lower)
                ends = min(midnight + timedelta(minutes=end), upper)
                if begins < ends:
                    yield begins, ends

    # --- days that are not like the others

    def unlike(self, start: datetime, end: datetime) -> bool:
        """Whether a holiday, an own day or a campaign lies in that time: it is no usual one."""
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            if day in self.settings.days or self._is_holiday(day):
                return True
            day += _DAY
        return any(
            self._on_wall(one.start) < end and start < self._on_wall(one.end)
            for one in self.settings.campaigns
        )

    def campaign(self, moment: datetime) -> tuple[Campaign, datetime] | None:
        """The campaign that is on at that moment, and since when it is."""
        for one in self.settings.campaigns:
            start = self._on_wall(one.start)
            if start <= moment < self._on_wall(one.end):
                return one, start
        return None

    def is_peak(self, moment: datetime) -> bool:
        """Whether it is an hour in which most comes in, or a campaign is on."""
        if self.campaign(moment) is not None:
            return True
        peak, local = self.settings.peak, moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return peak is not None and any(
            start <= minute < end for start, end in _of_weekday(peak, local.date())
        )

    def weeks_ago(self, moment: datetime, weeks: int) -> datetime:
        """The same time on the wall so many weeks ago."""
        local = moment.astimezone(self.zone)
        return (local - timedelta(weeks=weeks)).astimezone(UTC)

    def _on_wall(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=self.zone).astimezone(UTC)


NO_CALENDAR = Calendar()


def _of_weekday(week: Week, day: date) -> tuple[Minutes, ...]:
    return week.get(WEEKDAYS[day.weekday()], ())


@lru_cache(maxsize=4096)
def _stretches(zone: ZoneInfo, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """From when to when an offset to UTC holds, around that day: the whole, or cut where the clock
    is put on or back."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # Every zone's day lies within: none is further ahead than 14 hours, none further behind.
    lower, upper = midnight - timedelta(hours=15), midnight + timedelta(hours=39)
    found, at = [], lower
    while at < upper:
        offset, end = _offset(zone, at), upper
        step = at
        while step < upper:
            step += timedelta(hours=1)
            if _offset(zone, step) != offset:
                end = _change(zone, step - timedelta(hours=1), step)
                break
        found.append((at, end, offset))
        at = end
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second in which the offset changes."""
    first = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        middle = max(middle, before + timedelta(seconds=1))
        before, after = (middle, after) if _offset(zone, middle) == first else (before, middle)
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or _NO_TIME
