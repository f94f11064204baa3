"""Texts of the engine itself, in every language: why something was not done, what is asked before
an approval. `plan/data/engine.yaml` holds them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from plan.model import Words
from plan.phrases import expanded
from plan.sources import DATA, read_source

FILE = DATA / "engine.yaml"


@cache
def _texts(path: Path = FILE) -> dict[str, Words]:
    """Every text by group and name: `problems.refused`. Raises PlanError, ValidationError."""
    engine = read_source(path, path.parent).data["engine"]
    phrases = engine.pop("phrases")
    unknown: list[str] = []
    whole = expanded(engine, phrases, lambda keys, sentence: unknown.append(sentence))
    if unknown:
        raise ValueError(f"{path}: {'; '.join(unknown)}")
    return {
        f"{group}.{name}": Words.model_validate(words)
        for group, texts in whole.items()
        for name, words in texts.items()
    }


def text(name: str) -> Words:
    """The text of this name. Raises KeyError: there is none."""
    return _texts()[name]


def found(name: str) -> Words | None:
    """The text of this name, if there is one."""
    return _texts().get(name)
