"""Story: what a drill does, as data, the fault, the presses, and what must be seen afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
LANGUAGES = ("en", "zh-Hant")  # in which a channel may be written to


@dataclass(frozen=True)
class Story:
    """One section's drill. Steps of `work` are {press|form|shop|advance|remember: …} in order;
    {mend} and {break} mend the fault at the shop and inject it again, {until} lets time pass.

    A text that is to be seen is one for every language of the channel, or one for each:
    {en: …, zh-Hant: …}.

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
    intake: Json | None = None  # {as, channel, command, text, choose, form}
    responder: str = "U0MEI"
    detect_within: int = 120  # seconds of the drill's clock
    rings: dict[str, int] = field(default_factory=dict)  # person → at most
    resolve: Json = field(default_factory=dict)  # the resolve form's answers
    review_says: list[str] = field(default_factory=list)
    effects: list[Json] = field(default_factory=list)  # {path, count}: in the shop's mutation log
    tallies: list[Json] = field(default_factory=list)  # a fresh look at each, counted
    outages: Json | None = None  # {ended_by, found_within, hold, early}: see `outages.Outages`
    name: str = ""  # by which it is asked for: 3.3, or 3.3-relapse where it is a variant


@dataclass(frozen=True)
class Stories:
    """The stories by name, each a file: a section's own (3.3), then its variants (3.3-relapse)."""

    files: Mapping[str, Path]

    def load(self, name: str, language: str = "en") -> Story:
        """The story of that name; KeyError if there is none. A variant tells its difference.

        `language`: of the channel that its incident stands in.
        """
        section, _, variant = name.partition("-")
        told = _read(self.files[name])
        if variant:
            told = {**_read(self.files[section]), **told}
        return Story(**_spoken(told, language), name=name)

    def names(self) -> list[str]:
        return list(self.files)

    def sections(self) -> list[str]:
        """Every section that has a drill."""
        return [name for name in self.files if "-" not in name]


def _spoken(told: Any, language: str) -> Any:
    """The story with each of its texts in that language."""
    if isinstance(told, dict):
        if told and told.keys() <= set(LANGUAGES):
            return told[language]
        return {key: _spoken(value, language) for key, value in told.items()}
    return [_spoken(one, language) for one in told] if isinstance(told, list) else told


def _read(file: Path) -> Json:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    return told if isinstance(told, dict) else {}
