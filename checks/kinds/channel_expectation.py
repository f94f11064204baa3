"""Expectation of a channel: what the same time of the week usually brings, and how unlikely it is
that nothing came (3.3.1).

Counted from the shop's own history, over eight weeks. Days that were nothing like the others (a
holiday, a campaign, an outage) are left out; under four weeks nothing is expected.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_TELLS = 20  # payments that should have come tell how today goes
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

    def nothing_in(self, counts: Sequence[int]) -> tuple[float, float]:
        """What should have come, and how likely it is that nothing did. `counts`: of each week."""
        expected = median(counts[number - 1] for number in self.weeks) * self.level
        return expected, (1 + expected / self.size) ** -self.size


def may_tell(counts: Sequence[int]) -> bool:
    """Whether nothing could tell at all, where so many came in the weeks before."""
    return max(counts, default=0) >= -log(SURE)


def usual_of(last: Sequence[int], before: Sequence[Sequence[int]]) -> Usual | None:
    """`last`: the counts of the last day by hours; `before`: of the same hours one week ago, two …

    None: too few weeks are known to expect anything.
    """
    totals = [sum(day) for day in before]
    middle = median(totals) if totals else 0
    kept = [
        number
        for number, total in enumerate(totals, start=1)
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
        if expected >= _TELLS:
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
