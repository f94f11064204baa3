"""What people do wrong, or may not do: answered clearly, nothing changed, nothing pinged."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from sandbox.drills.hands import Json, elements, wait_for, words
from tests.journeys.workspace import CHANNELS, CS, INCIDENTS, JO, KAI, LIN, MEI, SAM, Workspace

HOSTILE = "<!channel> <@U0JO> *bold* _it_ `code` 🔥 <https://evil.example|click>"
_COMPLAINT = {"channel": "phone", "reason": "goods"}


def active(node: Any) -> list[str]:
    """Every text of a message that Slack reads as markup."""
    if isinstance(node, list):
        return [text for item in node for text in active(item)]
    if not isinstance(node, dict):
        return []
    found = [str(node["text"])] if node.get("type") in ("mrkdwn", "markdown") else []
    return found + [text for value in node.values() for text in active(value)]


def broadcast_mentions(workspace: Workspace) -> list[str]:
    """Texts anywhere that would ring a whole channel, or show what was typed as markup."""
    texts = []
    for channel in CHANNELS:
        for root in workspace.slack.messages(LIN, channel):
            for message in [root, *workspace.slack.messages(LIN, channel, root["ts"])]:
                if message.get("bot"):
                    texts += [*active(message.get("blocks")), str(message.get("text"))]
    marks = ("<!channel", "<!here", "<!everyone", "*bold*", "<https://evil.example")
    return [text for text in texts if any(mark in text for mark in marks)]


def test_a_press_without_the_role(workspace: Workspace, channel_card: Json) -> None:
    thread = channel_card["ts"]
    state = workspace.frozen()
    before = state()
    found = workspace.at(channel_card, SAM).find("3.3.1.s2", "switch")
    assert found is not None
    message, element = found
    said = workspace.answer_to(SAM, lambda: workspace.slack.click(SAM, message, INCIDENTS, element))
    workspace.settled()
    assert "needs the role" in said
    assert "Mei" in said, "who can do it now is named"
    assert state() == before
    assert workspace.shop.look("/routing/card")["channel"] == "northpay"
    for other in (MEI, KAI, LIN, JO):
        assert not workspace.told(other, thread=thread)
        assert not workspace.told(other)
    row = workspace.rows("select * from audit where actor = ?", SAM)[-1]
    assert (row["chain"], row["result"], row["object"]) == (
        "INC-1", "refused", "switch_payment_channel",
    )  # fmt: skip


def test_bad_subcommands(workspace: Workspace, channel_card: Json) -> None:
    state = workspace.frozen()
    before = state()
    asked = {
        "/incident wat": "I do not know “wat”",
        "/incident show": "number",
        "/incident show 999": "INC-999",
        "/incident show abc": "number",
        "/incident note": "number",
        "/incident note 1": "note",
        "/incident note 999 hello": "INC-999",
        "/incident review 1": "",
        "/incident review 999": "INC-999",
        "/incident language klingon": "/incident language en",
        "/incident language": "/incident language en",
        "/incident help": "/incident",
        "/order": "/order",
        "/order FG-0": "There is no order FG-0",
        "/order *bold*<!channel>": "There is no order",
        "/complaint help": "/complaint",
        f"/incident {'x' * 3000}": "I do not know",
    }
    for line, expected in asked.items():
        said = workspace.types(MEI, line)
        assert expected in said, f"{line[:40]}: {said}"
        assert 0 < len(said) < 1500 + len(line)
    workspace.settled()
    assert state() == before
    assert broadcast_mentions(workspace) == []


def test_an_outsider_gets_nothing_by_commands(workspace: Workspace, channel_card: Json) -> None:
    state = workspace.frozen()
    before = state()
    assert "role" in workspace.types(SAM, "/order FG-0")
    assert "role" in workspace.types(SAM, "/incident note 1 let me in")
    workspace.settled()
    assert state() == before


def test_an_unknown_order_in_a_complaint(workspace: Workspace, channel_card: Json) -> None:
    state = workspace.frozen()
    before = state()
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", "FG-0"))
    text = field(form, "plain_text_input", multiline=True)
    sent = workspace.send(LIN, form, {**_COMPLAINT, text: "Where is it?"})
    assert sent["ok"], sent
    shown = wait_for(
        lambda: next((v for v in workspace.views(LIN) if "FG-0" in words(v["blocks"])), None),
        "the form again, with the error",
    )
    assert "沒有訂單 FG-0" in words(shown["blocks"])
    assert "Where is it?" in json.dumps(shown), "what was typed is kept"
    workspace.close_views(LIN)
    workspace.settled()
    assert state() == before


def field(view: Json, kind: str, *, multiline: bool = False) -> str:
    """The block_id of the form's field of a kind."""
    return next(
        str(b["block_id"])
        for b in view["blocks"]
        if b["type"] == "input"
        and b["element"]["type"] == kind
        and bool(b["element"].get("multiline")) == multiline
    )


@pytest.mark.parametrize("typed", ["1.234,50", "12,34", "NT$ five", "-3", "1e3", "１２，３４"])
def test_an_amount_that_is_none(workspace: Workspace, channel_card: Json, typed: str) -> None:
    state = workspace.frozen()
    before = state()
    form = workspace.form(MEI, lambda: workspace.slack.command(MEI, INCIDENTS, "/incident", "3.2"))
    answers = {"order": "FG-10001", "paid": typed, "what": "Paid another amount"}
    sent = workspace.send(MEI, form, answers)
    workspace.close_views(MEI)
    assert sent.get("response_action") == "errors", sent
    assert typed in sent["errors"]["paid"] or "at least" in sent["errors"]["paid"], sent
    workspace.settled()
    assert state() == before


