"""Slack's limits are kept by ourselves: nobody sleeps, urgent goes first, 429 is heeded."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.delivery.rate_limits import METHODS, TIER_3, Budget, Rate

NOW = datetime(2026, 11, 11, 3, 7, tzinfo=UTC)
POST = "chat.postMessage"


def _drain(budget: Budget, method: str, *, channel: str | None = None, urgent: bool = False) -> int:
    taken = 0
    while budget.take(method, NOW, channel=channel, urgent=urgent) is None:
        taken += 1
    return taken


def test_a_burst_goes_and_the_rest_comes_back_one_by_one() -> None:
    """Those who wait get a moment each, a second apart in one channel."""
    budget = Budget()
    assert _drain(budget, POST, channel="C1") == 3  # one of four is kept for what is urgent
    later = [budget.take(POST, NOW, channel="C1") for _ in range(3)]
    assert [(m - NOW).total_seconds() for m in later if m] == [2, 3, 4]


def test_who_comes_back_at_its_moment_goes() -> None:
    budget = Budget()
    _drain(budget, POST, channel="C1")
    moments = [budget.take(POST, NOW, channel="C1") for _ in range(5)]
    for moment in moments:
        assert moment is not None
        assert budget.take(POST, moment, channel="C1") is None


def test_who_asks_again_before_its_moment_keeps_it() -> None:
    """A card that changes all the time waits no longer for it, and nobody else does either."""
    budget = Budget()
    _drain(budget, "chat.update")
    mine = budget.take("chat.update", NOW, waiter="card")
    following = budget.take("chat.update", NOW, waiter="other")
    assert mine is not None
    assert following is not None
    for step in range(1, 100):
        moment = NOW + timedelta(milliseconds=step)
        assert budget.take("chat.update", moment, waiter="card") == mine
    third = budget.take("chat.update", NOW, waiter="third")
    assert third is not None
    assert third - following == following - mine
    assert budget.take("chat.update", mine, waiter="card") is None


def test_urgent_ones_that_wait_come_back_one_by_one_too() -> None:
    """A hundred answers that all came back at once would be turned away at once again."""
    budget = Budget()
    _drain(budget, "chat.postEphemeral", urgent=True)
    moments = [
        budget.look("chat.postEphemeral", NOW, urgent=True, waiter=str(number))
        for number in range(3)
    ]
    waits = [(moment - NOW).total_seconds() for moment in moments if moment]
    assert waits == pytest.approx([60.6, 61.2, 61.8])  # the one that was turned away has 60


def test_looking_takes_nothing() -> None:
    budget = Budget()
    for _ in range(10):
        assert budget.look("chat.update", NOW) is None
    assert _drain(budget, "chat.update") == 25


def test_one_channel_does_not_hold_up_another() -> None:
    budget = Budget()
    _drain(budget, POST, channel="C1", urgent=True)
    assert budget.take(POST, NOW, channel="C2") is None


@pytest.mark.parametrize(("method", "routine"), [("chat.update", 25), (POST, 150)])
def test_urgent_still_goes_when_routine_has_used_its_share(method: str, routine: int) -> None:
    budget = Budget()
    assert _drain(budget, method) == routine
    assert _drain(budget, method, urgent=True) == METHODS[method] - routine


def test_a_call_that_must_wait_uses_up_nothing() -> None:
    """The workspace's token is not lost when the channel has none."""
    budget = Budget(methods={POST: 10}, per_channel={POST: Rate(1.0, 1)})
    assert budget.take(POST, NOW, channel="C1", urgent=True) is None
    for _ in range(20):
        assert budget.take(POST, NOW, channel="C1", urgent=True) is not None
    assert _drain(budget, POST, urgent=True) == 9


def test_retry_after_holds_its_method_only() -> None:
    budget = Budget()
    until = NOW + timedelta(seconds=600)
    budget.hold("chat.update", until)
    assert budget.take("chat.update", NOW, urgent=True) == until
    assert budget.take(POST, NOW) is None
    assert budget.held(NOW) == {"chat.update": until}
    assert budget.take("chat.update", until) is None
    assert budget.held(until) == {}


