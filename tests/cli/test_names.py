"""A name that the plan uses and muster.yaml lacks is named at the start and by doctor."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from bot.application import Muster
from bot.cli.doctor import _names
from bot.cli.stack import demo_settings
from bot.clock import SystemClock
from bot.name_resolution import sentences
from bot.section_gaps import gaps
from bot.settings import Secrets, parse_settings
from bot.settings_errors import SettingsError
from bot.wiring.organisation import build_house, build_roles
from plan.loader import load_plan
from plan.sources import PlanError

KEY = bytes(32)
_HERE = {"url": "http://127.0.0.1:9"}
_SHOP = dict.fromkeys(("control", "primary", "standby"), "http://127.0.0.1:9")


def demo(folder: Path) -> dict[str, Any]:
    return demo_settings(_HERE, {**_SHOP, "database": f"sqlite:///{folder}/shop.db"}, folder)


def lacking(data: dict[str, Any]) -> list[str]:
    return sentences(load_plan().plan, parse_settings(data), None)


def test_the_demos_names_all_lead_somewhere(tmp_path: Path) -> None:
    assert lacking(demo(tmp_path)) == []


def test_a_misspelt_role_is_named_with_its_place_in_the_plan(tmp_path: Path) -> None:
    data = demo(tmp_path)
    data["roles"]["on_call"] = data["roles"].pop("oncall")
    [sentence] = lacking(data)
    found = re.match(
        r"data/sections/[\d.]+/section\.yaml:(\d+): \S*role\S*: the role “oncall”", sentence
    )
    assert found, sentence
    assert "nobody is rung" in sentence
    assert "muster.yaml" in sentence


def test_for_another_role_on_call_is_rung_and_it_says_so(tmp_path: Path) -> None:
    data = demo(tmp_path)
    del data["roles"]["cs"]
    [sentence] = lacking(data)
    assert "the role “cs” is not in roles" in sentence
    assert "on-call is rung instead" in sentence


def test_a_department_needs_but_a_channel_unless_the_plan_uses_its_role(tmp_path: Path) -> None:
    data = demo(tmp_path)
    data["roles"]["warehouse"] = {"channel": "incidents"}
    assert lacking(data) == []
    data["roles"]["cs"] = {"channel": "incidents"}
    [sentence] = lacking(data)
    assert "roles.cs has nobody" in sentence


def test_each_lack_is_one_sentence(tmp_path: Path) -> None:
    data = demo(tmp_path)
    del data["slack"]["channels"]["private"]
    data["roles"]["finance"] = {}
    said = lacking(data)
    for wanted in ("no private channel", "roles.finance has"):
        assert sum(wanted in sentence for sentence in said) == 1, (wanted, said)


def offered_not(data: dict[str, Any]) -> dict[str, str]:
    """What each section does without, by its number."""
    settings, plan = parse_settings(data), load_plan()
    doors = build_house(settings, plan, build_roles(settings, {})).doors
    said = gaps(plan.plan, doors, settings)
    return {one.partition(" ")[0].removeprefix("§"): one for one in said}


def test_a_section_names_the_buttons_that_it_cannot_offer(tmp_path: Path) -> None:
    """By the place in muster.yaml that is empty; other sections are not spoken of."""
    data = demo(tmp_path)
    assert offered_not(data) == {}
    del data["shop"]["actions"]["switch_payment_channel"]
    said = offered_not(data)
    assert set(said) == {"3.3"}
    assert "without shop.actions.switch_payment_channel no “Switch payment channel”" in said["3.3"]


def test_a_look_that_comes_before_an_action_takes_its_button_away(tmp_path: Path) -> None:
    data = demo(tmp_path)
    del data["shop"]["looks"]["channel_test"]
    data["checks"] = []
    [sentence] = [said for number, said in offered_not(data).items() if number == "3.3"]
    assert "without shop.looks.channel_test no “Switch payment channel”" in sentence


def test_a_role_that_nobody_has_is_named_by_section(tmp_path: Path) -> None:
    data = demo(tmp_path)
    data["roles"]["cs"] = {}
    said = offered_not(data)
    assert "7.2" in said
    assert all("nobody has roles.cs" in sentence for sentence in said.values())


def test_an_address_below_a_control_url_that_is_missing_is_refused(tmp_path: Path) -> None:
    """Else the button would be offered, and refused when it is pressed."""
    data = demo(tmp_path)
    del data["shop"]["control_url"]
    with pytest.raises(SettingsError, match=r"shop.control_url is missing: shop\.\w+\.\w+ stands"):
        parse_settings(data)


def test_a_check_whose_findings_open_nothing(tmp_path: Path) -> None:
    data = demo(tmp_path)
    probe = next(check for check in data["checks"] if check["kind"] == "http_probe")
    probe["incident_type"] = "system_down"
    [sentence] = lacking(data)
    assert "opens “system_down”, which is no incident type of the plan" in sentence
    assert "system_crash" in sentence
    muster = Muster(
        parse_settings(data), Secrets("xoxb-1", "xapp-1", "s", bytes(32)), SystemClock()
    )
    with pytest.raises(PlanError, match=re.escape(sentence)):  # before anything is opened
        asyncio.run(muster.start())


def test_a_role_that_an_action_rings(tmp_path: Path) -> None:
    data = demo(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/people.yaml").write_text(
        "actions:\n  escalate:\n    title: {en: Call the boss, zh-Hant: 通知老闆}\n"
        "    kind: internal\n    roles: [oncall]\n"
        "    params: {roles: \"{{ ['bosses'] }}\"}\n"
        "    log: {en: called the boss, zh-Hant: 已通知老闆}\n",
        "utf-8",
    )
    data["plan"] = {"extra": str(tmp_path / "own")}
    settings = parse_settings(data)
    [sentence] = sentences(load_plan(tmp_path / "own").plan, settings, tmp_path / "own")
    assert re.search(r"own/people\.yaml:6: \S*params\S*: the role “bosses” is not", sentence)


def test_doctor_names_them(tmp_path: Path) -> None:
    data = demo(tmp_path)
    plan = load_plan()
    assert [mark for mark, _ in _names(parse_settings(data), plan)] == ["ok", "ok"]
    data["roles"]["on_call"] = data["roles"].pop("oncall")
    del data["shop"]["actions"]["switch_payment_channel"]
    said = _names(parse_settings(data), plan)
    [wrong] = [sentence for mark, sentence in said if mark == "wrong"]
    assert "the role “oncall” is not in roles" in wrong
    assert any(mark == "look" and "§3.3" in sentence for mark, sentence in said)
