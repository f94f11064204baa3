"""Rate limits: how much may be said to Slack, by method and by channel, kept by ourselves.

Slack's limits are per method and workspace: Tier 1 1+/min, Tier 2 20+, Tier 3 50+, Tier 4 100+;
chat.postMessage about one a second per channel and several hundred a minute per workspace. A 429
blocks its method for its Retry-After. Nobody sleeps inside a call: what has no token gets a moment
at which to come back. A part of each budget is kept for what is urgent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)
_URGENT_SHARE = 0.2  # of each budget is never taken by routine messages
# Refreshes are never urgent, so nothing is kept for others; but requests do not arrive as they
# left, and one too many blocks the method until the minute is over.
_KEPT: Mapping[str, int] = {"chat.update": 2}
_BURST_SHARE = 0.5  # of a minute's calls may go at once; the others keep their distance
# Who comes a little after their moment must not shift everybody behind them: what was missed within
# this time is made up for. The minute's whole stays what it is.
_MADE_UP = timedelta(seconds=5)
_CHANNELS_KEPT = 1000
_SET_BACK = timedelta(seconds=2)  # a clock that goes back by more was set

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100  # calls a minute

METHODS: Mapping[str, int] = {
    "auth.test": 300,  # Slack: "hundreds a minute"
    "chat.postMessage": 300,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "chat.getPermalink": 600,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.join": TIER_3,
    "conversations.open": TIER_3,
    "conversations.info": TIER_3,
    "conversations.members": TIER_4,
    "dnd.info": TIER_3,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "users.info": TIER_4,
    "usergroups.list": TIER_2,
    "bots.info": TIER_3,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
    "views.open": TIER_4,
}
OTHER_METHODS = TIER_2


@dataclass(frozen=True)
class Rate:
    """`burst` lie ready at most, one more grows back every `every` seconds."""

    every: float
    burst: int


# Slack lets short bursts pass; one less than it takes, since requests do not arrive as they left.
PER_CHANNEL: Mapping[str, Rate] = {"chat.postMessage": Rate(1.0, 4)}


class _Slots:
    """Moments for those who wait: each gets its own, so they do not come back all at once.

    Who asks again before theirs has come keeps it: a card that changes all the time would else wait
    longer with each change, and everybody behind it too.
    """

    def __init__(self, distance: timedelta) -> None:
        self._distance = distance
        self._next: datetime | None = None
        self._given: dict[str, datetime] = {}

    def give(self, free: datetime, now: datetime, *, waiter: str | None) -> datetime:
        if waiter is None:
            return self._new(free)
        mine = self._given.get(waiter)
        if mine is None or mine <= now:
            self._given = {who: at for who, at in self._given.items() if at > now}
            mine = self._given[waiter] = self._new(free)
        return mine

    def _new(self, free: datetime) -> datetime:
        mine = max(free, self._next or free)
        self._next = mine + self._distance
        return mine

    def knows(self, waiter: str) -> bool:
        """Whether it was given a moment lately."""
        return waiter in self._given

    def set_back(self, by: timedelta) -> None:
        if self._next is not None:
            self._next -= by
        self._given = {who: at - by for who, at in self._given.items()}


def _queues(distance: timedelta) -> dict[bool, _Slots]:
    """Urgent ones wait for one another, never for routine ones."""
    return {True: _Slots(distance), False: _Slots(distance)}


class _Minute:
    """One method: never more than its calls in any minute, in bursts of half of them."""

    def __init__(self, method: str, limit: int) -> None:
        self._limit = limit
        self._kept = _KEPT.get(method, int(limit * _URGENT_SHARE))
        self._burst = max(1, int(limit * _BURST_SHARE))
        self._distance = _MINUTE / limit
        self._calls: deque[datetime] = deque()
        self._even: datetime | None = None  # when the next one beyond the burst may go
        self._queues = _queues(self._distance)

    def slots(self, *, urgent: bool) -> _Slots:
        return self._queues[urgent]

    def free_at(self, now: datetime, *, urgent: bool) -> datetime:
        """When a call may go; not after `now`: it may go now."""
        calls = self._calls
        while calls and calls[0] <= now - _MINUTE:
            calls.popleft()
        cap = self._limit if urgent else self._limit - self._kept
        if len(calls) >= cap:
            return calls[len(calls) - cap] + _MINUTE
        if len(calls) >= self._burst and not urgent and self._even is not None:
            return self._even
        return now

    def take(self, now: datetime) -> None:
        planned = now
        if self._even is not None and len(self._calls) >= self._burst:
            planned = max(self._even, now - _MADE_UP)
        self._even = planned + self._distance
        self._calls.append(max(now, self._calls[-1]) if self._calls else now)

    def set_back(self, by: timedelta) -> None:
        self._calls = deque(moment - by for moment in self._calls)
        self._even = None if self._even is None else self._even - by
        for queue in self._queues.values():
            queue.set_back(by)


class _Bucket:
    """One channel: tokens that grow back one by one."""

    def __init__(self, rate: Rate, now: datetime) -> None:
        self._rate = rate
        self._kept = min(1, rate.burst - 1)
        self._tokens = float(rate.burst)
        self._at = now
        self._queues = _queues(timedelta(seconds=rate.every))

    def slots(self, *, urgent: bool) -> _Slots:
        return self._queues[urgent]

    def free_at(self, now: datetime, *, urgent: bool) -> datetime:
        grown = max(0.0, (now - self._at).total_seconds()) / self._rate.every
        self._tokens = min(float(self._rate.burst), self._tokens + grown)
        self._at = max(now, self._at)
        lacking = 1.0 + (0 if urgent else self._kept) - self._tokens
        return now + timedelta(seconds=max(0.0, lacking) * self._rate.every)

    def take(self, now: datetime) -> None:
        self._tokens -= 1

    def set_back(self, by: timedelta) -> None:
        self._at -= by
        for queue in self._queues.values():
            queue.set_back(by)

    def full(self, now: datetime) -> bool:
        self.free_at(now, urgent=True)
        return self._tokens >= self._rate.burst


@dataclass
class Budget:
    """The tokens of one workspace. Not shared between processes: Slack's 429 does that."""

    methods: Mapping[str, int] = field(default_factory=lambda: METHODS)
    per_channel: Mapping[str, Rate] = field(default_factory=lambda: PER_CHANNEL)
    _minutes: dict[str, _Minute] = field(default_factory=dict)
    _channels: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    _held: dict[str, datetime] = field(default_factory=dict)
    _latest: datetime | None = None

    def take(
        self,
        method: str,
        now: datetime,
        *,
        channel: str | None = None,
        urgent: bool = False,
        waiter: str | None = None,
    ) -> datetime | None:
        """Takes a token of the method and of its channel. None: go; else when to come back.

        `waiter`: what wants it (a message); it gets the same moment until that has come.
        """
        until = self.look(method, now, channel=channel, urgent=urgent, waiter=waiter)
        if until is None:
            for part in self._parts(method, channel, now):
                part.take(now)
        return until

    def look(
        self,
        method: str,
        now: datetime,
        *,
        channel: str | None = None,
        urgent: bool = False,
        waiter: str | None = None,
    ) -> datetime | None:
        """Like `take`, but nothing is taken: whether it is worth while to draw what would be sent.

        Who has to wait has its moment from here on.
        """
        self._notice_set_back(now)
        held = self._held.get(method)
        if held is not None:
            if now < held:
                return held
            del self._held[method]
        parts = self._parts(method, channel, now)
        waits = [(part, free) for part in parts if (free := part.free_at(now, urgent=urgent)) > now]
        if not waits:
            return None
        return max(part.slots(urgent=urgent).give(free, now, waiter=waiter) for part, free in waits)

    def has_place(self, method: str, waiter: str, *, urgent: bool = False) -> bool:
        """Whether `waiter` was told lately when to come back to the method."""
        minute = self._minutes.get(method)
        return minute is not None and minute.slots(urgent=urgent).knows(waiter)

    def _notice_set_back(self, now: datetime) -> None:
        """The clock was set back: what is remembered goes back with it, or all would rest."""
        latest, self._latest = self._latest, now
        if latest is None or latest - now < _SET_BACK:
            return
        by = latest - now
        parts: list[_Minute | _Bucket] = [*self._minutes.values(), *self._channels.values()]
        for part in parts:
            part.set_back(by)
        self._held = {method: until - by for method, until in self._held.items()}

    def hold(self, method: str, until: datetime) -> None:
        """Slack answered 429: the method rests until then (Slack: Retry-After, per method)."""
        self._held[method] = max(until, self._held.get(method, until))

    def held(self, now: datetime) -> dict[str, datetime]:
        """The methods that rest, for the operator's eyes."""
        return {name: until for name, until in self._held.items() if until > now}

    def _parts(self, method: str, channel: str | None, now: datetime) -> list[_Minute | _Bucket]:
        minute = self._minutes.get(method)
        if minute is None:
            limit = self.methods.get(method, OTHER_METHODS)
            minute = self._minutes[method] = _Minute(method, limit)
        rate = self.per_channel.get(method)
        if channel is None or rate is None:
            return [minute]
        bucket = self._channels.get((method, channel))
        if bucket is None:
            self._forget_full(now)
            bucket = self._channels[method, channel] = _Bucket(rate, now)
        return [bucket, minute]

    def _forget_full(self, now: datetime) -> None:
        """Direct messages have a channel each: full buckets say nothing and need no memory."""
        if len(self._channels) < _CHANNELS_KEPT:
            return
        for key in [key for key, bucket in self._channels.items() if bucket.full(now)]:
            del self._channels[key]
