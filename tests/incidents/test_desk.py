"""The service desk hears during the outage, and of one order its own sentence (thread 1.8)."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.content import Request
from bot.rendering import Drawing
from handlers.cases import _affected, _standing
from incidents import read
from incidents.lifecycle import commands
from incidents.outcome import Outcome
from message_templates.engine import Templates
from plan.kept_plan import restore_plan
from plan.loader import load_plan
from storage.models import CaseState
from tests.incidents.test_told import TELL, link
from tests.incidents.world import DAY, JO, LIN, MEI, World, house, orders
from tests.message_templates.builders import TAIPEI
from tests.message_templates.shown import lines

SWITCH = "3.3.1.s2"
PLAN_OF_BEFORE = Path(__file__).parents[1] / "plan" / "data" / "plan_before_holds.json.xz"
TEMPLATES = Templates(TAIPEI)


def note(world: World, language: str = "en") -> str:
    """The desk's message as it is drawn now."""
    incident = world.incident()
    view, params = world.read(lambda s: read.desk(s, world.house, incident.id, world.now))
    return str(lines(TEMPLATES.render("desk", view, language=language, params=params)))


def asked(world: World, key: str) -> Outcome:
    def unit(session: Any) -> Outcome:
        found = _affected(session, world.house, LIN, [key])
        assert found is not None
        return _standing(session, world.house, *found, world.now)

    return world.read(unit)


def said(world: World, key: str, language: str) -> str:
    outcome = asked(world, key)
    return TEMPLATES.text(f"answers.{outcome.code}", language=language, **outcome.params)


def test_the_note_is_posted_with_the_opening(world: World) -> None:
    world.channel_fails(3)
    [posted] = [m for m in world.messages("post") if m.payload["template"] == "desk"]
    assert posted.payload["audience"] == "cs"
    text = note(world)
    assert text.index("failing since") < text.index("Please wait a little")
    assert "yet whether you were charged" in text
    assert "They work now" not in text
    assert "9 orders" not in text  # what must not be said yet holds for all of them
    assert "刷卡付款異常" in note(world, "zh-Hant")
    assert "先別說" in note(world, "zh-Hant")


def test_the_note_turns_and_turns_back(world: World) -> None:
    """The same message: edited when it works, and again when it fails anew."""
    world.channel_fails(3)
    world.channel_healthy(3)
    assert world.incident().mitigated_at is not None
    assert "They work now" in note(world)
    world.channel_fails(3)
    assert world.incident().mitigated_at is None
    assert "They work now" not in note(world)
    assert "failing again since" in note(world)
    assert "再次異常" in note(world, "zh-Hant")
    assert "Please wait a little" in note(world)
    posts = [m for m in world.messages("post") if m.payload["template"] == "desk"]
    assert len(posts) == 1


def test_an_incident_under_a_plan_of_before_speaks_of_the_end_alone(world: World) -> None:
    """It keeps the plan that it opened with, whose note had words for one state."""
    content = lzma.decompress(PLAN_OF_BEFORE.read_bytes()).decode()
    old = replace(load_plan(), plan=restore_plan(content), hash="0" * 64, content=content)
    now, world.house = world.house, house(loaded=old)
    world.channel_fails(3)
    world.house = now  # upgraded
    assert not [m for m in world.messages("post") if m.payload["template"] == "desk"]
    world.channel_healthy(3)
    [_] = [m for m in world.messages("post") if m.payload["template"] == "desk"]
    assert "They work now" in note(world)
    world.channel_fails(3)
    assert "It is being worked on" in note(world)
    assert "正在處理中" in note(world, "zh-Hant")


def test_a_false_alarm_leaves_nothing_to_say(world: World) -> None:
    world.channel_fails(3)
    world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "A planned test", world.now)
    )
    assert "False alarm" in note(world)
    assert "Please wait" not in note(world)


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_each_order_has_its_own_sentence(world: World, language: str) -> None:
    """Never a plural of all, never the code of its state."""
    world.now = DAY
    world.channel_fails(3, cases=orders(3, unknown=1, customers=3))
    during = {key: said(world, key, language) for key in ("FG-10400", "FG-10401")}
    unknown, failed = (
        ("has no answer yet", "did not go through")
        if language == "en"
        else ("尚未回覆結果", "刷卡沒有成功")
    )
    assert unknown in during["FG-10400"]
    assert failed in during["FG-10401"]
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    world.channel_healthy(15)  # two minutes and a half: the switch has held
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    after = {key: said(world, key, language) for key in ("FG-10400", "FG-10401")}
    assert unknown in after["FG-10400"]
    assert ("link that we sent" if language == "en" else "我們寄給您的連結") in after["FG-10401"]
    for text in (*during.values(), *after.values()):
        assert "FG-104" in text
        assert "INC-1" in text
        for code in (*CaseState, "orders", "not_charged", "these", "這 "):
            assert f" {code} " not in f" {text} ".replace(".", " ").replace("。", " ")


def test_the_export_is_in_the_readers_language(world: World) -> None:
    world.channel_fails(3, cases=orders(2, unknown=1))
    drawing = Drawing.__new__(Drawing)
    drawing._templates = TEMPLATES
    drawing._house = world.house
    incident = world.incident()

    def text(language: str) -> str:
        request = Request(
            "INC-1/export",
            "cases_csv",
            language,
            incident_id=incident.id,
            person=JO,
            params={"filter": "all"},
        )
        content = world.read(lambda s: drawing._cases_csv(s, request))
        return content.files[0].content.decode()

    assert "outcome" in text("en").splitlines()[0]
    chinese = text("zh-Hant").splitlines()
    assert "狀態" in chinese[0]
    assert "結果未知" in chinese[1]
    assert not any(str(state) in "".join(chinese) for state in CaseState)
