"""Pace of work: a burst at once, then one after the other."""

from __future__ import annotations

from bot.schedule.pace import Pace


def test_a_burst_goes_at_once_and_the_rest_at_its_rate() -> None:
    now = 100.0
    pace = Pace(20, 20, lambda: now)
    assert [round(pace.delay(), 6) for _ in range(20)] == [0] * 20
    assert [round(pace.delay(), 2) for _ in range(4)] == [0.05, 0.1, 0.15, 0.2]
    now += 0.2  # those four have begun
    assert round(pace.delay(), 2) == 0.05
    now += 60  # after a rest the whole burst lies ready again, and no more
    assert [round(pace.delay(), 6) for _ in range(21)].count(0) == 20
