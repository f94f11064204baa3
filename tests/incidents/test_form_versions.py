"""Forms of an incident are judged by the plan that it was opened under, however old it is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from handlers import declare, modals
from handlers.action_values import Target, private_metadata
from handlers.context import Desk
from handlers.registry import Interaction
from handlers.step_forms import asked
from incidents import loading
from plan.loader import LoadedPlan
from plan.model import FormField, Words
from storage.models import WorkItem
from storage.work import enqueue
from tests.incidents.world import MEI, World

STEP = Target(1, 1, "3.3.2.s1", "answer")
LABEL = Words(en="Ticket number", **{"zh-Hant": "單號"})


def upgraded(loaded: LoadedPlan) -> LoadedPlan:
    """The next version of the plan, whose form of 3.3.2.s1 demands one field more."""
    section = loaded.plan.sections["3.3"]

    def more(step: Any) -> Any:
        if step.id != STEP.step:
            return step
        field = FormField(id="ticket", kind="text", label=LABEL, required=True)
        form = step.form.model_copy(update={"fields": (*step.form.fields, field)})
        return step.model_copy(update={"form": form})

    steps = tuple(more(step) for step in section.steps)
    sections = {**loaded.plan.sections, "3.3": section.model_copy(update={"steps": steps})}
    plan = loaded.plan.model_copy(update={"sections": sections})
    return replace(loaded, plan=plan, hash="the next one")


def sent(world: World, plan_hash: str) -> Interaction:
    """The form as it was opened before the upgrade, and sent after it."""
    memory = {"incident": 1, "version": 1, "step": STEP.step, "button": STEP.button}
    state = {"cause": {"value": {"type": "plain_text_input", "value": "A certificate"}}}
    return Interaction(
        kind="submission",
        name="form.step",
        delivery="trigger:1",
        user_id=MEI,
        view={
            "private_metadata": private_metadata(**memory, plan=plan_hash),
            "state": {"values": state},
        },
    )


def test_an_upgrade_does_not_block_an_open_form(world: World) -> None:
    world.channel_fails(3)
    skipped = {"reason": "The bank routes around it"}
    assert world.press(MEI, "3.3.1.s2", "skip", values=skipped).ok
    old = world.house.loaded
    opened = world.read(lambda s: asked(s, world.house, STEP, world.now))
    assert opened is not None
    assert opened.form is not None
    assert opened.plan_hash == old.hash
    world.house = replace(world.house, loaded=upgraded(old))
    desk = cast("Desk", SimpleNamespace(house=world.house))
    interaction = sent(world, opened.plan_hash)

    # Not in memory: the acknowledgement asks no database, and leaves it to the press.
    loading._SHELF = loading.PlanShelf()
    assert modals.plan_form(interaction, desk) is None
    again = world.read(lambda s: asked(s, world.house, STEP, world.now))
    assert again is not None
    assert again.form is not None
    form = modals.plan_form(interaction, desk)
    assert form is not None
    assert [field.id for field in form.fields] == [field.id for field in opened.form.fields]
    assert modals.step_errors(interaction, desk) is None
    outcome = world.press(MEI, STEP.step, STEP.button, values={"cause": "A certificate"})
    assert outcome.ok, outcome


def test_a_new_incident_is_judged_by_the_new_plan(world: World) -> None:
    world.house = replace(world.house, loaded=upgraded(world.house.loaded))
    world.channel_fails(3)
    skipped = {"reason": "The bank routes around it"}
    assert world.press(MEI, "3.3.1.s2", "skip", values=skipped).ok
    outcome = world.press(MEI, STEP.step, STEP.button, values={"cause": "A certificate"})
    assert (outcome.code, outcome.params["field_id"]) == ("field_required", "ticket")


@pytest.mark.parametrize(
    ("memory", "shown"), [({"type": "gone"}, ["sent_back"]), ({"choose": True}, [])]
)
async def test_a_declaration_of_a_type_that_the_plan_no_longer_has_has_an_end(
    world: World, memory: dict[str, Any], shown: list[str]
) -> None:
    """What was typed comes back; behind the choice of a type its form stands already."""

    async def write(work: Any, **_: Any) -> Any:
        def unit(session: Any) -> Any:
            enqueue(
                session, kind="intake", key="trigger:1", payload={}, due=world.now, now=world.now
            )
            return work(session)

        return world.write(unit)

    nobody: Any = None
    desk = Desk(
        database=cast("Any", SimpleNamespace(write=write)), house=world.house, templates=nobody,
        slack=nobody, people=nobody, clock=cast("Any", SimpleNamespace(now=lambda: world.now)),
        guard_looks=nobody, order=nobody,
    )  # fmt: skip
    form = replace(sent(world, ""), name="form.declare")
    view = {**form.view, "id": "V1", "private_metadata": private_metadata(**memory)}
    await declare.submitted(replace(form, view=view), desk)
    views = [item for item in world.all(WorkItem) if item.payload.get("do") == "view"]
    assert [item.payload["template"] for item in views] == shown
    assert all("A certificate" in str(item.secret) for item in views)
