"""The example of section 3.3 reads as it was agreed."""

from __future__ import annotations

import pytest

from tests.message_templates import builders
from tests.message_templates.golden_files import MADE, TEMPLATES, path
from tests.message_templates.shown import lines

LANGUAGES = ("en", "zh-Hant")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MADE)
def test_it_reads_as_the_golden_file(name: str, language: str) -> None:
    """Every text of the example is the one that was read and agreed."""
    assert MADE[name](language).rstrip() + "\n" == path(name, language).read_text("utf-8")


CARD_EN = """\
(🔴 SEV1 Card payments failing: 57 of 118 in 5 min. Standby is ready, nobody has it yet. INC-412)
🔴 *Card payments are failing on Northpay*
57 of 118 in the last 5 minutes; usually 3 in 100. Since 03:02.
⋯ Change severity · Not an incident · Wrong section · Escalate · 中文
*Affected* 41 orders of 39 customers, NT$86,420 not paid. For 9 of them Northpay gave no answer.
*Looks like* Northpay's 3-D Secure page: 54 of the 57 time out there, across 14 banks.
*Owner* nobody yet · <!subteam^S0ONCALL>
*Next* Send card payments to Harborpay. A test payment there went through at 03:06.
[! Switch to Harborpay ] [ I've got it ] [ 41 orders ]
INC-412 · SEV1 · Open · System · §3.3 Payment channel · plan 2026.11"""

CARD_ZH = """\
(🔴 SEV1 刷卡付款失敗：5 分鐘內 118 筆失敗 57 筆。備援已就緒，尚無人接手。INC-412)
🔴 *Northpay 刷卡付款大量失敗*
近 5 分鐘 118 筆中 57 筆失敗，平時每 100 筆約 3 筆。03:02 開始。
⋯ 變更嚴重度 · 誤報 · 改用其他章節 · 升級通報 · English
*影響* 39 位顧客的 41 筆訂單未完成付款，共 NT$86,420；其中 9 筆 Northpay 未回覆結果。
*線索* 卡在 Northpay 的 3D 驗證頁：57 筆中有 54 筆在此逾時，橫跨 14 家銀行。
*負責人* 尚無人接手 · <!subteam^S0ONCALL>
*下一步* 將刷卡付款改走 Harborpay。03:06 測試付款成功。
[! 切換到 Harborpay ] [ 我來處理 ] [ 41 筆訂單 ]
INC-412 · SEV1 · 待處理 · 系統異常 · §3.3 付款渠道異常處理 · 預案 2026.11"""


@pytest.mark.parametrize(("language", "wanted"), [("en", CARD_EN), ("zh-Hant", CARD_ZH)])
def test_the_card_is_the_agreed_one_word_for_word(language: str, wanted: str) -> None:
    """03:07, nobody has it: text, order and buttons are those of the worked example."""
    message = TEMPLATES.render("card", builders.card_open(), language=language)
    assert lines(message) == wanted


def test_the_card_is_these_blocks() -> None:
    """The card is built of the blocks of the worked example, ids and values included."""
    message = TEMPLATES.render("card", builders.card_open(), language="en")
    assert [(block["type"], block["block_id"]) for block in message.blocks] == [
        ("section", "title"),
        ("section", "facts"),
        ("actions", "next"),
        ("context", "identity"),
    ]
    title, _, buttons, _ = message.blocks
    assert "Since <!date^1794337320^{time}|03:02 UTC+8>." in title["text"]["text"]
    assert [one["value"] for one in title["accessory"]["options"]] == [
        "INC-412:7:severity",
        "INC-412:7:dismiss",
        "INC-412:7:section",
        "INC-412:7:escalate",
        "INC-412:7:lang:zh-Hant",
    ]
    switch, take, cases = buttons["elements"]
    assert (switch["action_id"], switch["style"]) == ("step.run", "primary")
    assert switch["confirm"]["text"]["text"] == (
        "New card payments go through Harborpay within about 10 seconds. The 9 payments without "
        "an answer stay with Northpay and are not charged again. You can switch back at any time."
    )
    assert (take["action_id"], cases["action_id"]) == ("incident.take", "cases.open")


ANSWERS = [
    (
        "already_running",
        {"actor": builders.MEI, "what": "switching to Harborpay", "at": builders.at("03:09")},
        "Mei is already switching to Harborpay (03:09). Nothing was sent twice.",
        None,
    ),
    (
        "already_running",
        {"actor": builders.MEI, "what": "切換到 Harborpay", "at": builders.at("03:09")},
        None,
        "Mei 已在切換到 Harborpay（03:09），沒有重複送出。",
    ),
    (
        "stale",
        {"at": builders.at("03:07")},
        "This button is from 03:07. The card above is current.",
        "這是 03:07 的按鈕，請看上方最新卡片。",
    ),
    (
        "no_right",
        {"what": "Switching a payment channel", "role": "oncall", "on_call": [builders.MEI]},
        "Switching a payment channel needs the role on-call. On call now: Mei.",
        None,
    ),
    (
        "no_right",
        {"what": "切換金流", "role": "oncall", "on_call": [builders.MEI]},
        None,
        "切換金流需要「值班」權限。目前值班：Mei。",
    ),
    (
        "passed_over",
        {"who": "Mei", "until": builders.at("08:00"), "instead": "Kai"},
        "Mei's Slack is in Do Not Disturb until 08:00. Kai was rung at once.",
        "Mei 的 Slack 勿擾到 08:00，已直接通知 Kai。",
    ),
    (
        "owned",
        {"actor": "Kai", "at": builders.at("03:09"), "reference": "INC-412"},
        (
            "Kai has INC-412 since 03:09. Nothing was changed; “Hand over” stands in the card's "
            "menu."
        ),
        "INC-412 03:09 起由 Kai 處理，沒有任何變更。需要換人時，請用卡片選單的「移交給他人」。",
    ),
]


@pytest.mark.parametrize(("code", "params", "english", "chinese"), ANSWERS)
def test_the_answers_are_the_agreed_ones(
    code: str, params: dict[str, object], english: str | None, chinese: str | None
) -> None:
    """What is said to the one who pressed is what was agreed, in both languages."""
    for language, wanted in (("en", english), ("zh-Hant", chinese)):
        if wanted is not None:
            message = TEMPLATES.answer(code, params, language=language)
            assert message.blocks[0]["text"] == {"type": "plain_text", "text": wanted}
