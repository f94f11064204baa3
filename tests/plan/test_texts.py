"""Every text of the plan can be read whatever is known, in both languages, as Slack shows it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from message_templates.engine import Templates
from plan import samples
from plan.loader import load_plan
from plan.model import Section, Words
from plan.walk import actions_of, walk

PLAN = load_plan().plan
TYPES = [(section, kind.id) for section in PLAN.sections.values() for kind in section.types]
IDS = [kind for _, kind in TYPES]
TEMPLATES = Templates(ZoneInfo("Asia/Taipei"))
LANGUAGES = ("en", "zh-Hant")


def texts(section: Section, kind: str, scope: dict[str, Any]) -> Iterator[tuple[str, Words, Any]]:
    """Every text that an incident of the type can show, with the scope it is shown in."""
    for found in walk(section):
        others = [one for one in found.within if type(one).__name__ == "IncidentType"]
        if found.words is None or (others and getattr(others[0], "id", "") != kind):
            continue
        yield ".".join(map(str, found.keys)), found.words, samples.seen_by(found, scope)
    for action in actions_of(PLAN, section).values():
        seen = samples.of_action(action, scope)
        for found in walk(action):
            if found.words is not None:
                yield f"{action.id}.{found.name}", found.words, seen


def said(section: Section, kind: str, scope: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key, words, seen in texts(section, kind, scope):
        for language in LANGUAGES:
            yield key, language, TEMPLATES.words(words, seen, language=language)


@pytest.mark.parametrize("sample", ["typical", "at_opening", "minimal", "hostile"])
@pytest.mark.parametrize(("section", "kind"), TYPES, ids=IDS)
def test_every_text_is_rendered(section: Section, kind: str, sample: str) -> None:
    scope = getattr(samples, sample)(section, kind)
    for key, language, text in said(section, kind, scope):
        assert text.strip() or key.endswith("do_not_say"), (key, language)
        assert "{{" not in text or sample == "hostile", (key, language, text)


@pytest.mark.parametrize(("section", "kind"), TYPES, ids=IDS)
def test_no_code_stands_where_a_word_belongs(section: Section, kind: str) -> None:
    """Codes that a text shows have their word in both catalogues."""
    for sample in ("typical", "at_opening"):
        scope = getattr(samples, sample)(section, kind)
        for key, language, text in said(section, kind, scope):
            named = set(re.findall(r"\b[a-z0-9]+_[a-z0-9_]+\b", text)) - {"pool_size"}
            assert not named, (key, language, text)


@pytest.mark.parametrize("section", list(PLAN.sections.values()), ids=list(PLAN.sections))
def test_options_of_forms_are_said_in_the_plans_own_words(section: Section) -> None:
    """The catalogue of the messages does not know a form's options: `word(…fields…)` is none."""
    for found in walk(section):
        for source in found.sources():
            assert not re.search(r"word\((steps|form)", source), found.keys


@pytest.mark.parametrize(("section", "kind"), TYPES, ids=IDS)
def test_every_option_can_be_said(section: Section, kind: str) -> None:
    """A text that repeats a select's answer has words for each of its options."""
    scope = samples.typical(section, kind)
    for step in section.steps:
        for field in step.form.fields if step.form else ():
            for option in field.options:
                steps = {**scope["steps"], step.id: dict(scope["steps"][step.id])}
                steps[step.id]["fields"] = {**steps[step.id]["fields"], field.id: option.id}
                form = {**samples.form_entered(step.form), field.id: option.id}
                for key, words, seen in texts(section, kind, {**scope, "steps": steps}):
                    if f"fields.{field.id}" not in words.en and f"form.{field.id}" not in words.en:
                        continue
                    shown = {**seen, "form": form} if f".{step.id}." in key else seen
                    for language in LANGUAGES:
                        text = TEMPLATES.words(words, shown, language=language)
                        assert option.id not in text.split() or "_" not in option.id, (key, text)
                        assert "_" not in text.replace("pool_size", ""), (key, text)


@pytest.mark.parametrize(("section", "kind"), TYPES, ids=IDS)
def test_what_customers_and_vendors_write_pings_nobody(section: Section, kind: str) -> None:
    scope = samples.hostile(section, kind)
    for key, _, text in said(section, kind, scope):
        assert "49" not in text or "7*7" in text, key  # nothing in the data is worked out


@pytest.mark.parametrize(
    ("language", "limit"), [("en", 110), ("zh-Hant", 55)], ids=["English", "Chinese"]
)
@pytest.mark.parametrize(("section", "kind"), TYPES, ids=IDS)
def test_the_lock_screen_fits(section: Section, kind: str, language: str, limit: int) -> None:
    ring = PLAN.incident_type(kind).ring
    for sample in ("typical", "at_opening", "minimal"):
        scope = getattr(samples, sample)(section, kind)
        text = TEMPLATES.words(ring, scope, language=language)
        assert len(text) <= limit, text
        assert text.endswith(scope["incident"]["reference"])
        assert "SEV" in text[:8]


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and set(value) != {"minor", "currency"}:  # money is one value
        if path:
            yield path
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    else:
        yield path


def _without(value: Any, path: tuple[str, ...], new: Any) -> Any:
    head, *rest = path
    inner = value.get(head) if isinstance(value, dict) else None
    if not rest:
        return {**value, head: new}
    return {**value, head: _without(inner, tuple(rest), new)} if isinstance(inner, dict) else value


PATHS = {
    kind: [p for p in _leaves({"facts": samples.typical(one, kind)["facts"]}) if len(p) > 1]
    for one, kind in TYPES
}


@settings(
    max_examples=200 if os.environ.get("MUSTER_FULL") else 30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.sampled_from(IDS).flatmap(
        lambda kind: st.tuples(st.just(kind), st.sets(st.sampled_from(PATHS[kind]), max_size=12))
    ),
    st.sampled_from([None, {}]),
)
def test_any_missing_facts_leave_every_text_readable(
    drawn: tuple[str, set[tuple[str, ...]]], nothing: Any
) -> None:
    """Facts that are null or empty, in any combination: no text fails."""
    kind, paths = drawn
    section = PLAN.section_of(kind)
    scope = samples.typical(section, kind)
    for path in sorted(paths):
        scope = _without(scope, path, nothing if len(path) == 2 else None)
    for key, language, text in said(section, kind, scope):
        assert text.strip() or key.endswith("do_not_say"), (key, language)
