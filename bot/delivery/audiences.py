"""Audiences: where each is reached, and where when its channel is no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from plan.languages import DEFAULT

Gate = Literal["open", "unknown", "withheld"]
"""Whether a channel may be posted in: `unknown` until Slack has said whether it is as private as
is promised, `withheld` where it is not."""


def _open(_: str) -> Gate:
    return "open"


@dataclass(frozen=True)
class Audience:
    """A channel of the configuration, with the language that is spoken there."""

    key: str  # incidents, cs, private
    channel: str  # Slack's id
    language: str = DEFAULT
    private: bool = False
    fallback: str | None = None  # key of an audience that is the same or narrower


class Audiences:
    """The configured channels. ValueError if a fallback would let more people read along."""

    def __init__(
        self, audiences: Mapping[str, Audience], gate: Callable[[str], Gate] = _open
    ) -> None:
        self._audiences = dict(audiences)
        self.gate = gate  # by key
        for audience in self._audiences.values():
            if audience.fallback is None:
                continue
            fallback = self._audiences.get(audience.fallback)
            if fallback is None:
                raise ValueError(
                    f"slack.channels.{audience.key}.fallback names “{audience.fallback}”, "
                    "which is no channel of the configuration."
                )
            if audience.private and not fallback.private:
                raise ValueError(
                    f"slack.channels.{audience.key}.fallback: a private channel cannot fall back "
                    f"to “{fallback.key}”, which is public."
                )

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel, each once."""
        return tuple(dict.fromkeys(one.channel for one in self._audiences.values()))

    def get(self, key: str) -> Audience | None:
        return self._audiences.get(key)

    def chain(self, key: str) -> tuple[Audience, ...]:
        """The audience and then its fallbacks, each once, without those that are withheld. Empty
        if none is left, or it is not configured."""
        found: list[Audience] = []
        current = self._audiences.get(key)
        while current is not None and current not in found:
            found.append(current)
            current = self._audiences.get(current.fallback) if current.fallback else None
        return tuple(one for one in found if self.gate(one.key) != "withheld")

    def of_channel(self, channel: str) -> Audience | None:
        """The audience whose channel it is."""
        return next((a for a in self._audiences.values() if a.channel == channel), None)
