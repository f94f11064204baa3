"""Screening of what people type: what is personal is found, what is not is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.privacy import screen

PERSONAL = {
    "Call 0912-345-678": "phone",
    "０９１２３４５６７８": "phone",
    "0912\u200b345\u200b678 please": "phone",
    "(02) 2345-6789": "phone",
    "+886 2 2345 6789": "phone",
    "+44 20 7946 0958": "phone",
    "電話 02-23456789 轉 5": "phone",
    "mail lin.chen@example.com.tw now": "email",
    "4111 1111 1111 1111": "card",
    "5555-5555-5555-4444": "card",
    "A123456789": "identity",
    "身分證 a123456789": "identity",
    "台北市信義區市府路45號": "address",
    "新北市板橋區縣民大道二段7號5樓": "address",
    "No. 7, Sec. 5, Xinyi Rd., Taipei": "address",
    "12 Long Garden Road": "address",
}
HARMLESS = (
    "3-D Secure server lost its certificate store. Expect 04:30.",
    "Order FG-10482 was paid twice, NT$86,420",
    "ticket 88213",
    "57 of 118 in 5 minutes",
    "2026-11-11 03:07:12",
    "pay_0192838475",
    "INC-412 is merged",
    "B123456789",  # the check digit is wrong
    "4111 1111 1111 1112",  # no card number: Luhn
    "https://status.northpay.example/incidents/2026",
    "第 3 步驟已完成，等待 5 分鐘",
    "The road to recovery is long",
    "version 1.2.3.4 build 20261111",
)


@pytest.mark.parametrize(("text", "kind"), PERSONAL.items())
def test_personal_forms_are_found(text: str, kind: str) -> None:
    assert kind in {found.kind for found in screen(text)}


@pytest.mark.parametrize("text", HARMLESS)
def test_figures_and_references_are_left_alone(text: str) -> None:
    assert screen(text) == ()


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
