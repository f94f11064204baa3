"""What a drill does, as data: the fault, the presses, and what must be seen afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

Json = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One section's drill. Steps of `work` are {press|form|shop|advance|remember: …} in order;
    {mend} and {break} mend the fault at the shop and inject it again, {until} lets time pass.

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
    outages: Json | None = None  # {ended_by, found_within, hold, early}: see `outages.Outages`
    name: str = ""  # by which it is asked for: 3.3, or 3.3-relapse where it is a variant


def load(name: str) -> Story:
    """The story of that name; KeyError if there is none. A variant tells only what is different."""
    source = _folder().joinpath(f"{name}.yaml")
    if not source.is_file():
        raise KeyError(name)
    told = yaml.safe_load(source.read_text(encoding="utf-8"))
    section, _, variant = name.partition("-")
    if variant:
        told = {**yaml.safe_load(_folder().joinpath(f"{section}.yaml").read_text("utf-8")), **told}
    return Story(**told, name=name)


def stories() -> list[str]:
    """Every story, in the plan's order: each section's own, then its variants."""
    files = [f.name for f in _folder().iterdir() if f.name.endswith(".yaml")]
    return sorted((file.removesuffix(".yaml") for file in files), key=_place)


def sections() -> list[str]:
    """Every section that has a drill, in the plan's order."""
    return [name for name in stories() if "-" not in name]


def _place(name: str) -> tuple[list[int], str]:
    section, _, variant = name.partition("-")
    return [int(part) for part in section.split(".")], variant


def _folder() -> Traversable:
    return resources.files("sandbox.drills").joinpath("stories")
