"""Glossary of the plan's two languages: one word for one thing, and the words that Taiwan reads.

`plan/data/glossary.yaml` holds the pairs. A shop's own words are its own: of its files it warns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plan.languages import DEFAULT
from plan.model import Model, Plan
from plan.outline import Entry
from plan.problem import Problem
from plan.sources import DATA, read_source
from plan.walk import Found, walk

FILE = DATA / "glossary.yaml"
# Short texts that name a thing; a sentence is free in how it speaks of it.
_LABELS = frozenset(
    {
        ("Action", "title"),
        ("Action", "undo_label"),
        ("Button", "label"),
        ("Cause", "label"),
        ("Confirm", "confirm"),
        ("Form", "title"),
        ("Form", "submit"),
        ("FormField", "label"),
        ("Option", "label"),
        ("Step", "title"),
    }
)


class Glossary(Model):
    """One language's. `words`: the first language's → its own, one of several. `elsewhere`: what is
    written in other regions → what its readers say, and who they are.
    """

    words: dict[str, str | list[str]] = {}
    elsewhere: dict[str, str] = {}
    readers: str = ""


class Glossaries(Model):
    glossary: dict[str, Glossary] = {}


def load_glossary(path: Path = FILE) -> dict[str, Glossary]:
    """By language. Raises PlanError where the file is not readable, ValidationError where it is no
    glossary.
    """
    found = read_source(path, path.parent).data.get("glossary") or {}
    return Glossaries.model_validate({"glossary": found}).glossary


def glossary_rule(plan: Plan, outline: Mapping[str, Entry]) -> Iterator[Problem]:
    """A word of other regions, a label with two wordings, a word translated otherwise."""
    for language, glossary in load_glossary().items():
        yield from _in_language(plan, outline, language, glossary)


def _in_language(
    plan: Plan, outline: Mapping[str, Entry], language: str, glossary: Glossary
) -> Iterator[Problem]:
    titles = {entry.title.in_(language) for entry in outline.values()}
    first: dict[str, tuple[str, str]] = {}  # a label → what it is called, and where it stands
    for owner, found in _texts(plan):
        assert found.words is not None  # noqa: S101 - _texts yields nothing else
        original, said = (found.words.in_(one).strip() for one in (DEFAULT, language))
        at = (*found.keys, language)
        for word, better in glossary.elsewhere.items():
            if word in said and said not in titles:
                yield Problem(owner, at, f"“{word}” is written {better}{glossary.readers}.")
        if (type(found.holder).__name__, found.name) not in _LABELS or "{" in original:
            continue
        known, where = first.setdefault(original, (said, owner))
        if known != said:
            yield Problem(owner, at, f"“{original}” is “{known}” in {where}; write the same.")
        for word, wanted in _named(original, glossary):
            if not any(one in said for one in wanted):
                yield Problem(owner, at, f"“{word}” is {' or '.join(wanted)} in the glossary.")


def _named(label: str, glossary: Glossary) -> Iterator[tuple[str, list[str]]]:
    """The words of the glossary in a label, the longest first, none within another."""
    left = label.lower()
    for word in sorted(glossary.words, key=len, reverse=True):
        wanted = glossary.words[word]
        found = re.search(rf"\b{re.escape(word)}s?\b", left)
        if found is not None:
            left = left[: found.start()] + "·" + left[found.end() :]
            yield word, [wanted] if isinstance(wanted, str) else wanted


def _texts(plan: Plan) -> Iterator[tuple[str, Found]]:
    owners: list[tuple[str, Any]] = [
        *((f"section {name}", one) for name, one in plan.sections.items()),
        *((f"action {name}", one) for name, one in plan.actions.items()),
        *((f"cause {name}", one) for name, one in plan.causes.items()),
    ]
    for owner, model in owners:
        for found in walk(model):
            if found.words is not None:
                yield owner, found


RULES = (glossary_rule,)
