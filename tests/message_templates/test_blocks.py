"""What is rendered is what Slack accepts: kinds, sizes, identifiers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from message_templates import limits
from message_templates.engine import Message, TemplateFailed
from message_templates.writers import size
from sandbox.slack.blocks.validate import message_problems, view_problems
from tests.message_templates import builders
from tests.message_templates.everything import (
    LANGUAGES,
    PARTS,
    TEMPLATES,
    inputs,
    rendered,
    template_names,
)

ALL = list(rendered())


def test_every_template_is_rendered_here() -> None:
    """A template that no test renders could break unseen."""
    assert template_names() - PARTS == {name for name, _, _ in inputs()}


@pytest.mark.parametrize(
    ("name", "language", "message"), ALL, ids=[f"{name}-{lang}" for name, lang, _ in ALL]
)
def test_slack_accepts_it(name: str, language: str, message: Message) -> None:
    """Blocks and views pass the strict validator and slack_sdk's own models."""
    if message.view is not None:
        assert view_problems(message.view) == []
        View(**message.view).validate_json()
        return
    assert message.text
    assert message_problems(message.blocks) == []
    assert limits.text_size(message.blocks) <= limits.MESSAGE_TEXT
    for block in message.blocks:
        parsed = Block.parse(block)
        if parsed is not None and block["type"] not in ("rich_text", "markdown"):
            parsed.validate_json()


@pytest.mark.parametrize(
    ("name", "language", "message"), ALL, ids=[f"{name}-{lang}" for name, lang, _ in ALL]
)
def test_a_lock_screen_can_show_it(name: str, language: str, message: Message) -> None:
    """The notification text is at most 110 characters, 55 in Chinese."""
    if name in ("answer", "incident_list"):
        return  # an ephemeral answer rings nobody; its text is the whole answer
    assert size(message.text) <= (55 if language == "zh-Hant" else 110)


def test_a_card_has_at_most_three_buttons_and_one_green() -> None:
    """Nobody has to choose among more than three; green is the next step."""
    for name, _, message in ALL:
        if name != "card":
            continue
        for block in message.blocks:
            if block["type"] == "actions":
                styles = [element.get("style") for element in block["elements"]]
                assert len(styles) <= 3
                assert styles.count("primary") <= 1


def _labels(node: Any) -> list[str]:
    if isinstance(node, list):
        return [label for item in node for label in _labels(item)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]["text"]] if node.get("type") == "button" else []
    return own + [label for item in node.values() for label in _labels(item)]


def test_no_button_label_is_cut() -> None:
    """A button is a verb and its object: at most 24 characters, 8 in Chinese beside names."""
    for _, language, message in ALL:
        for label in _labels(message.view or message.blocks):
            assert not label.endswith("…") or label in (
                "Skip…",
                "Wait until…",
                "略過…",
                "暫緩提醒…",
            )
            chinese = [char for char in label if "\u4e00" <= char <= "\u9fff"]
            assert len(chinese) <= 8, label
            assert language == "zh-Hant" or size(label) <= 24, label


def test_buttons_of_one_block_have_different_ids() -> None:
    """Slack refuses two elements of one action id in a block; handlers strip the number."""
    message = TEMPLATES.render("card", builders.card_mitigated(), language="en")
    buttons = next(block for block in message.blocks if block["type"] == "actions")
    identifiers = [element["action_id"] for element in buttons["elements"]]
    assert identifiers == ["step.run", "step.run#2", "cases.open"]


def test_a_runbook_of_sixty_steps_stays_one_message() -> None:
    """What is settled folds into one section; the next step keeps its buttons."""
    message = TEMPLATES.render("runbook", builders.runbook_long(60), language="en")
    assert len(message.blocks) <= limits.MESSAGE_BLOCKS
    assert any(block["block_id"] == "s31.do" for block in message.blocks)
    assert "30 Switch to the standby · done" in message.blocks[1]["text"]["text"]


def test_a_form_keeps_what_was_typed() -> None:
    """A form that comes back with an error is filled as it was."""
    form = builders.forms()[-1]
    view = {"form": form, "scope": {}}
    params = {"values": builders.FILLED, "metadata": {"incident": 412}}
    modal = TEMPLATES.render("form", view, language="en", params=params).view
    assert modal is not None
    assert view_problems(modal) == []
    assert modal["private_metadata"] == '{"incident": 412}'
    elements = {b["block_id"]: b["element"] for b in modal["blocks"] if b["type"] == "input"}
    assert elements["text"]["initial_value"] == "a"
    assert elements["lines"]["initial_value"] == "a\nb"
    assert elements["number"]["initial_value"] == "0"
    assert elements["money"]["initial_value"] == "12.50"
    assert elements["date"]["initial_date"] == "2026-11-14"
    assert elements["datetime"]["initial_date_time"] == int(builders.at("04:30").timestamp())
    assert elements["select"]["initial_option"]["value"] == "second"
    assert elements["person"]["initial_user"] == "U0MEI"
    assert elements["tick"]["initial_options"][0]["value"] == "yes"


def test_resolving_is_not_offered_while_a_hard_guard_does_not_hold() -> None:
    """What refuses is named, and there is nothing to submit."""
    view = builders.resolve_view()
    refused = dataclasses.replace(view, refused=view.open_guards, open_guards=())
    modal = TEMPLATES.render("resolve", refused, language="en").view
    assert modal is not None
    assert "submit" not in modal
    assert view_problems(modal) == []
    assert "12 orders not paid" in modal["blocks"][0]["text"]["text"]


def test_the_other_language_is_offered() -> None:
    """A card's menu offers the language it is not written in."""
    for language, other, label in (("en", "zh-Hant", "中文"), ("zh-Hant", "en", "English")):
        message = TEMPLATES.render("card", builders.card_open(), language=language)
        last = message.blocks[0]["accessory"]["options"][-1]
        assert last["value"].endswith(f":lang:{other}")
        assert last["text"]["text"] == label


def test_a_template_that_is_not_there_fails_by_name() -> None:
    """Delivery sends plain text then; the failure names the template."""
    with pytest.raises(TemplateFailed, match="there is no template “nothing”"):
        TEMPLATES.render("nothing", None, language="en")


def test_a_code_without_words_fails_by_name() -> None:
    """An answer that the catalogue does not have is a failure with its key, never silence."""
    for language in LANGUAGES:
        with pytest.raises(TemplateFailed, match=r"answers\.nothing"):
            TEMPLATES.answer("nothing", {}, language=language)
