"""How much may be said to Slack, by method and by channel, kept by ourselves.

Slack's limits are per method and workspace: Tier 1 1+/min, Tier 2 20+, Tier 3 50+, Tier 4 100+;
chat.postMessage about one a second per channel and several hundred a minute per workspace. A 429
blocks its method for its Retry-After. Nobody sleeps inside a call: what has no token gets a moment
at which to come back. A part of each budget is kept for what is urgent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_URGENT_SHARE = 0.2  # of a burst is never taken by routine messages


@dataclass(frozen=True)
class Rate:
    """`per_minute` tokens grow back in a minute; `burst` lie ready at most."""

    per_minute: float
    burst: float

    @property
    def per_second(self) -> float:
        return self.per_minute / 60


TIER_1 = Rate(1, 1)
TIER_2 = Rate(20, 10)
TIER_3 = Rate(50, 25)
TIER_4 = Rate(100, 50)

METHODS: Mapping[str, Rate] = {
    "chat.postMessage": Rate(300, 60),
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "chat.getPermalink": Rate(600, 100),
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.join": TIER_3,
    "conversations.open": TIER_3,
    "conversations.info": TIER_3,
    "dnd.info": TIER_3,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "users.info": TIER_4,
    "usergroups.users.list": TIER_2,
    "views.publish": TIER_4,
    "views.update": TIER_4,
    "views.open": TIER_4,
}
OTHER_METHODS = TIER_2
PER_CHANNEL: Mapping[str, Rate] = {"chat.postMessage": Rate(60, 5)}


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    at: datetime
    next_slot: datetime | None = None  # when the next of those sent away may come back

    def refill(self, now: datetime) -> None:
        grown = max(0.0, (now - self.at).total_seconds()) * self.rate.per_second
        self.tokens = min(self.rate.burst, self.tokens + grown)
        self.at = max(now, self.at)

    def lacks(self, *, urgent: bool) -> float:
        """How many tokens are missing for one call; 0 or less: it may go."""
        kept = 0.0 if urgent else int(self.rate.burst * _URGENT_SHARE)
        return 1.0 + kept - self.tokens

    def slot(self, now: datetime, *, urgent: bool) -> datetime:
        """When to come back. Each that waits gets a moment of its own."""
        lacking = max(0.0, self.lacks(urgent=urgent))
        free = now + timedelta(seconds=lacking / self.rate.per_second)
        if urgent:
            return free
        mine = max(free, self.next_slot or free)
        self.next_slot = mine + timedelta(seconds=1 / self.rate.per_second)
        return mine


@dataclass
class Budget:
    """The tokens of one workspace. Not shared between processes: Slack's 429 does that."""

    methods: Mapping[str, Rate] = field(default_factory=lambda: METHODS)
    per_channel: Mapping[str, Rate] = field(default_factory=lambda: PER_CHANNEL)
    _buckets: dict[tuple[str, str | None], _Bucket] = field(default_factory=dict)
    _held: dict[str, datetime] = field(default_factory=dict)

    def take(
        self, method: str, now: datetime, *, channel: str | None = None, urgent: bool = False
    ) -> datetime | None:
        """Takes a token of the method and of its channel. None: go; else when to come back."""
        held = self._held.get(method)
        if held is not None:
            if now < held:
                return held
            del self._held[method]
        buckets = [self._bucket(method, None, self.methods.get(method, OTHER_METHODS), now)]
        if channel is not None and method in self.per_channel:
            buckets.append(self._bucket(method, channel, self.per_channel[method], now))
        empty = [b for b in buckets if b.lacks(urgent=urgent) > 0]
        if empty:
            return max(b.slot(now, urgent=urgent) for b in empty)
        for bucket in buckets:
            bucket.tokens -= 1
        return None

    def hold(self, method: str, until: datetime) -> None:
        """Slack answered 429: the method rests until then (Slack: Retry-After, per method)."""
        self._held[method] = max(until, self._held.get(method, until))
        for (name, _), bucket in self._buckets.items():
            if name == method:
                bucket.next_slot = None

    def held(self, now: datetime) -> dict[str, datetime]:
        """The methods that rest, for the operator's eyes."""
        return {name: until for name, until in self._held.items() if until > now}

    def _bucket(self, method: str, channel: str | None, rate: Rate, now: datetime) -> _Bucket:
        bucket = self._buckets.get((method, channel))
        if bucket is None:
            self._forget_full(now)
            bucket = self._buckets[method, channel] = _Bucket(rate, rate.burst, now)
        bucket.refill(now)
        return bucket

    def _forget_full(self, now: datetime) -> None:
        """Direct messages have a channel each: full buckets say nothing and need no memory."""
        if len(self._buckets) < 1000:
            return
        for key, bucket in list(self._buckets.items()):
            bucket.refill(now)
            if bucket.tokens >= bucket.rate.burst:
                del self._buckets[key]
