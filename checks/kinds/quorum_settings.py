"""Quorum settings: the signals of which so many must fail at the same time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.kinds.base import CheckSettings
from plan.languages import Code


class LookSignal(BaseModel):
    """What somebody outside says: a prober with a JSON address of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look: str  # answers {ok, problem}, or a list of such with a name each
    title: dict[Code, Annotated[str, Field(min_length=1, max_length=60)]] = {}


class QuorumSettings(CheckSettings):
    kind: Literal["quorum"]
    service: str  # what people call what these signals are about: shop
    incident_type: str = "system_crash"
    signals: Annotated[tuple[str | LookSignal, ...], Field(min_length=1)]  # names of other checks
    at_least: Annotated[int, Field(ge=1)] = 2  # that fail at the same time
    counts_degraded: bool = False  # one that is slow counts as failing too

    @property
    def opens(self) -> tuple[str, ...]:
        return (self.incident_type,)

    @property
    def asks(self) -> tuple[str, ...]:
        asked = (
            *(f"check {one}" for one in self.checks),
            *(f"look {one}" for one in self.looks),
        )
        slow = ", a slow one too" if self.counts_degraded else ""
        return (f"at the same moment: {', '.join(asked)}; {self.at_least} must fail{slow}",)

    @property
    def of_orders(self) -> bool:
        """An outage is not found behind the queries of a database that it took with it."""
        return False

    @property
    def checks(self) -> tuple[str, ...]:
        """The other checks among the signals."""
        return tuple(one for one in self.signals if isinstance(one, str))

    @property
    def looks(self) -> tuple[str, ...]:
        return tuple(one.look for one in self.signals if not isinstance(one, str))

    @model_validator(mode="after")
    def _can_be_reached(self) -> QuorumSettings:
        """By looks it may be: one can speak for several reporters."""
        if not self.looks and self.at_least > len(self.signals):
            raise ValueError(
                f"at_least ({self.at_least}) is more than there are signals ({len(self.signals)}): "
                "no incident would ever open"
            )
        for name in (*self.checks, *self.looks):
            if (*self.checks, *self.looks).count(name) > 1:
                raise ValueError(f"the signal “{name}” stands twice; one is one voice")
        return self
