"""Every text of the plan can be shown: with no fact known, and with none of them in its form."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from message_templates.writers import size
from plan.model import IncidentType, Model, Section, Words
from sandbox.slack.blocks.validate import message_problems
from tests.message_templates import builders
from tests.message_templates.everything import LANGUAGES, TEMPLATES

TYPES = [(part, one) for part in builders.plan().sections.values() for one in part.types]
ids = [one.id for _, one in TYPES]


def empty_scope() -> dict[str, Any]:
    """An incident of which nothing is known but its number."""
    return {
        "facts": {},
        "cases": {"total": 0},
        "incident": {"reference": "INC-412", "number": 412, "severity": 2, "status": "open"},
        "steps": {},
    }


def odd_scope() -> dict[str, Any]:
    """Facts of the wrong kind, as a check of a shop's own might hand them in."""
    scope = builders.scope()
    odd = dict.fromkeys(("attempts", "failed", "window_minutes", "orders", "amount"), "odd")
    scope["facts"] = {**odd, "channel": None, "standby": "odd", "check": [], "stage": 7}
    return scope


def every_words(node: Any, path: str = "") -> Iterator[tuple[str, Words]]:
    if isinstance(node, Words):
        yield path, node
    elif isinstance(node, Model):
        for name in type(node).model_fields:
            yield from every_words(getattr(node, name), f"{path}.{name}")
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from every_words(item, f"{path}.{name}")
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from every_words(item, f"{path}.{getattr(item, 'id', '')}")


ALL = list(every_words(builders.plan()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_says_something_with_no_fact_known(language: str) -> None:
    """Nothing fails, and nothing is printed that is no word."""
    for path, words in ALL:
        with capture_logs() as logs:
            said = TEMPLATES.words(words, empty_scope(), language=language)
        assert [entry for entry in logs if entry["event"] == "template.words_failed"] == [], path
        assert not any(char in said for char in ("\ue005", "{", "}")), path
        assert "Undefined" not in said, path
        assert "None" not in said, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_fails_on_facts_of_the_wrong_kind(language: str) -> None:
    """A text that cannot be worked out is "not known": the card still stands."""
    for _, words in ALL:
        TEMPLATES.words(words, odd_scope(), language=language)


@pytest.mark.parametrize(("part", "kind"), TYPES, ids=ids)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mood", ["active", "mitigated", "ended"])
def test_a_card_of_every_kind_stands(
    part: Section, kind: IncidentType, language: str, mood: Any
) -> None:
    """With nothing known: valid blocks, four facts in their order, a number at the end."""
    view = dataclasses.replace(
        builders.card_open(),
        section=part.id,
        section_short=part.short,
        family=kind.family,
        severity=2,
        mood=mood,
        words=getattr(kind.card, mood),
        ring=kind.ring,
        scope=empty_scope(),
    )
    message = TEMPLATES.render("card", view, language=language)
    assert message_problems(message.blocks) == []
    assert message.text.rstrip("。.").endswith("INC-412")
    assert size(message.text) <= (55 if language == "zh-Hant" else 110)
    names = {
        "en": ("*Affected* ", "*Looks like* ", "*Owner* ", "*Next* "),
        "zh-Hant": ("*影響* ", "*線索* ", "*負責人* ", "*下一步* "),
    }[language]
    facts = message.blocks[1]["text"]["text"].splitlines()
    assert [line.startswith(name) for line, name in zip(facts, names, strict=True)] == [True] * 4
    assert all(len(line) > len(name) + 1 for line, name in zip(facts, names, strict=True))
