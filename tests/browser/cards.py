"""Messages that the page must draw well: a card in both languages, its runbook, and all blocks."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def md(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(text: str, action: str = "act", **more: Any) -> Json:
    return {"type": "button", "action_id": action, "text": plain(text), **more}


def _card(
    title: str,
    facts: list[str],
    buttons: list[Json],
    identity: str,
    more: list[str],
) -> list[Json]:
    options = [{"text": plain(text), "value": f"INC-412:7:{n}"} for n, text in enumerate(more)]
    overflow = {"type": "overflow", "action_id": "more", "options": options}
    return [
        {"type": "section", "block_id": "title", "text": md(title), "accessory": overflow},
        {"type": "section", "block_id": "facts", "text": md("\n".join(facts))},
        {"type": "actions", "block_id": "next", "elements": buttons},
        {"type": "context", "block_id": "identity", "elements": [md(identity)]},
    ]


CARD = {
    "text": "🔴 SEV1 Card payments failing: 57 of 118 in 5 min. Standby is ready, nobody has it "
    "yet. INC-412 <!subteam^S0ONCALL>",
    "blocks": _card(
        "🔴 *Card payments are failing on Northpay*\n57 of 118 in the last 5 minutes; usually 3 in "
        "100. Since <!date^1794337320^{time}|03:02 UTC+8>.",
        [
            (
                "*Affected* 41 orders of 39 customers, NT$86,420 not paid. "
                "For 9 of them Northpay gave no answer."
            ),
            (
                "*Looks like* Northpay's 3-D Secure page: 54 of the 57 time out there, "
                "across 14 banks."
            ),
            "*Owner* nobody yet · <!subteam^S0ONCALL>",
            (
                "*Next* Send card payments to Harborpay. A test payment there went through at "
                "<!date^1794337560^{time}|03:06 UTC+8>."
            ),
        ],
        [
            button(
                "Switch to Harborpay",
                style="primary",
                value="INC-412:7:s2",
                confirm={
                    "title": plain("Switch to Harborpay?"),
                    "text": md(
                        "New card payments go through Harborpay within about 10 seconds. The 9 "
                        "payments without an answer stay with Northpay and are not charged again."
                    ),
                    "confirm": plain("Switch now"),
                    "deny": plain("Not yet"),
                },
            ),
            button("I've got it", "ignored"),
            button("41 orders", "whisper"),
        ],
        "INC-412 · SEV1 · Open · System · §3.3 Payment channel · plan 2026.11",
        ["Change severity", "Not an incident", "Wrong section", "Escalate", "中文"],
    ),
}

CARD_ZH = {
    "text": "🔴 SEV1 刷卡付款失敗：5 分鐘內 118 筆失敗 57 筆。備援已就緒，尚無人接手。INC-412",
    "blocks": _card(
        "🔴 *Northpay 刷卡付款大量失敗*\n近 5 分鐘 118 筆中 57 筆失敗，平時每 100 筆約 3 筆。"
        "<!date^1794337320^{time}|03:02 UTC+8> 開始。",
        [
            "*影響* 39 位顧客的 41 筆訂單未完成付款，共 NT$86,420；其中 9 筆 Northpay 未回覆結果。",
            "*線索* 卡在 Northpay 的 3D 驗證頁：57 筆中有 54 筆在此逾時，橫跨 14 家銀行。",
            "*負責人* 尚無人接手 · <!subteam^S0ONCALL>",
            (
                "*下一步* 將刷卡付款改走 Harborpay。"
                "<!date^1794337560^{time}|03:06 UTC+8> 測試付款成功。"
            ),
        ],
        [
            button(
                "切換到 Harborpay",
                style="primary",
                value="INC-412:7:s2",
                confirm={
                    "title": plain("切換到 Harborpay？"),
                    "text": md("新的刷卡付款約 10 秒內改走 Harborpay。"),
                    "confirm": plain("立即切換"),
                    "deny": plain("先不要"),
                },
            ),
            button("我來處理", "ignored"),
            button("41 筆訂單", "whisper"),
        ],
        "INC-412 · SEV1 · 待處理 · 系統異常 · §3.3 付款渠道異常處理 · 預案 2026.11",
        ["變更嚴重度", "誤報", "改用其他章節", "升級", "English"],
    ),
}

RUNBOOK: list[Json] = [
    {"type": "section", "text": md("*Runbook 3.3 Payment channel* · 2 of 5 done")},
    {
        "type": "section",
        "text": md("✅ *2 Switch to the standby* · §3.3.1 · Mei 03:09, verified"),
        "accessory": button("Switch back", "back"),
    },
    {"type": "section", "text": md("▶ *3 Ask the vendor* · §3.3.2\nGet the cause.")},
    {
        "type": "actions",
        "elements": [
            button("Message Northpay", "m", style="primary"),
            button("Enter their answer", "e"),
            button("Skip…", "s"),
        ],
    },
]

TEXTS: list[Json] = [
    {"type": "header", "text": plain("A header :tada:")},
    {
        "type": "section",
        "block_id": "words",
        "text": md(
            "*bold* _italic_ ~strike~ `code <@U0MEI>` :white_check_mark: "
            "<https://example.com|a link> &lt;b&gt;no markup&lt;/b&gt; <@U0MEI> <#C0GENERAL> "
            "a*b*c\n> quoted\nafter\n"
            "```block <!channel>```"
        ),
    },
    {"type": "section", "fields": [md("*One*\n1"), md("*Two*\n2")]},
    {"type": "divider"},
    {"type": "context", "elements": [md("*small*"), plain("*literal*")]},
    {
        "type": "rich_text",
        "block_id": "rich",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {
                        "type": "date",
                        "timestamp": 1794338760,
                        "format": "{time}",
                        "fallback": "03:26",
                    },
                    {"type": "text", "text": " said "},
                    {"type": "text", "text": "loudly", "style": {"bold": True}},
                    {"type": "user", "user_id": "U0LIN"},
                    {"type": "text", "text": " *literal* <!channel>"},
                ],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "their words"}]},
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "first"}]}
                ],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "as is"}]},
        ],
    },
    {
        "type": "container",
        "block_id": "fold",
        "title": plain("Done: 2 steps"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "section", "text": md("✅ *1 Notice it*")}],
    },
]

CONTROLS: list[Json] = [
    {
        "type": "actions",
        "block_id": "controls",
        "elements": [
            button("Refund 12 orders", "r", style="danger"),
            {
                "type": "static_select",
                "action_id": "act",
                "placeholder": plain("Severity"),
                "options": [
                    {"text": plain("SEV1"), "value": "1"},
                    {"text": plain("SEV2"), "value": "2"},
                ],
            },
            {"type": "users_select", "action_id": "who", "placeholder": plain("Owner")},
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-12"},
            {"type": "timepicker", "action_id": "hour"},
            {
                "type": "checkboxes",
                "action_id": "tick",
                "options": [{"text": plain("Tell customers"), "value": "c"}],
            },
            {
                "type": "radio_buttons",
                "action_id": "pick",
                "options": [
                    {"text": plain("Now"), "value": "n"},
                    {"text": plain("Later"), "value": "l"},
                ],
            },
        ],
    },
]


def _cell(text: str) -> Json:
    return {"type": "raw_text", "text": text}


ORDERS: list[Json] = [
    {
        "type": "data_table",
        "caption": "Affected orders",
        "page_size": 3,
        "rows": [[_cell("Order"), _cell("Amount")]]
        + [
            [
                _cell(f"#100{n}"),
                {"type": "raw_number", "value": 1200 - n * 37, "text": f"NT${1200 - n * 37:,}"},
            ]
            for n in range(8)
        ],
    }
]

REVIEW: list[Json] = [
    {
        "type": "markdown",
        "text": (
            "# Card payments failed\nFor 8 minutes **about half** failed. "
            "<script>alert(1)</script>\n\n"
            "| started | found |\n|---|---|\n| 03:02 | 03:07 |\n\n"
            "1. Check every 20 s\n2. Ask for a feed"
        ),
    }
]

WIDE_TABLE: list[Json] = [
    {
        "type": "table",
        "rows": [
            [
                _cell("started"),
                _cell("a very long heading that is wide"),
                _cell("and another one of it"),
            ],
            [
                _cell("03:02"),
                _cell("something long that does not fit"),
                _cell("on a telephone at all"),
            ],
        ],
    }
]
