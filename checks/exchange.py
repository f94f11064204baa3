"""Exchange: what a check asks of an address, and what came of it. Who asks is handed in.

No latency is said that was not seen, and a fault of who asks is none of what was asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

LONGEST = 2 * 1024 * 1024  # bytes that are read of a page


@dataclass(frozen=True)
class Question:
    """One GET, without following a redirect."""

    url: str
    within: float  # seconds for the whole of it
    holding: str | None = None  # a text that is looked for in the page
    reading: bool = False  # the page itself is wanted
    via: str | None = None  # the proxy through which it is asked
    anew: bool = False  # over a new connection, with the name resolved again


@dataclass(frozen=True)
class Exchange:
    """What came of it. `problem`: a word of the catalogue; None: it was answered."""

    problem: str | None
    status: int | None = None
    milliseconds: int | None = None  # until the answer began
    holds: bool = True  # the text that was looked for
    whole: bool = True  # the page was read to its end, or to the text
    page: bytes | None = None  # where it was wanted
    leads_to: str | None = None  # of a redirect
    asked: bool = True  # False: the proxy failed, so nobody was asked


Ask = Callable[[Question], Awaitable[Exchange]]
"""Asks, and never raises for a fault on the way."""
ProblemOf = Callable[[BaseException], str]
"""What an error of the wire means, in a word of the catalogue: told by who opened the client."""
