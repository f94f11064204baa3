"""The review says what happened, and gives away nothing that opens something."""

from __future__ import annotations

import dataclasses
import json

import pytest

from message_templates.review import review_html, review_json, review_markdown, review_screen
from tests.message_templates import builders
from tests.message_templates.everything import LANGUAGES, TEMPLATES

FIRST_SCREEN = """\
# Card payments failed on Northpay, 11 Nov 03:02–03:10

Card payments failed for 8 minutes: 57 of 118 in 5 minutes. 41 orders were affected (NT$86,420); \
29 are paid, 12 not (NT$25,270). Of the payments without an answer 2 had been charged and 7 had \
not. Mei switched to Harborpay 2 minutes after the alert.

| started | found | told | owner | works again | resolved |
|---|---|---|---|---|---|
| 03:02 | 03:07 | 03:07 | 03:09 | 03:10 | 05:30 |

**Cause** Vendor: Northpay's 3-D Secure server lost its certificate store. (Mei)"""


def test_the_first_screen_is_the_agreed_one() -> None:
    """Title, a paragraph, six times; then cause, plan, what worked and did not, what changes."""
    written = review_screen(TEMPLATES, builders.review_view(), language="en")
    assert written.startswith(FIRST_SCREEN)
    headings = ("**Cause**", "**Was the plan followed?**", "**What worked**", "**What did not**",
                "**What changes**")  # fmt: skip
    assert [written.find(one) > 0 for one in headings] == [True] * 5
    assert sorted(written.find(one) for one in headings) == [written.find(h) for h in headings]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pay_link_is_not_in_the_review(language: str) -> None:
    """A customer's own link opens their order: neither text nor data carries it."""
    view = builders.review_view()
    answer = {"id": "l2", "url": "https://pay.example/x", "via": "line"}
    action = dataclasses.replace(view.actions[0], after=answer)
    case = dataclasses.replace(view.cases[0], facts={"link": "l2", "paid": True})
    view = dataclasses.replace(view, actions=(action,), cases=(case,))
    written = (
        review_markdown(TEMPLATES, view, language=language)
        + review_html(TEMPLATES, view, language=language)
        + json.dumps(review_json(TEMPLATES, view))
    )
    assert "pay.example" not in written
    assert "via" in written
    assert '"paid": true' in written


def test_the_data_can_be_read_by_a_program() -> None:
    """Times are ISO with their zone, money in minor units, words in both languages."""
    made = json.loads(json.dumps(review_json(TEMPLATES, builders.review_view())))
    assert made["times"]["started"] == "2026-11-10T19:02:00+00:00"
    assert made["cases"][0]["amount"] == {"minor": 198000, "currency": "TWD"}
    assert made["title"]["zh-Hant"].startswith("Northpay 刷卡付款失敗")
    assert made["timeline"][1]["text"]["en"].startswith("Mei took it and switched")
    assert made["actions"][0]["after"] == {"channel": "harborpay"}
    assert made["follow_ups"][0] == {
        "text": "Check every 20 s on campaign days",
        "owner": "Mei",
        "due": "2026-11-17T16:00:00+00:00",
        "done": False,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_incident_of_which_nothing_is_known_can_be_reviewed(language: str) -> None:
    """Declared and dismissed at once: no times, no steps, no cause; the review still stands."""
    view = dataclasses.replace(
        builders.review_view(),
        times=(("started", None), ("found", None)),
        timeline=(),
        steps=(),
        actions=(),
        cases=(),
        cause=None,
        cause_text=None,
        cause_by=None,
        follow_ups=(),
        rings={},
        notes=(),
        open_items=(),
        acknowledged_after=None,
        found_after=None,
        scope={"facts": {}, "cases": {"total": 0}, "incident": {}, "steps": {}},
    )
    written = review_markdown(TEMPLATES, view, language=language)
    unknown = "未知" if language == "zh-Hant" else "not known"
    assert f"| {unknown} | {unknown} |" in written
    assert review_html(TEMPLATES, view, language=language)
    assert review_json(TEMPLATES, view)["times"] == {"started": None, "found": None}


def test_the_page_needs_nothing_else() -> None:
    """One file: no address is loaded, the language is named, it prints."""
    page = review_html(TEMPLATES, builders.review_view(), language="zh-Hant")
    assert '<html lang="zh-Hant">' in page
    assert "@media print" in page
    for word in ("src=", "href=", "url(", "@import", "<script"):
        assert word not in page


def test_a_late_owner_is_named_as_what_did_not_work() -> None:
    """The limit stands beside the time; what was kept is not praised too."""
    view = dataclasses.replace(builders.review_view(), acknowledged_after=900.0)
    written = review_screen(TEMPLATES, view, language="en")
    assert "It was taken after 15 minutes, later than the limit of 5 minutes." in written
    assert "within the limit" not in written
