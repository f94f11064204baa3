"""Lease: how long a claim is surely this process's, told without asking the database.

A process that was frozen past its lease wakes in the middle of a turn that another process may
have done in the meantime. The database lets it change nothing more, but Slack and the shop would:
so what has an effect outside asks here, at the last moment before the request leaves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf

from storage.work.common import LEASE_SECONDS

_MARGIN = 2.0  # seconds: a request may be that long on its way
# Goes on while the machine sleeps, which the monotonic clock of Linux does not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class LeaseOver(Exception):
    """The claim may be another process's by now: nothing was sent."""


def running_time() -> float:
    """Seconds that no clock change and no freeze of the process stops."""
    return time.clock_gettime(_CLOCK)


@dataclass
class Lease:
    """The end of one claim, at the latest. It never ends where nobody else can claim (SQLite)."""

    until: float

    @classmethod
    def since(cls, asked: float) -> Lease:
        """Of a claim or a renewal that the database was asked for at `asked` (running time)."""
        return cls(asked + LEASE_SECONDS - _MARGIN)

    @classmethod
    def endless(cls) -> Lease:
        return cls(inf)

    @property
    def over(self) -> bool:
        return running_time() > self.until


_current: ContextVar[Lease | None] = ContextVar("muster_lease", default=None)


@contextmanager
def under(lease: Lease) -> Iterator[None]:
    """What runs within, and the tasks that it starts, work under this claim."""
    token = _current.set(lease)
    try:
        yield
    finally:
        _current.reset(token)


def still_held() -> None:
    """Called right before an effect outside. Raises LeaseOver. Without a claim it always holds."""
    lease = _current.get()
    if lease is not None and lease.over:
        raise LeaseOver("the claim has ended before the request was sent")
