"""Base of every kind of check: its settings' form and what it is handed to look with."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.exchange import Ask
from checks.listings.listings import Listings
from checks.mark import Following
from checks.model import CheckResult, Failed, OpenShare
from checks.shop.query_place import QueryPlace
from checks.shop.source import ShopDatabase, ShopUnavailable
from plan.languages import Code

_RUNS = 4  # that a share must be of

Look = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Asks a configured look of the shop (name, params), gives its JSON; raises LookFailed."""


class LookFailed(Exception):
    """A look had no usable answer. `code` is a catalogue word: refused, timeout, http_503."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code


@dataclass(frozen=True)
class CheckContext:
    """The connections and the clock, handed in."""

    ask: Ask
    shop: ShopDatabase | None
    currency: str
    now: datetime
    look: Look
    awaited: tuple[str, ...] = ()  # order numbers of open incidents that are not settled yet
    failed: Mapping[str, Failed] = field(default_factory=dict)  # by subject: each wants a word
    listings: Listings | None = None  # what of the shop's data stands in no database
    calendar: Calendar = NO_CALENDAR
    following: Following | None = None  # None: it is looked at whole, and no mark is kept

    def back_to(self, subject: str, usually: timedelta) -> datetime:
        """How far back to look: as usual, or so far that what failed has not left by its age."""
        before = self.failed.get(subject)
        return (self.now if before is None else min(before.since, self.now)) - usually

    def database(self) -> ShopDatabase:
        if self.shop is None:
            raise ShopUnavailable(
                "shop.database_url is missing: this check reads the shop's orders; "
                "give the address of its database."
            )
        return self.shop

    async def place_of(self, asked: Iterable[str]) -> ShopDatabase:
        """Where these entities stand together, as they are now. Raises ShopUnavailable."""
        listings, wanted = self.listings, tuple(asked)
        if listings is None or not any(name in listings.names for name in wanted):
            return self.database()
        wanted = tuple(name for name in wanted if listings.maps(name))
        apart = listings.apart(wanted)
        if apart is not None:
            raise ShopUnavailable(apart)
        return await listings.read(wanted, self.now)

    async def place_of_query(self, text: str) -> QueryPlace:
        """Where a query is asked. Raises QueryError, ShopUnavailable."""
        if self.listings is None:
            return self.database()
        asked = self.listings.needs(text).needs
        if self.listings.apart(asked) is not None:
            return await self.listings.joined(self.database(), asked, self.now)
        return await self.place_of(asked)


class Spent:
    """The time of one run, which is broken off at its deadline."""

    def __init__(self, deadline: float) -> None:
        self._end = time.monotonic() + deadline

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self._end - time.monotonic()


class OpenShareSettings(BaseModel):
    """A share of failures over a window, which opens as so many in a row do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Annotated[float, Field(gt=0, le=1)]  # of the runs within it
    within: Annotated[int, Field(ge=60, le=86_400)]  # seconds

    def of_model(self) -> OpenShare:
        return OpenShare(self.share, self.within)


class CheckSettings(BaseModel, ABC):
    """What every check in the configuration has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    # As people read it, by language; where one is missing, the name.
    title: dict[Code, Annotated[str, Field(min_length=1, max_length=60)]] = {}
    every: Annotated[int, Field(ge=5, le=86_400)] = 60  # seconds
    open_after: Annotated[int, Field(ge=1, le=100)] = 3  # failures in a row
    open_share: OpenShareSettings | None = None
    recover_after: Annotated[int, Field(ge=1, le=100)] = 3  # successes in a row
    deadline: Annotated[float, Field(gt=0, le=300)] = 30.0  # seconds for one run
    severity: Annotated[int, Field(ge=1, le=4)] | None = None
    shadow: bool = False  # it looks and opens nothing; what it would have opened is kept

    @model_validator(mode="after")
    def _share_has_runs(self) -> CheckSettings:
        """Of fewer runs than that, a share says less than so many in a row."""
        if self.open_share is not None and self.open_share.within < _RUNS * self.every:
            raise ValueError(
                f"open_share.within ({self.open_share.within} s) must hold {_RUNS} runs or more of "
                f"one every {self.every} s"
            )
        return self

    @property
    def of_orders(self) -> bool:
        """Whether it reads the shop's orders, those of open incidents again; it waits its turn."""
        return True

    @property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """The fields of the shop's entities without which it cannot look."""
        return {}

    @property
    def needs_beside(self) -> Mapping[str, tuple[str, ...]]:
        """The fields of entities that it reads where they are mapped, and can look without."""
        return {}

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities that it reads where they are mapped: they stand in one place."""
        return tuple(self.needs)

    @property
    def asks(self) -> tuple[str, ...]:
        """What it asks beside the shop's data, in sentences for `muster check --explain`."""
        return ()

    @property
    @abstractmethod
    def opens(self) -> tuple[str, ...]:
        """The incident types that its findings open."""


class Check(Protocol):
    """A configured check."""

    @property
    def settings(self) -> CheckSettings: ...

    async def run(self, context: CheckContext) -> CheckResult: ...
