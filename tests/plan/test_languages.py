"""Languages: each row is whole, and who speaks what reads what."""

from __future__ import annotations

import json

import pytest

from bot.delivery.fallback_text import STATUS
from message_templates.catalogue import catalogue
from plan import languages
from plan.kept_plan import restore_plan
from plan.languages import LANGUAGES, asked, of_tag, row
from plan.loader import load_plan


def test_every_language_has_its_words_for_every_place() -> None:
    first = set(catalogue(LANGUAGES[0]).entries)
    assert {code: set(catalogue(code).entries) ^ first for code in LANGUAGES} == {
        code: set() for code in LANGUAGES
    }
    assert all(words.keys() == set(LANGUAGES) for words in STATUS.values())
    assert all(row(code).greeting and row(code).tags for code in LANGUAGES)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("zh_TW", "zh-Hant"), ("zho", "zh-Hant"), ("EN-us", "en"), ("de-DE", None), ("", None)],
)
def test_a_tag_means_a_language_of_ours_or_none(tag: str, language: str | None) -> None:
    assert of_tag(tag) == language


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("中文", "zh-Hant"),
        ("繁體中文", "zh-Hant"),
        ("ZH_TW", "zh-Hant"),
        ("English", "en"),
        ("klingon", None),
        ("", None),
    ],
)
def test_a_language_is_asked_for_by_its_own_name(typed: str, language: str | None) -> None:
    assert asked(typed) == language


def test_a_plan_that_was_kept_before_a_language_came_is_read_in_the_first() -> None:
    """An incident goes on with the plan that it began with."""
    kept = json.loads(load_plan().content)
    late = LANGUAGES[-1]
    assert late != languages.DEFAULT
    for section in kept["sections"].values():
        del section["title"][late]
    restored = restore_plan(json.dumps(kept))
    title = restored.sections["3.3"].title
    assert title.in_(late) == title.in_(languages.DEFAULT) != ""
