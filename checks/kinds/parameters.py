"""Parameters of a query: numbers, texts, and instants before which something is late.

A limit in working time becomes such an instant by the calendar, so no query counts days itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.calendar.calendar import Calendar

Hours = Annotated[float, Field(ge=0, le=24 * 3660)]
Minutes = Annotated[float, Field(ge=0, le=60 * 24 * 366)]
_WORKING = ("working_hours", "working_days")


class PlainAge(BaseModel):
    """So long before the run, whatever the calendar says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: Hours = 0
    minutes: Minutes = 0

    def ago(self, start: datetime) -> datetime:
        return start - timedelta(hours=self.hours, minutes=self.minutes)


class Age(PlainAge):
    """An instant so long before the run; `held`, while it is found: before it was first found.

    Nothing recovers by its age so, and a check need not read what a shop ever kept. Working time is
    the calendar's; `without_calendar` is what counts where it has no hours.
    """

    working_hours: Annotated[float, Field(ge=0, le=24 * 366)] | None = None
    working_days: Annotated[int, Field(ge=1, le=366)] | None = None
    without_calendar: PlainAge | None = None
    held: bool = False

    @model_validator(mode="after")
    def _one(self) -> Age:
        working = [name for name in _WORKING if getattr(self, name) is not None]
        given = [name for name in ("hours", "minutes") if name in self.model_fields_set]
        if len(working) > 1 or (working and given):
            said = " and ".join((*given, *working))
            raise ValueError(
                f"{said} stand beside each other; give one (what counts without a calendar stands "
                "in without_calendar)"
            )
        if self.without_calendar is not None and not working:
            raise ValueError("without_calendar stands beside working_hours or working_days only")
        return self

    @property
    def needs_calendar(self) -> bool:
        """Whether it means nothing without working hours."""
        working = self.working_hours is not None or self.working_days is not None
        return working and self.without_calendar is None

    def before(self, now: datetime, first_found: datetime, calendar: Calendar) -> datetime:
        """The instant. Raises NoHours where it needs a calendar that has none."""
        start = first_found if self.held else now
        if self.without_calendar is not None and not calendar.has_hours:
            return self.without_calendar.ago(start)
        if self.working_hours is not None:
            return calendar.working_hours_before(start, timedelta(hours=self.working_hours))
        if self.working_days is not None:
            return calendar.working_days_before(start, self.working_days)
        return self.ago(start)


class ByPeak(BaseModel):
    """A number that is another one in peak hours and campaigns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_peak: float
    otherwise: float


Parameter = ByPeak | Age | float | str


def values_at(
    parameters: Mapping[str, Parameter], now: datetime, first_found: datetime, calendar: Calendar
) -> dict[str, Any]:
    """What each is in a run at that moment. `first_found`: what it finds, or now."""
    found: dict[str, Any] = {}
    for name, one in parameters.items():
        if isinstance(one, Age):
            found[name] = one.before(now, first_found, calendar)
        elif isinstance(one, ByPeak):
            found[name] = one.in_peak if calendar.is_peak(now) else one.otherwise
        else:
            found[name] = one
    return found
