"""An action without a door in the shop leaves its facts like any other; a required tick is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from incidents.outcome import Outcome
from incidents.runbooks import forms
from plan.loader import load_plan
from plan.model import Form, FormField, Words
from tests.incidents.test_sections import crash
from tests.incidents.world import MEI, World
from tests.incidents.world import house as make_house

WORDS = Words.model_validate({"en": "I have asked them", "zh-Hant": "已詢問"})


def test_an_internal_action_applies_its_facts_once(tmp_path: Path) -> None:
    loaded = load_plan()
    tell = loaded.plan.actions["notify_role"].model_copy(
        update={
            "facts": {"departments.told_at": "{{ now }}", "departments.told": "{{ response.told }}"}
        }
    )
    plan = loaded.plan.model_copy(update={"actions": {**loaded.plan.actions, tell.id: tell}})
    world = World.create(tmp_path, loaded=replace(loaded, plan=plan))
    try:
        crash(world)
        assert world.press(MEI, "9.1.3.s1", "tell").ok
        kept = world.incident().facts["departments"]
        assert kept == {"told_at": world.now.isoformat(), "told": ["cs", "managers"]}
    finally:
        world.close()


@pytest.mark.parametrize(
    ("given", "refused"), [(None, True), (False, True), ("", True), (True, False)]
)
def test_a_required_tick_is_required(given: object, refused: bool) -> None:
    form = Form(
        title=WORDS, submit=WORDS, fields=(FormField(id="asked", kind="tick", label=WORDS),)
    )
    found = forms.check(None, make_house(), form, {"asked": given})
    if refused:
        assert isinstance(found, Outcome)
        assert (found.code, found.params["field_id"]) == ("field_required", "asked")
    else:
        assert not isinstance(found, Outcome)


def test_a_tick_that_is_not_required_may_stay_open() -> None:
    field = FormField(id="public", kind="tick", label=WORDS, required=False)
    found = forms.check(None, make_house(), Form(title=WORDS, submit=WORDS, fields=(field,)), {})
    assert not isinstance(found, Outcome)
    assert found.values == {}
