"""The log of every request of the app and of every payload sent to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from itertools import count, takewhile
from typing import Any

from sandbox.slack.errors import Json

KEPT = 10_000


@dataclass(slots=True)
class RequestEntry:
    """One call of the app. `time` and `answered` are seconds since the epoch, sandbox time."""

    n: int
    time: float
    method: str
    args: Json
    token: str | None
    retry: int  # how many calls with the same arguments came before
    status: int | None = None
    error: str | None = None
    answered: float | None = None
    fault: str | None = None
    effect: bool = False  # whether the call changed or read anything, whatever the caller saw


@dataclass(slots=True)
class DeliveryEntry:
    """One payload sent to the app, with when it was acknowledged."""

    n: int
    envelope_id: str
    type: str
    summary: str
    sent: float
    connection: str | None = None
    acked: float | None = None
    took: float | None = None  # real seconds from the writing to the acknowledgement
    late: bool = False
    error: str | None = None
    retry_attempt: int = 0
    retry_reason: str | None = None
    response: Any = None
    payload: Json = field(default_factory=dict)


class RequestLog:
    def __init__(self) -> None:
        self._numbers = count(1)
        self._seen: dict[int, int] = {}
        self.requests: deque[RequestEntry] = deque(maxlen=KEPT)
        self.deliveries: deque[DeliveryEntry] = deque(maxlen=KEPT)

    @property
    def last(self) -> int:
        newest = [entries[-1].n for entries in (self.requests, self.deliveries) if entries]
        return max(newest, default=0)

    def request(
        self, time: float, method: str, args: Json, token: str | None, fingerprint: int
    ) -> RequestEntry:
        before = self._seen.get(fingerprint, 0)
        self._seen[fingerprint] = before + 1
        entry = RequestEntry(next(self._numbers), time, method, args, token, before)
        self.requests.append(entry)
        return entry

    def delivery(
        self, *, envelope_id: str, type_: str, summary: str, sent: float, payload: Json
    ) -> DeliveryEntry:
        entry = DeliveryEntry(
            next(self._numbers), envelope_id, type_, summary, sent, payload=payload
        )
        self.deliveries.append(entry)
        return entry

    def since(self, n: int = 0, method: str | None = None, only: Collection[str] = ()) -> Json:
        """Everything after entry `n`; `method` narrows the requests, `only` names the fields."""
        requests = [
            _shown(entry, only)
            for entry in _after(self.requests, n)
            if method is None or entry.method == method
        ]
        deliveries = [_shown(entry, only) for entry in _after(self.deliveries, n)]
        return {"last": self.last, "requests": requests, "deliveries": deliveries}


def _after(entries: deque[Any], n: int) -> list[Any]:
    """The entries after number `n`, found from the newest end."""
    return list(takewhile(lambda entry: entry.n > n, reversed(entries)))[::-1]


def _shown(entry: RequestEntry | DeliveryEntry, only: Collection[str]) -> Json:
    names = (f.name for f in fields(entry))
    return {name: getattr(entry, name) for name in names if not only or name in only}
