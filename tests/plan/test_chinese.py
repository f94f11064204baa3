"""Words of the plan's Chinese: one for one thing; the titles of the plan alone keep its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import plan

DATA = Path(plan.__file__).parent / "data"
CHINESE = re.compile(r"zh-Hant: (.*?)}?$", re.MULTILINE)
OUTLINE = DATA / "outline.yaml"


def _chinese(path: Path) -> list[str]:
    return CHINESE.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("word", ["支付", "渠道", "投訴", "期望", "顧客的說法", "你"])
def test_a_word_has_given_way_to_the_one_that_taiwan_reads(word: str) -> None:
    titles = set(_chinese(OUTLINE))
    texts = {path: _chinese(path) for path in DATA.rglob("*.yaml") if path != OUTLINE}
    assert sum(map(len, texts.values())) > 500
    left = [said for found in texts.values() for said in found if word in said]
    assert [said for said in left if said not in titles] == []
