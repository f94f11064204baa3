"""What a drill does, as data: the fault, the presses, and what must be seen afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

Json = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One section's drill. Steps of `work` are {press|form|shop|advance|remember: …} in order.

    What `remember` has noted (a list of the shop's ids, by name) is looked at again, one by one, by
    `tallies`: {of, look, by, is: {value: how many}}; `of` may also be the path of an effect
    (/orders/*/redispatch): then it is everything that was changed by it.
    """

    section: str
    title: str
    channel: str
    first_words: list[str]  # what the card must say about what the customer feels
    work: list[Json]
    steps: list[str]  # every live step of the section that must end as done
    shop_after: list[Json]  # fresh looks: {look, where: {path: value}}
    fault: list[Json] = field(default_factory=list)  # posts to the shop
    intake: Json | None = None  # {as, channel, command, text, form}
    responder: str = "U0MEI"
    detect_within: int = 120  # seconds of the drill's clock
    rings: dict[str, int] = field(default_factory=dict)  # person → at most
    resolve: Json = field(default_factory=dict)  # the resolve form's answers
    review_says: list[str] = field(default_factory=list)
    effects: list[Json] = field(default_factory=list)  # {path, count}: in the shop's mutation log
    tallies: list[Json] = field(default_factory=list)  # a fresh look at each, counted


def load(section: str) -> Story:
    """The story of a section; KeyError if there is none."""
    folder = resources.files("sandbox.drills").joinpath("stories")
    source = folder.joinpath(f"{section}.yaml")
    if not source.is_file():
        raise KeyError(section)
    return Story(**yaml.safe_load(source.read_text(encoding="utf-8")))


def sections() -> list[str]:
    """Every section that has a drill, in the plan's order."""
    folder = resources.files("sandbox.drills").joinpath("stories")
    names = [f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")]
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])
