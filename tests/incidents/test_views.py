"""What the read models hold is rendered by the product's own templates, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from incidents import read
from message_templates.engine import Message, Templates
from storage.models import AttemptState
from tests.incidents.world import LIN, MEI, World

LANGUAGES = ("en", "zh-Hant")


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


def card(world: World) -> Any:
    return world.read(lambda s: read.card(s, world.house, 1, world.now))


def runbook(world: World) -> Any:
    return world.read(lambda s: read.runbook(s, world.house, 1, world.now))


def text_of(message: Message) -> str:
    return message.text + "\n" + repr(message.blocks)


def shown(world: World, templates: Templates, language: str = "en") -> str:
    parts = [
        templates.render("card", card(world), language=language),
        templates.render("runbook", runbook(world), language=language),
    ]
    return "\n".join(text_of(part) for part in parts)


def everywhere(world: World, templates: Templates) -> None:
    """Card, runbook and every line are drawn without a gap, in both languages."""
    for language in LANGUAGES:
        whole = shown(world, templates, language)
        for entry in world.entries():
            if not entry.data.get("posted"):
                continue
            number = entry.sequence
            view = world.read(lambda s, n=number: read.log_entry(s, world.house, 1, n, world.now))
            whole += text_of(templates.render("log", view, language=language))
        assert "•••" not in whole
        assert "PersonView" not in whole
        assert "Words(" not in whole
        assert "{{" not in whole


def test_the_open_card_says_what_is_felt_and_what_is_next(
    world: World, templates: Templates
) -> None:
    world.channel_fails(3)
    view = card(world)
    assert [button.action_id for button in view.buttons] == [
        "step.run",
        "incident.take",
        "cases.open",
    ]
    assert [button.style for button in view.buttons] == ["primary", None, None]
    assert view.buttons[0].value == f"INC-1:1.{world.incident().tag}:3.3.1.s2:switch"
    assert view.ring_group == "S0ONCALL"
    assert [verb for verb, _ in view.more][-1] == "lang:zh-Hant"
    assert len(view.more) == 5
    drawn = shown(world, templates)
    for words in ("57 of 118", "41 orders of 39 customers", "For 9 of them", "Switch to Harborpay"):
        assert words in drawn
    everywhere(world, templates)


def test_each_moment_of_the_story_is_drawn(world: World, templates: Templates) -> None:
    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    view = card(world)
    assert view.next.kind == "running"
    assert [button.action_id for button in view.buttons] == ["cases.open"]
    everywhere(world, templates)
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="no_answer")
    assert card(world).next.kind == "unknown"
    world.advance(61)
    everywhere(world, templates)
    world.settle(attempt, response={"channel": "harborpay"})
    assert card(world).next.kind == "watched"
    everywhere(world, templates)
    world.channel_fails(1, every=125, felt=False)
    view = card(world)
    assert (view.mood, view.next.kind) == ("mitigated", "step")
    assert [button.value.split(":")[-1] for button in view.buttons[:2]] == ["ask", "tell"]
    assert [button.action_id for button in view.buttons] == ["step.run", "step.form", "cases.open"]
    [switch] = [step for step in runbook(world).steps if step.step_id == "3.3.1.s2"]
    assert switch.undo is not None
    assert switch.verified_at is not None
    everywhere(world, templates)
    world.press(LIN, "3.3.4.s1", "tell")
    everywhere(world, templates)
    world.run_actions(
        request_repayment=lambda a: {"id": f"l{a.id}", "url": "https://pay.example/x"},
        notify_customer=lambda _: {"id": "m", "via": "line"},
    )
    everywhere(world, templates)
    world.channel_healthy(3)
    asked = [one for one in world.entries() if one.kind == "asked"]
    assert len(asked) == 1
    line = world.read(lambda s: read.log_entry(s, world.house, 1, asked[0].sequence, world.now))
    assert [button.action_id for button in line.buttons] == ["later.run", "later.run#2"]
    everywhere(world, templates)
    world.answer(MEI, "switch_back", "switch_back")
    world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
    everywhere(world, templates)
    view = world.read(lambda s: read.resolve_view(s, world.house, 1, world.now, None))
    for language in LANGUAGES:
        templates.render("resolve", view, language=language)
    assert world.resolve(MEI, prevention="Ask Northpay for a status feed", owner=MEI).ok
    everywhere(world, templates)
    assert card(world).mood == "ended"
    review = world.read(lambda s: read.review(s, world.house, 1, world.now))
    assert review.steps_done == 2  # nine payments are unknown, so telling is not done
    assert any(line.kind == "resolved" for line in review.timeline)
    from message_templates.review import review_html, review_json, review_markdown

    for language in LANGUAGES:
        text = review_markdown(templates, review, language=language)
        assert "Northpay" in text
        assert "•••" not in text
        assert review_html(templates, review, language=language)
    assert review_json(templates, review)


def test_late_answers_and_notices_are_drawn(world: World, templates: Templates) -> None:
    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    [attempt] = world.pending_attempts()
    world.settle(
        attempt, AttemptState.REFUSED, problem="precondition:0", response={"look": {"ok": False}}
    )
    [item] = world.messages("ephemeral")
    code, params = world.read(
        lambda s: read.late_answer(s, world.house, 1, item.secret["params"], world.now)
    )
    for language in LANGUAGES:
        drawn = text_of(templates.answer(code, params, language=language))
        assert "Harborpay" in drawn
    everywhere(world, templates)
    assert "Harborpay" in shown(world, templates)
