"""docs/plan.md says what the plan can name, and nothing that it cannot."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from message_templates.engine import Templates
from plan import expressions
from plan import scope as texts
from plan.coverage import looks_of
from plan.facts_page import facts_page
from plan.loader import load_plan
from plan.model import Words
from plan.walk import actions_of

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
PLAN = load_plan().plan


def test_the_page_holds_the_table_that_is_printed() -> None:
    """A fact is a row of its section's facts.yaml; `muster plan facts` writes the page."""
    assert f"\n{facts_page(PLAN)}\n\n## What the shop must offer" in PAGE


def test_every_name_filter_and_function_is_documented() -> None:
    for name in (*texts.SCOPE, *texts.FILTERS, *texts.FUNCTIONS):
        assert f"| `{name}` |" in PAGE, name
    environment = expressions.environment()
    assert set(texts.FILTERS) <= environment.filters.keys()
    assert set(texts.FUNCTIONS) <= environment.globals.keys()


def test_every_look_and_every_action_of_the_shop_is_documented() -> None:
    for section in PLAN.sections.values():
        for look in looks_of(PLAN, section):
            assert f"| `{look}` |" in PAGE, look
        for name, action in actions_of(PLAN, section).items():
            if action.kind in ("mutate", "contact"):
                assert f"`{name}`" in PAGE, name


def test_the_messages_know_the_same_filters_and_functions() -> None:
    """A text of the plan means the same in Slack and in a parameter."""
    templates = Templates(ZoneInfo("Asia/Taipei"))
    scope = {"t": "2026-11-11T03:09:00+00:00", "m": {"minor": 100, "currency": "TWD"}, "x": 0.5}
    uses = {
        "money": "m",
        "time": "t",
        "date": "t",
        "day": "t",
        "percent": "x",
        "duration": "x",
        "word": "'paid'",
        "plain": "'x'",
    }
    assert uses.keys() == texts.FILTERS.keys()
    for name, argument in uses.items():
        shown = "{{ " + argument + "|" + name + " }}"
        words = Words.model_validate({"en": shown, "zh-Hant": shown})
        assert templates.words(words, scope, language="en"), name
    for call in (
        "n(2, 'order')",
        "n(2)",
        "minutes(t, t)",
        "word('paid')",
        "money(m)",
        "duration(9)",
    ):
        words = Words.model_validate({"en": "{{ " + call + " }}", "zh-Hant": "x"})
        assert templates.words(words, scope, language="en"), call