def test_a_shorter_hold_does_not_shorten_a_longer_one() -> None:
    budget = Budget()
    long = NOW + timedelta(seconds=60)
    budget.hold("chat.update", long)
    budget.hold("chat.update", NOW + timedelta(seconds=1))
    assert budget.take("chat.update", NOW) == long


def _sent(budget: Budget, method: str, urgent: Callable[[int], bool]) -> list[datetime]:
    sent, moment, step = [], NOW, 0
    while moment < NOW + timedelta(minutes=5):
        if budget.take(method, moment, urgent=urgent(step)) is None:
            sent.append(moment)
        moment += timedelta(milliseconds=250)
        step += 1
    return sent


@pytest.mark.parametrize("method", ["chat.update", "conversations.replies", "conversations.join"])
def test_no_minute_ever_holds_more_than_the_tier(method: str) -> None:
    """Whichever minute is looked at, with urgent and routine calls mixed."""
    sent = _sent(Budget(), method, lambda step: step % 3 == 0)
    for first in sent:
        within = [m for m in sent if first <= m < first + timedelta(minutes=1)]
        assert len(within) <= TIER_3
    assert len(sent) >= 4 * TIER_3, "the tier is used up, too"


def test_routine_alone_flows_evenly_after_its_burst() -> None:
    """No long silence: once the first minute is over, gaps stay within a few seconds."""
    sent = _sent(Budget(), "chat.update", lambda step: False)
    late = [m for m in sent if m > NOW + timedelta(minutes=2)]
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(late)]
    assert max(gaps) <= 40
    assert len(sent) >= 5 * TIER_3 * 0.75


def test_cards_may_use_nearly_all_that_slack_allows() -> None:
    """Slack: chat.update is Tier 3, 50 a minute; no refresh is urgent."""
    sent = _sent(Budget(), "chat.update", lambda _step: False)
    first = [moment for moment in sent if moment < sent[0] + timedelta(minutes=1)]
    assert len(first) == 48


def test_who_comes_late_shifts_nobody() -> None:
    """A loop that comes round every two seconds still uses up what routine messages may."""
    budget, sent = Budget(per_channel={}), 0
    for second in range(0, 60, 2):
        now = NOW + timedelta(seconds=second)
        while budget.take(POST, now) is None:
            sent += 1
    assert sent == 240


def test_a_clock_that_jumps_back_gives_no_tokens_away() -> None:
    budget = Budget(methods={POST: 1}, per_channel={})
    assert budget.take(POST, NOW, urgent=True) is None
    assert budget.take(POST, NOW - timedelta(hours=1), urgent=True) is not None
    assert budget.take(POST, NOW + timedelta(seconds=61), urgent=True) is None


def test_who_waits_when_the_clock_is_set_back_waits_no_longer_for_it() -> None:
    budget = Budget(methods={POST: 1}, per_channel={})
    assert budget.take(POST, NOW, waiter="a", urgent=True) is None
    told = budget.take(POST, NOW, waiter="b", urgent=True)
    assert told is not None
    back = timedelta(hours=1)
    assert budget.take(POST, NOW - back, waiter="b", urgent=True) == told - back


def test_a_thousand_direct_channels_are_forgotten_when_full() -> None:
    budget = Budget()
    for number in range(3000):
        budget.take(POST, NOW + timedelta(seconds=number), channel=f"D{number}")
    assert len(budget._channels) < 1200


def test_every_method_of_delivery_has_its_row() -> None:
    """What delivery calls stands in the table."""
    called: set[str] = set()
    for path in Path(__file__).parents[2].joinpath("bot/delivery").glob("*.py"):
        names = r'"((?:auth|chat|conversations|files|users|views|dnd)\.\w+)"'
        called |= set(re.findall(names, path.read_text()))
    assert called <= set(METHODS)