def test_a_text_of_5000_characters(workspace: Workspace, channel_card: Json) -> None:
    """Slack's own form refuses it at the field; a command's text is refused in one sentence."""
    state = workspace.frozen()
    before = state()
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", ""))
    text = field(form, "plain_text_input", multiline=True)
    sent = workspace.send(LIN, form, {**_COMPLAINT, text: "長" * 5000})
    workspace.close_views(LIN)
    assert (sent["ok"], sent["error"]) == (False, "invalid_input"), sent
    said = workspace.types(MEI, f"/incident note 1 {'long ' * 1000}")
    assert "at most" in said, said
    workspace.settled()
    assert state() == before


def test_markup_in_customer_data_and_in_what_people_type(
    workspace: Workspace, channel_card: Json
) -> None:
    """Shown as it was typed, and nobody is rung by it."""
    shop = workspace.stack.shop.says["database"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(shop)) as connection:
        number, customer = connection.execute(
            "select number, customer_id from orders where status != 'awaiting_payment' limit 1"
        ).fetchone()
        connection.execute(
            "update customers set name = ?, address = ? where id = ?", (HOSTILE, HOSTILE, customer)
        )
        connection.commit()
    quiet = _rings(workspace)
    workspace.types(MEI, f"/incident note 1 {HOSTILE}")
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", str(number)))
    text = field(form, "plain_text_input", multiline=True)
    assert workspace.send(LIN, form, {**_COMPLAINT, text: HOSTILE})["ok"]
    workspace.until(lambda: workspace.cards(CS), "the complaint's card")
    workspace.close_views(LIN)
    workspace.settled()
    assert _rings(workspace) == quiet
    said = workspace.post(
        "/hand/say", **{"as": MEI}, channel=INCIDENTS, text=HOSTILE, thread_ts=channel_card["ts"]
    )
    quiet = _rings(workspace)  # what Mei herself wrote to everybody has rung
    workspace.answer_to(
        MEI,
        lambda: workspace.post(
            "/hand/shortcut", **{"as": MEI}, callback_id="incident.note", channel=INCIDENTS,
            ts=said["ts"],
        ),
        thread=channel_card["ts"],
    )  # fmt: skip
    workspace.settled()
    assert broadcast_mentions(workspace) == []
    assert _rings(workspace) == quiet
    shown = json.dumps(workspace.slack.messages(LIN, CS), ensure_ascii=False)
    assert "evil.example" not in shown, "customers' data stays in the shop"


def _rings(workspace: Workspace) -> dict[str, int]:
    """How often it rang for the two who have nothing to do here."""
    return {who: len(workspace.slack.rings(who)) for who in (SAM, JO)}


def test_a_double_click(workspace: Workspace, channel_card: Json) -> None:
    """Two clicks on one button: one effect, and the second is told so."""
    found = workspace.at(channel_card).find("3.3.1.s2", "switch")
    assert found is not None
    message, element = found
    sent = workspace.post(
        "/hand/volley", n=2, **{"as": MEI}, channel=INCIDENTS, ts=message["ts"],
        action_id=element["action_id"],
    )  # fmt: skip
    assert sent["acked"] == 2, sent
    wait_for(lambda: "watched until" in workspace.card_words(channel_card) or None, "the switch")
    workspace.settled()
    effects = [m for m in workspace.shop.mutations() if m["path"] == "/routing/card"]
    assert len(effects) == 1
    told = [words(m["blocks"]) for m in workspace.told(MEI)]
    assert any("Nothing was sent twice" in said for said in told), told


def test_a_stale_button(workspace: Workspace, channel_card: Json) -> None:
    """A card of one's own (`/incident show`) grows old: its button asks for what was then."""
    before = len(workspace.told(KAI))
    assert workspace.slack.command(KAI, INCIDENTS, "/incident", "show 1")["ok"]

    def seen() -> tuple[Json, Json] | None:  # a late answer to something else may come before it
        told = ((m, e) for m in workspace.told(KAI)[before:] for e in elements(m))
        return next(((m, e) for m, e in told if ":3.3.2.s1:ask" in str(e.get("value"))), None)

    shown, element = wait_for(seen, "the card")
    at = workspace.at(channel_card)
    at.press({"step": "3.3.2.s1", "button": "ask"})
    at.wait_until_calm()
    workspace.settled()
    state = workspace.frozen()
    known = state()
    said = workspace.answer_to(KAI, lambda: workspace.slack.click(KAI, shown, INCIDENTS, element))
    workspace.settled()
    assert "Mei" in said, said
    assert state() == known


def test_a_modal_sent_twice(workspace: Workspace, channel_card: Json) -> None:
    """Twice by the same hand, and once more by somebody who still has it open: recorded once."""
    message, element = wait_for(
        lambda: workspace.at(channel_card).find("3.3.2.s1", "answer"), "the button"
    )
    forms = {
        person: workspace.form(
            person, lambda who=person: workspace.slack.click(who, message, INCIDENTS, element)
        )
        for person in (MEI, KAI)
    }
    workspace.post("/hand/delivery", redeliver="interactive", twice=True)
    assert workspace.send(MEI, forms[MEI], {"cause": "A certificate ran out"})["ok"]
    workspace.settled()
    entries = "select count(*) from timeline where kind = 'step_recorded'"
    wait_for(lambda: workspace.one(entries) == 1 or None, "the record")
    assert workspace.send(KAI, forms[KAI], {"cause": "Something else"})["ok"]
    shown = wait_for(
        lambda: next((v for v in workspace.views(KAI) if "Mei" in words(v["blocks"])), None),
        "the form again, with what is wrong",
    )
    workspace.settled()
    assert workspace.one(entries) == 1
    said = words(shown["blocks"])
    assert "Mei did this already" in said, said
    assert "Something else" in json.dumps(shown), "what was typed is kept"
