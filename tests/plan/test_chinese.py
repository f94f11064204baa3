"""Words of the plan's Chinese: one for one thing, and those that Taiwan reads."""

from __future__ import annotations

import pytest

from plan import sources
from plan.lint_glossary import load_glossary
from tests.plan.conftest import PlanCopy

BROKEN = {
    "支付": "“支付” is written 付款 in Taiwan.",
    "你": "“你” is written 您 in Taiwan.",
    "數據": "“數據” is written 資料 in Taiwan.",
}


@pytest.mark.parametrize("word", list(BROKEN))
def test_a_word_gives_way_to_the_one_that_taiwan_reads(copy: PlanCopy, word: str) -> None:
    copy.change("sections/3.3/section.yaml", "zh-Hant: 發現異常", f"zh-Hant: {word}異常")
    said = [str(fault) for fault in copy.lint()]
    assert any("3.3/section.yaml:" in one and BROKEN[word] in one for one in said), said


def test_one_label_has_one_wording(copy: PlanCopy) -> None:
    copy.change("causes.yaml", "zh-Hant: 物流}", "zh-Hant: 配送}")
    said = [str(fault) for fault in copy.lint()]
    assert any("“Logistics” is “物流” in section 2.2; write the same." in one for one in said), said
    assert any("“logistics” is 物流 in the glossary." in one for one in said), said


def test_the_titles_of_the_plan_keep_its_words(copy: PlanCopy) -> None:
    """「付款渠道異常處理」 has a word that nothing else may have."""
    assert "渠道" in load_glossary()["zh-Hant"].elsewhere
    text = (copy.root / "sections/3.3/section.yaml").read_text("utf-8")
    assert "zh-Hant: 付款渠道異常處理" in text
    assert not [one for one in copy.lint() if "渠道" in one.sentence]


def test_what_lint_alone_reads_is_not_kept_with_incidents() -> None:
    assert len(load_glossary()["zh-Hant"].words) >= 40
    read = {path.name for path in sources.files(sources.DATA)}
    assert "causes.yaml" in read
    assert not read & {"glossary.yaml", "outline.yaml", "main.yaml"}
