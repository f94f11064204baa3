"""Buttons and menus: a click is a request about a version (rule 5)."""

from __future__ import annotations

from typing import Any

from handlers.action_values import Target, whole
from handlers.context import Desk
from handlers.gate import named
from handlers.registry import Asks, Interaction, Registry
from handlers.show import show_card
from handlers.step_forms import asked
from incidents.lifecycle import asking
from incidents.rights import Right
from incidents.runbooks.by_hand import BY_HAND
from incidents.shop_actions import approvals
from incidents.step_press import SKIP, Press, answer_question, press


def register(registry: Registry) -> None:
    of_step, shown = Asks(Right.STEP), Asks(Right.SHOW, named)
    for name in ("step.run", "step.form", "step.branch", "step.done"):
        registry.action(name, opens=True, asks=of_step)(step)
    registry.action("step.skip", opens=True, asks=of_step)(skip)
    registry.action("step.by_hand", opens=True, asks=of_step)(by_hand)
    registry.action("step.undo", asks=Asks(Right.ACTION))(undo)
    registry.action("later.run", asks=Asks(Right.ACTION))(later)
    registry.action("incident.show", asks=shown)(show)
    registry.action("approval.grant", asks=Asks(Right.APPROVE))(grant)
    registry.action("approval.refuse", asks=Asks(Right.APPROVE))(refuse)
    registry.action("ask.role", asks=Asks(Right.ASK, named))(ask)
    registry.action("language.show", asks=shown)(other_language)


async def target_of(interaction: Interaction, desk: Desk) -> Target | None:
    """What the click is about; somebody who pressed something foreign is told so."""
    target = Target.parse(interaction.value)
    if target is None:
        await desk.say(interaction, "form_gone")
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
    actor = desk.actor(interaction)
    wanted = await desk.read(lambda session: asked(session, desk.house, target, now, actor))
    if wanted is not None and wanted.form is not None and wanted.may:
        await desk.open(
            interaction,
            "form",
            wanted.view,
            callback="form.step",
            metadata=remembered(interaction, target, plan=wanted.plan_hash),
        )
        return
    if wanted is not None and wanted.preview and wanted.may:
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
    await _told(interaction, desk, "form_skip", SKIP)


async def by_hand(interaction: Interaction, desk: Desk) -> None:
    """What was done outside of Muster is told in one line."""
    await _told(interaction, desk, "form_by_hand", BY_HAND)


async def _told(interaction: Interaction, desk: Desk, form: str, button: str) -> None:
    target = await target_of(interaction, desk)
    if target is None:
        return
    now, actor = desk.clock.now(), desk.actor(interaction)
    wanted = await desk.read(lambda session: asked(session, desk.house, target, now, actor))
    if wanted is None:
        await desk.say(interaction, "form_gone", reference=f"INC-{target.number}")
        return
    if not wanted.may:
        pressed = Press(target.number, target.version, target.step, button, actor)
        await desk.act(interaction, lambda session, at: press(session, desk.house, pressed, at))
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
    sequence = whole(target.rest)
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
    house = desk.house
    request = whole(target.step) or 0
    drawn = whole(target.button) or 0
    await desk.act(
        interaction,
        lambda session, at: approvals.decide(
            session,
            house,
            request,
            desk.actor(interaction),
            at,
            grant=grants,
            drawn=drawn,
            number=target.number,
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
        lambda session, at: asking.ask_person(
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
        await show_card(
            interaction, desk, target.number, language=target.button or target.step or None
        )
