"""Expectation of a channel: what the same time of the week usually brings, and how unlikely it is
that nothing came (3.3.1).

Counted from the shop's own history, over eight weeks. Days that the calendar names and days that
were nothing like the others (an outage) are left out; under four weeks nothing is expected. In a
campaign more is expected: what the day shows by now, else what the calendar says of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import comb, log
from statistics import fmean, median, variance

WEEK = timedelta(days=7)
WEEKS = 8
SURE = 1e-6  # less likely than this is no chance
_LEAST_WEEKS = 4
# No shop's weeks are more alike than by a fifth: 20 where 20 were expected is the least that tells.
_MOST_ALIKE = 20.0
_UNLIKE = 2.0  # a day of less than half or more than twice the usual is no usual day
TELLS = 20  # payments that should have come tell how today goes
_FEW = 3  # payments in eight weeks that tell nothing of the time of day
_SAID = 5
_LEAST_SHARE = 0.05  # of payments that fail anywhere


@dataclass(frozen=True)
class Usual:
    """How the same day went in the weeks before.

    `weeks`: those that count, by how many weeks ago. `size`: of the negative binomial, the smaller
    the more one week differs from another. `level`: of the last day, or of its last hours, beside
    them, 1 at most.
    """

    weeks: tuple[int, ...]
    size: float
    level: float

    def nothing_in(self, counts: Sequence[int], *, at_least: float = 0.0) -> tuple[float, float]:
        """What should have come, and how likely it is that nothing did. `counts`: of each week.
        `at_least`: should have come by what a campaign shows, or is said to bring."""
        expected = max(self.expected(counts), at_least)
        return expected, (1 + expected / self.size) ** -self.size

    def expected(self, counts: Sequence[int]) -> float:
        """By the same time of the weeks that count, as today goes."""
        return median(self._kept(counts)) * self.level

    def middle(self, counts: Sequence[int]) -> int:
        """Of the weeks that count, however today goes."""
        return round(median(self._kept(counts)))

    def as_shown(self, now: Sequence[int], before: Sequence[int], last: CameBefore) -> float:
        """What should have come in a campaign, as what came just before it shows. `now`: counts of
        each week in the silence; `before`: in the twice as long time before it.

        Never more than just came: where less usually comes by now, less is expected.
        """
        falls = (sum(self._kept(now)) + _FEW) / (sum(self._kept(before)) / 2 + _FEW)
        return min(last.once, last.twice / 2) * min(1.0, falls)

    def _kept(self, counts: Sequence[int]) -> list[int]:
        return [counts[number - 1] for number in self.weeks]


@dataclass(frozen=True)
class CameBefore:
    """How many came just before a silence: in as long a time, and in one twice as long."""

    once: int
    twice: int


def told_level(factor: float, came: int, usually: float) -> float:
    """What a campaign brings by what is said of it, as far as what came in it supports that.

    `came`: in it so far, where `usually` so many come. What is said weighs like five payments.
    """
    return min(factor, (came + _SAID) / (usually + _SAID / factor))


def may_tell(counts: Sequence[int]) -> bool:
    """Whether nothing could tell at all, where so many came in the weeks before."""
    return max(counts, default=0) >= -log(SURE)


def usual_of(
    last: Sequence[int], before: Sequence[Sequence[int]], unlike: Collection[int] = ()
) -> Usual | None:
    """`last`: the counts of the last day by hours; `before`: of the same hours one week ago, two …
    `unlike`: the weeks whose day the calendar names; they count where too few others are left.

    None: too few weeks are known to expect anything.
    """
    named = {number: sum(day) for number, day in enumerate(before, start=1)}
    totals = {number: total for number, total in named.items() if number not in unlike}
    if len(totals) < _LEAST_WEEKS:
        totals = named
    middle = median(totals.values()) if totals else 0
    kept = [
        number
        for number, total in totals.items()
        if middle and middle / _UNLIKE <= total <= middle * _UNLIKE
    ]
    if len(kept) < _LEAST_WEEKS:
        return None
    hours = list(zip(*(before[number - 1] for number in kept), strict=True))
    squares = sum(fmean(hour) ** 2 for hour in hours)
    over = sum(variance(hour) - fmean(hour) for hour in hours)
    size = min(squares / over, _MOST_ALIKE) if over > 0 else _MOST_ALIKE
    level = min(1.0, sum(last) / middle, _lately(last, [median(hour) for hour in hours]))
    return Usual(tuple(kept), size, level)


def _lately(last: Sequence[int], usual: Sequence[float]) -> float:
    """How the last hours went beside the usual ones: on a holiday less is to be expected."""
    seen = expected = 0.0
    for came, should in zip(reversed(last), reversed(usual), strict=True):
        seen, expected = seen + came, expected + should
        if expected >= TELLS:
            break
    return seen / expected if expected else 1.0


def too_many(failed: int, orders: int, usual_per_100: int | None) -> bool:
    """Whether so many failures of so many orders are no chance, beside what usually fails."""
    share = max(_LEAST_SHARE, (usual_per_100 or 0) / 100)
    if share >= 1:
        return False
    tail = sum(
        comb(orders, k) * share**k * (1 - share) ** (orders - k) for k in range(failed, orders + 1)
    )
    return tail < SURE
