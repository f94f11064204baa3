"""Phrases of the plan: what several texts share is written once and named `[[so]]` in them.

A phrase is a text in every language, a group of words by code, or a bare piece of an expression. In
a text it stands for itself in that text's language; a group stands for a table that the text looks
its code up in: `{{ [[channel]][facts.channel] }}`. As `options: "[[channel]]"` a group is what a
form offers. They are put in when the plan is read, so that what an incident keeps is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from plan.languages import LANGUAGES

_NAMED = re.compile(r"\[\[([a-z_][a-z0-9_.]*)\]\]")
_DEEP = 8  # phrases within phrases

Keys = tuple[str | int, ...]
Told = Callable[[Keys, str], None]
Phrase = str | Mapping[str, Any]


def fault(phrase: Any) -> str | None:
    """What is wrong with a phrase as it is written; None if nothing is."""
    if isinstance(phrase, str) or is_text(phrase):
        return None
    if isinstance(phrase, Mapping) and phrase and all(is_text(word) for word in phrase.values()):
        return None
    return f"write a text in {' and '.join(LANGUAGES)}, words by code, or a piece of an expression"


def is_text(value: Any) -> bool:
    """Whether it is one text in every language."""
    return (
        isinstance(value, Mapping)
        and value.keys() == set(LANGUAGES)
        and all(isinstance(text, str) for text in value.values())
    )


def expanded(data: Any, phrases: Mapping[str, Phrase], told: Told, keys: Keys = ()) -> Any:
    """The data with every `[[phrase]]` put in; `told` hears of those that there are not."""
    if isinstance(data, str):
        return _filled(data, phrases, _language(keys), lambda sentence: told(keys, sentence))
    if isinstance(data, list):
        return [expanded(item, phrases, told, (*keys, at)) for at, item in enumerate(data)]
    if isinstance(data, Mapping):
        return {
            key: expanded(
                (_options(value, phrases) if key == "options" else None) or value,
                phrases,
                told,
                (*keys, key),
            )
            for key, value in data.items()
        }
    return data


def _language(keys: Keys) -> str | None:
    """The language that a text at these keys is written in; None: an expression, read in none."""
    return next((str(key) for key in reversed(keys) if key in LANGUAGES), None)


def _options(value: Any, phrases: Mapping[str, Phrase]) -> list[dict[str, Any]] | None:
    """A group of words as what a form offers."""
    named = _NAMED.fullmatch(value) if isinstance(value, str) else None
    group = phrases.get(named.group(1)) if named else value
    if not isinstance(group, Mapping) or is_text(group):
        return None
    return [
        {"id": code, **word}
        if isinstance(word, Mapping) and not is_text(word) and "label" in word
        else {"id": code, "label": word}
        for code, word in group.items()
    ]


def _filled(
    text: str,
    phrases: Mapping[str, Phrase],
    language: str | None,
    told: Callable[[str], None],
    deep: int = 0,
) -> str:
    def put(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in phrases:
            told(f"there is no phrase “{name}”; those that there are stand under “phrases”")
            return found.group()
        said = _said(phrases[name], language)
        if said is None:
            told(f"“{name}” is words, and an expression has no language")
            return found.group()
        if deep >= _DEEP:
            told(f"“{name}” names itself")
            return found.group()
        return _filled(said, phrases, language, told, deep + 1)

    return _NAMED.sub(put, text)


def _said(phrase: Phrase, language: str | None) -> str | None:
    if isinstance(phrase, str):
        return phrase
    if language is None:
        return None
    if is_text(phrase):
        return str(phrase[language])
    words = (f"'{code}': {_quoted(word[language])}" for code, word in phrase.items())
    return "{" + ", ".join(words) + "}"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
