"""History of a channel: what came at the same time of the weeks before, by the clock on the wall.

How payments are counted is handed in: from the shop's tables, or from a list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.calendar.calendar import Calendar
from checks.calendar.settings import Campaign
from checks.kinds.channel_expectation import (
    TELLS,
    WEEKS,
    CameBefore,
    Usual,
    may_tell,
    told_level,
    usual_of,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
Counting = Callable[[Sequence[Span]], Sequence[int]]
"""How many payments came in each of these times, the end left out."""


@dataclass(frozen=True)
class ChannelHistory:
    """The payments of a channel, laid beside those of eight weeks."""

    count: Counting
    calendar: Calendar

    def same_time(self, start: datetime, end: datetime) -> Sequence[int]:
        """How many came in at that time in each of the weeks before."""
        return self.count(self._weeks(start, end))

    def usual(self, newest: datetime) -> Usual | None:
        """How the day before the last payment went, in this week and in those before."""
        hours = [(newest - HOUR * ago, newest - HOUR * (ago - 1)) for ago in range(24, 0, -1)]
        by_hour = [self._weeks(*hour) for hour in hours]
        days = [self.count([hour[week] for hour in by_hour]) for week in range(WEEKS)]
        spans = enumerate(self._weeks(newest - DAY, newest), start=1)
        unlike = {number for number, span in spans if self.calendar.unlike(*span)}
        return usual_of(self.count(hours), days, unlike)

    def nothing_since(
        self, newest: datetime, now: datetime, usual: Callable[[datetime], Usual | None]
    ) -> tuple[float, float]:
        """What should have come since the last payment, and how likely it is that nothing did.

        `usual`: as above, perhaps counted before.
        """
        end = newest + min(now - newest, DAY)
        counts = self.same_time(newest, end)
        campaign = self.calendar.campaign(end)
        if not may_tell(counts) and campaign is None:
            return 0.0, 1.0
        found = usual(newest)
        if found is None:
            return 0.0, 1.0
        at_least = 0.0 if campaign is None else self._brings(*campaign, found, newest, end)
        return found.nothing_in(counts, at_least=at_least)

    def usually(self, spans: Sequence[Span], now: datetime) -> list[int] | None:
        """What each of these times usually brings; None: under four weeks are known."""
        found = self.usual(now)
        if found is None:
            return None
        weeks = [self._weeks(*span) for span in spans]
        by_week = [self.count([of_span[week] for of_span in weeks]) for week in range(WEEKS)]
        return [found.middle([counts[at] for counts in by_week]) for at in range(len(spans))]

    def _brings(
        self, campaign: Campaign, start: datetime, usual: Usual, newest: datetime, end: datetime
    ) -> float:
        """How many should have come by what the campaign shows; while it has shown too little, by
        what the calendar says that it brings."""
        quiet = end - newest
        before = newest - 2 * quiet
        once, twice, so_far = self.count(
            [(newest - quiet, newest), (before, newest), (start, max(start, newest))]
        )
        if so_far >= TELLS:
            if before < start:
                return 0.0  # it is not known yet how it goes on after its beginning
            now, then = self.same_time(newest, end), self.same_time(before, newest)
            return usual.as_shown(now, then, CameBefore(once, twice))
        if campaign.factor is None:
            return 0.0
        gone = 0.0
        if newest > start:
            gone = usual.expected(self.same_time(start, newest))
        level = told_level(campaign.factor, so_far, gone)
        return usual.expected(self.same_time(max(newest, start), end)) * level

    def _weeks(self, start: datetime, end: datetime) -> list[Span]:
        """As long a time from the same time on the wall, one week ago, two …"""
        starts = [self.calendar.weeks_ago(start, ago) for ago in range(1, WEEKS + 1)]
        return [(one, one + (end - start)) for one in starts]
