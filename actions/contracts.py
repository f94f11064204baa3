"""Contracts: what may be done about an outcome that is not known, by what the shop promises.

Never a blind repetition (rule 6): first a settle time, in which the first request may still land,
then a look; only where the shop honours keys, and the look shows no effect, the same request goes
out again under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from actions.declarations import ActionDeclaration
from plan.model import Verification

_SETTLE = timedelta(seconds=10)
_EARLY_LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds; most effects show at once
_UNVERIFIED = Verification(look="none", holds="false")  # its times stand for actions without one
_LATER_EVERY = timedelta(seconds=60)
_LATER_FOR = timedelta(hours=1)


class Trace(Enum):
    """What looking showed about a request whose outcome is not known."""

    EFFECT = auto()
    NO_EFFECT = auto()  # so far; a request that is still on its way may yet land
    NOT_SEEN = auto()  # there is nothing to look with, or the look had no answer
    REFUSED = auto()  # the shop remembers that it refused


class Verdict(Enum):
    """What one look at an effect showed. FAILED is definite: there is nothing to wait for."""

    SEEN = auto()
    NOT_SEEN = auto()  # not yet, or the look had no answer
    FAILED = auto()  # the shop itself says that it went wrong (Verification.fails)


class Next(Enum):
    """What comes next for an unknown outcome."""

    LOOK_AGAIN = auto()
    SEND_AGAIN = auto()  # same request, same key
    NO_EFFECT = auto()  # settled: the shop shows none and none can come any more
    ASK_A_PERSON = auto()  # stays unknown; looking goes on seldom


@dataclass(frozen=True)
class Times:
    """Of one attempt: when it began, when the request last went out, how often was looked."""

    began: datetime
    sent: datetime
    looks: int


def times_of(verification: Verification | None) -> Verification:
    """How often and how long is looked; the plan's own figures, where it gives some."""
    return verification or _UNVERIFIED


def settle_time(declaration: ActionDeclaration) -> timedelta:
    """How long a request may still be on its way after this house gave up waiting."""
    return max(_SETTLE, timedelta(seconds=declaration.timeout))


def next_step(
    declaration: ActionDeclaration,
    verification: Verification | None,
    trace: Trace,
    times: Times,
    now: datetime,
) -> Next:
    """The rule for one unknown outcome after one look. EFFECT and REFUSED need no rule."""
    over = now >= times.began + timedelta(seconds=times_of(verification).within)
    settled = now >= times.sent + settle_time(declaration)
    if not settled:
        return Next.LOOK_AGAIN
    if declaration.contract == "keys":
        can_look = declaration.lookup is not None or verification is not None
        # With nothing to look with, the key itself is the question: a replay has no second effect.
        if trace is Trace.NO_EFFECT or not can_look:
            return Next.ASK_A_PERSON if over else Next.SEND_AGAIN
    if declaration.contract == "lookup" and trace is Trace.NO_EFFECT and over:
        return Next.NO_EFFECT
    return Next.ASK_A_PERSON if over else Next.LOOK_AGAIN


def next_look(verification: Verification | None, times: Times, now: datetime) -> datetime:
    """When to look again: quickly at first, then as the plan says."""
    every = float(times_of(verification).every)
    wait = _EARLY_LOOKS[times.looks] if times.looks < len(_EARLY_LOOKS) else every
    return now + timedelta(seconds=min(wait, every))


def later_look(began: datetime, now: datetime) -> datetime | None:
    """The next of the seldom looks at what a person was asked about; None: enough."""
    return now + _LATER_EVERY if now < began + _LATER_FOR else None
