"""Screening of what people type: what is personal is found, what is not is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handlers.customers import personal_of
from incidents.privacy import MASK, masked, screen

HERE = Path(__file__).parent
SURE = {"phone", "card", "email", "iban", "identity"}


def _writings(part: str) -> list[dict[str, Any]]:
    """Half of them by somebody who had not seen the screen (writings_foreign.yaml)."""
    found: list[dict[str, Any]] = []
    for name in ("writings_foreign.yaml", "writings.yaml"):
        found += yaml.safe_load((HERE / name).read_text(encoding="utf-8"))[part]
    return found


def _text(one: dict[str, Any]) -> str:
    return ascii(one["text"])[1:41]


PERSONAL = _writings("personal")


def test_the_writings_are_many_and_in_both_languages() -> None:
    assert len(PERSONAL) >= 200
    assert len(_writings("harmless")) >= 500
    for language in ("en", "zh-Hant"):
        assert sum(one["language"] == language for one in PERSONAL) >= 80
    assert {kind for one in PERSONAL for kind in one["contains"]} >= SURE


@pytest.mark.parametrize("one", PERSONAL, ids=_text)
def test_what_is_personal_is_found(one: dict[str, Any]) -> None:
    """However it is spaced, split, spelt or written in full width: 0 misses."""
    assert set(one["contains"]) <= {found.kind for found in screen(one["text"])}


def test_order_numbers_amounts_and_dates_are_left_alone() -> None:
    """At most 1 % false alarms."""
    harmless = [one["text"] for one in _writings("harmless")]
    alarms = [text for text in harmless if screen(text)]
    assert len(alarms) <= len(harmless) / 100, alarms


@pytest.mark.parametrize("one", PERSONAL, ids=_text)
def test_what_is_masked_shows_none_of_it(one: dict[str, Any]) -> None:
    said = masked(one["text"])
    assert MASK in said
    assert not SURE & {found.kind for found in screen(said)}


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ("王小明", "請轉告王小明，款項已退"),
        ("王小明", "客人叫王 小明"),
        ("Lin Mei-Hua", "she is LIN mei-hua, I think"),
        ("Lin Mei", "Mei Lin wrote again"),
        ("台北市信義區市府路45號", "寄到 台北市 信義區 市府路45號 管理室"),
        ("台北市信義區市府路", "寄到 台北市信義區市府路 管理室"),
        ("8613800138000", "it is 86 138-0013-8000"),
        ("88 Queensway", "deliver to 88, queensway"),
    ],
)
def test_what_the_shop_knows_of_the_customer_is_found(known: str, text: str) -> None:
    """In any case, spacing and order."""
    kinds = {found.kind for found in screen(text, known=(known, ""))}
    assert kinds & {"customer", "address"}


@pytest.mark.parametrize(
    ("known", "text"), [("Li", "a little later"), ("An", "another try"), ("王", "王小姐來電")]
)
def test_a_short_name_is_not_seen_in_every_word(known: str, text: str) -> None:
    assert screen(text, known=(known,)) == ()


HOSTILE = {
    "chinese": "客人說付款失敗請協助處理2次" * 250,
    "single digits": "1 " * 1500,
    "one number": "4" * 3000,
    "zeros": "0 9 1 2 5 7 " * 250,
    "letters": "a" * 1500 + "@" + "a" * 1499,
    "dots": "a." * 1500,
    "iban": "GB82 " * 600,
    "identity": "A 1 2 3 4 5 6 7 8 " * 160,
    "street": "路1" * 1500,
    "account": "帳號" * 1500,
    "house": "No 1 " * 600,
    "words": "zero " * 600,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    """It runs before the acknowledgement: some milliseconds, and bounded for any text. A pattern
    that backtracks takes minutes; the best of five tells it from a machine that is busy."""

    def once() -> float:
        start = time.thread_time()
        screen(text[:3000])
        return time.thread_time() - start

    assert min(once() for _ in range(5)) < 1


def test_the_customers_own_data_are_found_in_any_case() -> None:
    [found] = screen("She is called LIN mei-hua, I think", known=("Lin Mei-Hua", ""))
    assert found.kind == "customer"


@given(st.text(max_size=300))
def test_screening_takes_any_text(text: str) -> None:
    for found in screen(text):
        assert 0 <= found.start < found.end


@given(st.integers(min_value=0, max_value=99_999_999), st.sampled_from(["", " ", "-"]))
def test_every_mobile_number_is_found(number: int, gap: str) -> None:
    digits = f"{number:08d}"
    text = f"ring 09{digits[:2]}{gap}{digits[2:5]}{gap}{digits[5:]} today"
    assert [found.kind for found in screen(text)] == ["phone"]


def test_what_the_shop_says_of_a_customer_screens_what_is_typed() -> None:
    """Name, address and the like of the order's customer, and nothing of the order itself."""
    order = {
        "number": "FG-10482",
        "status": "paid",
        "customer": {"id": 7, "name": "王小明", "phone": "0912345678", "language": "zh-Hant"},
        "shipping_address": {"address1": "88 Queensway", "city": "Taipei"},
        "recipient_name": "Lin Mei",
    }
    assert set(personal_of(order)) == {"王小明", "0912345678", "88 Queensway", "Lin Mei"}
    assert personal_of(None) == ()
