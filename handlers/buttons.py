"""Buttons and menus: a click is a request about a version (rule 5)."""

from __future__ import annotations

from typing import Any

from handlers.action_values import Target
from handlers.context import Desk
from handlers.registry import Interaction, Registry
from handlers.show import show_card
from handlers.step_forms import asked
from incidents.lifecycle import commands
from incidents.shop_actions import approvals
from incidents.step_press import Press, answer_question, press


def register(registry: Registry) -> None:
    for name in ("step.run", "step.form", "step.branch", "step.done"):
        registry.action(name, opens=True)(step)
    registry.action("step.skip", opens=True)(skip)
    registry.action("step.by_hand", opens=True)(by_hand)
    registry.action("step.undo")(undo)
    registry.action("later.run")(later)
    registry.action("incident.show")(show)
    registry.action("approval.grant")(grant)
    registry.action("approval.refuse")(refuse)
    registry.action("ask.role")(ask)
    registry.action("language.show")(other_language)


async def target_of(interaction: Interaction, desk: Desk) -> Target | None:
    """What the click is about; somebody who pressed something foreign is told so."""
    target = Target.parse(interaction.value)
    if target is None or not await desk.belongs(interaction):
        await desk.say(interaction, "form_gone")
        return None
    return target


def remembered(
    interaction: Interaction, target: Target, *, plan: str | None = None
) -> dict[str, Any]:
    """What a modal must remember to act, and to answer where the click was made.

    `plan`: hash of the plan that its form was taken from.
    """
    return {
        "incident": target.number,
        "version": target.version,
        "tag": target.tag,
        "step": target.step,
        "button": target.button,
        "channel": interaction.channel_id or interaction.memory.get("channel"),
        "thread": interaction.thread_ts or interaction.memory.get("thread"),
        **({"plan": plan} if plan else {}),
    }


def _press(interaction: Interaction, desk: Desk, target: Target, **more: Any) -> Press:
    return Press(
        target.number,
        target.version,
        target.step,
        target.button,
        desk.actor(interaction),
        **more,
    )


async def step(interaction: Interaction, desk: Desk) -> None:
    """A step's button: done at once, or its form, or what customers will read, is opened first."""
    target = await target_of(interaction, desk)
    if target is None:
        return
    now = desk.clock.now()
    wanted = await desk.read(lambda session: asked(session, desk.house, target, now))
    if wanted is not None and wanted.form is not None and wanted.may_open(desk.actor(interaction)):
        await desk.open(
            interaction,
            "form",
            wanted.view,
            callback="form.step",
            metadata=remembered(interaction, target, plan=wanted.plan_hash),
        )
        return
    if wanted is not None and wanted.preview and wanted.may_open(desk.actor(interaction)):
        await desk.open(
            interaction,
            "preview",
            wanted.preview,
            metadata={**remembered(interaction, target), "upto": wanted.preview.upto},
        )
        return
    await desk.act(
        interaction,
        lambda session, at: press(session, desk.house, _press(interaction, desk, target), at),
    )


async def skip(interaction: Interaction, desk: Desk) -> None:
    """Skipping asks for a reason in one line."""
    await _told(interaction, desk, "form_skip")


async def by_hand(interaction: Interaction, desk: Desk) -> None:
    """What was done outside of Muster is told in one line."""
    await _told(interaction, desk, "form_by_hand")


async def _told(interaction: Interaction, desk: Desk, form: str) -> None:
    target = await target_of(interaction, desk)
    if target is None:
        return
    now = desk.clock.now()
    wanted = await desk.read(lambda session: asked(session, desk.house, target, now))
    if wanted is None:
        await desk.say(interaction, "form_gone", reference=f"INC-{target.number}")
        return
    await desk.open(
        interaction,
        form,
        {"reference": f"INC-{target.number}"},
        step_title=wanted.step_title,
        scope=dict(wanted.scope),
        metadata=remembered(interaction, target),
    )


async def undo(interaction: Interaction, desk: Desk) -> None:
    """The way back of what was done."""
    target = await target_of(interaction, desk)
    if target is None:
        return
    await desk.act(
        interaction,
        lambda session, at: press(session, desk.house, _press(interaction, desk, target), at),
    )


async def later(interaction: Interaction, desk: Desk) -> None:
    """An answer to something that Muster asked (switch back?)."""
    target = await target_of(interaction, desk)
    if target is None:
        return
    sequence = int(target.rest) if target.rest.isdigit() else None
    await desk.act(
        interaction,
        lambda session, at: answer_question(
            session, desk.house, _press(interaction, desk, target, sequence=sequence), at
        ),
    )


async def grant(interaction: Interaction, desk: Desk) -> None:
    """A second person approves what was asked for."""
    await _decide(interaction, desk, grants=True)


async def refuse(interaction: Interaction, desk: Desk) -> None:
    await _decide(interaction, desk, grants=False)


async def _decide(interaction: Interaction, desk: Desk, *, grants: bool) -> None:
    target = await target_of(interaction, desk)
    if target is None:
        return
    actor, house = desk.actor(interaction), desk.house
    request = int(target.step) if target.step.isdigit() else 0
    drawn = int(target.button) if target.button.isdigit() else 0
    await desk.act(
        interaction,
        lambda session, at: approvals.decide(
            session, house, request, actor, at, grant=grants, drawn=drawn
        ),
    )


async def ask(interaction: Interaction, desk: Desk) -> None:
    """Asks the one on call to do what somebody without the right wanted done."""
    target = await target_of(interaction, desk)
    if target is None:
        return
    actor = desk.actor(interaction)
    await desk.act(
        interaction,
        lambda session, at: commands.ask_person(
            session, desk.house, target.number, actor, target.step, target.button, at
        ),
    )


async def show(interaction: Interaction, desk: Desk) -> None:
    """A card for this one reader, in their own language."""
    target = await target_of(interaction, desk)
    if target is not None:
        await show_card(interaction, desk, target.number)


async def other_language(interaction: Interaction, desk: Desk) -> None:
    """This card in the other language, to that reader alone."""
    target = await target_of(interaction, desk)
    if target is not None:
        language = target.button or target.step or None
        await show_card(interaction, desk, target.number, language=language)
