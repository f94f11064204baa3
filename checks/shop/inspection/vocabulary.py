"""Vocabulary of shops: what they call their tables, columns and states (`vocabulary.yaml`)."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from iso4217 import Currency
from pydantic import BaseModel, ConfigDict

Strength = Literal[0, 1, 2, 3]  # of a name: nothing, among others, the last words, all of it
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[^\w]|_", re.UNICODE)
_TAG = re.compile(r"([a-z]{2})([-_][a-z0-9]{2,8})*$")


class Vocabulary(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    neutral: frozenset[str]
    copies: frozenset[str]
    tables: dict[str, tuple[str, ...]]
    fields: dict[str, dict[str, tuple[str, ...]]]
    units: dict[str, frozenset[str]]
    without_fractions: frozenset[str]
    currency_words: frozenset[str]  # codes of currencies that are words as well
    moving: frozenset[str]  # columns that change with every change of the row
    languages: frozenset[str]
    languages_alone: frozenset[str]  # that are no country's code as well
    sending: frozenset[str]
    no_places: frozenset[str]
    given_back: frozenset[str]
    words: dict[str, dict[str, frozenset[str]]]
    ignored: dict[str, frozenset[str]]


@cache
def vocabulary() -> Vocabulary:
    """The file, read once."""
    file = resources.files("checks.shop.inspection").joinpath("vocabulary.yaml")
    return Vocabulary.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


@cache
def currencies() -> frozenset[str]:
    return frozenset(one.value for one in Currency)


def is_small_currency(value: str) -> bool:
    """Whether it is a currency's code in small letters, and no word."""
    return value not in vocabulary().currency_words and value.upper() in currencies()


def is_language(value: str) -> bool:
    """Whether it is a tag of a language: `zh_TW`, `EN`."""
    found = _TAG.match(value.lower())
    return found is not None and found.group(1) in vocabulary().languages


def is_country(value: str) -> bool:
    """Whether a tag of a language may be a country's code: `DE`, `fr`, and not `EN` or `fr-BE`."""
    return len(value) == 2 and value.lower() not in vocabulary().languages_alone


@cache
def words_of(name: str) -> tuple[str, ...]:
    """A name's whole words, each once in lower case and singular: `wp_wc_Orders2` → wp, wc, order.

    Accents go (*état* is *etat*); letters of other scripts stay as they are.
    """
    plain = unicodedata.normalize("NFKD", name.rpartition(".")[2].replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    parts = [part.strip("0123456789").lower() for part in _CAMEL.split(plain)]
    return tuple(_singular(part) for part in parts if part)


def _singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes")):
        return word[:-2]
    return word.removesuffix("s")


@cache
def _entry(text: str) -> tuple[str, ...]:
    return words_of(text)


def _same(words: tuple[str, ...], entry: tuple[str, ...]) -> bool:
    """The same words; a German plural is one of them."""
    return len(words) == len(entry) and all(
        mine == theirs or (len(theirs) > 3 and mine in (f"{theirs}n", f"{theirs}en", f"{theirs}e"))
        for mine, theirs in zip(words, entry, strict=True)
    )


def strength(name: str, entries: tuple[str, ...]) -> tuple[Strength, int]:
    """How well a name fits the entries, and how early the entry stands that fits best."""
    best: tuple[Strength, int] = (0, len(entries))
    known = vocabulary()
    own = words_of(name)
    bare = tuple(word for word in own if word not in known.neutral) or own
    for at, text in enumerate(entries):
        entry = _entry(text)
        found: Strength = 0
        if _same(own, entry) or _same(bare, entry) or set(bare) == set(entry):
            found = 3
        elif _same(own[-len(entry) :], entry):
            found = 2
        elif any(_same(own[i : i + len(entry)], entry) for i in range(len(own))):
            found = 1
        if found > best[0]:
            best = (found, at)
    return best


def table_strength(name: str, entity: str) -> int:
    """How well a table's name says that it holds the entity: 0 to 3; a copy says nothing.

    What stands last says what it holds: *order_line* is no order, and *order_payment* a payment.
    """
    known = vocabulary()
    own = words_of(name)
    if known.copies & set(own):
        return 0
    mine, _ = strength(name, known.tables[entity])
    if mine >= 2:
        longest = _longest(own, entity)
        others = max(_longest(own, other) for other in known.tables if other != entity)
        if others > longest:
            return 0
    return mine if mine >= 2 else 0


def _longest(own: tuple[str, ...], entity: str) -> int:
    """How many of the last words are an entry of the entity's."""
    entries = (_entry(text) for text in vocabulary().tables[entity])
    return max((len(one) for one in entries if _same(own[-len(one) :], one)), default=0)


def moves(name: str) -> bool:
    """Whether a column is called as one that moves with every change of its row."""
    return "_".join(words_of(name)) in vocabulary().moving


def is_copy(name: str) -> bool:
    return bool(vocabulary().copies & set(words_of(name)))


def meaning(place: str, word: object) -> str | None:
    """Our word for one that shops use in this place; `ignore`; None: nobody knows it."""
    if not isinstance(word, str):
        return None
    known = vocabulary()
    spoken = "_".join(words_of_state(word))
    if spoken in known.ignored.get(place, ()):
        return "ignore"
    return next((ours for ours, theirs in known.words[place].items() if spoken in theirs), None)


def given_back(word: object) -> bool:
    """Whether a row of payments with this word gives money back."""
    return isinstance(word, str) and "_".join(words_of_state(word)) in vocabulary().given_back


@cache
def words_of_state(word: str) -> tuple[str, ...]:
    """A state's word as the table has it: `wc-on-hold` → on, hold. Its own s is kept."""
    plain = unicodedata.normalize("NFKD", word.strip().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    parts = [part.lower() for part in _CAMEL.split(plain) if part]
    return tuple(parts[1:] if len(parts) > 1 and parts[0] == "wc" else parts)
