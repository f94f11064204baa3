"""Buttons and menus: a click is a request about a version (rule 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.desk import MENU, Desk, Shown
from handlers.packing import pack
from handlers.registry import Interaction, Registry
from handlers.showing import choices, incident_id, plan_hash_of, send_review, show_card
from handlers.step_forms import asked
from handlers.values import Target
from incidents import approvals, closing, controls, read
from incidents.outcome import Outcome
from incidents.steps import Press, answer_question, press


def register(registry: Registry) -> None:
    for name in ("step.run", "step.form", "step.branch", "step.done"):
        registry.action(name, opens=True)(step)
    registry.action("step.skip", opens=True)(skip)
    registry.action("step.undo")(undo)
    registry.action("later.run")(later)
    registry.action("incident.take")(take)
    registry.action("incident.resolve", opens=True)(resolve)
    registry.action("incident.reopen", opens=True)(reopen)
    registry.action("incident.review")(reviewed)
    registry.action("incident.show")(show)
    registry.action("approval.grant")(grant)
    registry.action("approval.refuse")(refuse)
    registry.action("ask.role")(ask)
    registry.action("language.show")(other_language)
    registry.action("more", opens=True)(more)


async def _target(interaction: Interaction, desk: Desk) -> Target | None:
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
    target = await _target(interaction, desk)
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
    target = await _target(interaction, desk)
    if target is None:
        return
    now = desk.clock.now()
    wanted = await desk.read(lambda session: asked(session, desk.house, target, now))
    if wanted is None:
        await desk.say(interaction, "form_gone", reference=f"INC-{target.number}")
        return
    await desk.open(
        interaction,
        "form_skip",
        {"reference": f"INC-{target.number}"},
        step_title=wanted.step_title,
        scope=dict(wanted.scope),
        metadata=remembered(interaction, target),
    )


async def undo(interaction: Interaction, desk: Desk) -> None:
    """The way back of what was done."""
    target = await _target(interaction, desk)
    if target is None:
        return
    await desk.act(
        interaction,
        lambda session, at: press(session, desk.house, _press(interaction, desk, target), at),
    )


async def later(interaction: Interaction, desk: Desk) -> None:
    """An answer to something that Muster asked (switch back?)."""
    target = await _target(interaction, desk)
    if target is None:
        return
    sequence = int(target.rest) if target.rest.isdigit() else None
    await desk.act(
        interaction,
        lambda session, at: answer_question(
            session, desk.house, _press(interaction, desk, target, sequence=sequence), at
        ),
    )


Control = Callable[..., Outcome]


def _simple(control: Control) -> Callable[[Interaction, Desk], Awaitable[None]]:
    """A control that needs no more than the incident and the person."""

    async def handle(interaction: Interaction, desk: Desk) -> None:
        target = await _target(interaction, desk)
        if target is None:
            return
        actor = desk.actor(interaction)
        await desk.act(
            interaction,
            lambda session, at: control(session, desk.house, target.number, actor, at),
        )

    return handle


take = _simple(controls.take)
reviewed = _simple(closing.mark_reviewed)


async def grant(interaction: Interaction, desk: Desk) -> None:
    """A second person approves what was asked for."""
    await _decide(interaction, desk, grants=True)


async def refuse(interaction: Interaction, desk: Desk) -> None:
    await _decide(interaction, desk, grants=False)


async def _decide(interaction: Interaction, desk: Desk, *, grants: bool) -> None:
    target = await _target(interaction, desk)
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
    target = await _target(interaction, desk)
    if target is None:
        return
    actor = desk.actor(interaction)
    await desk.act(
        interaction,
        lambda session, at: controls.ask_person(
            session, desk.house, target.number, actor, target.step, target.button, at
        ),
    )


async def resolve(interaction: Interaction, desk: Desk) -> None:
    """Lists what is still open, after the fresh looks that hard guards need."""
    target = await _target(interaction, desk)
    if target is None:
        return
    view_id = await _loading(interaction, desk)
    if view_id is None:
        return
    looks = await desk.guard_looks(target.number)
    number = target.number

    def shown(session: Session, _: datetime) -> Shown:
        plan = plan_hash_of(session, number)
        if plan is None:
            return Shown("result", {"code": "not_found", "params": {}})
        memory = remembered(interaction, target, plan=plan)
        return Shown("resolve", {"memory": memory}, secret=looks.as_json())

    await desk.show(interaction, view_id, shown)


async def _loading(interaction: Interaction, desk: Desk) -> str | None:
    """A modal within the life of the trigger; None: Slack took none, and the person is told."""
    loading = await desk.draw(interaction, "loading", None)
    view_id = None if loading.view is None else await desk.place(interaction, loading.view)
    if view_id is None:
        await desk.say(interaction, "view_expired")
    return view_id


async def reveal(interaction: Interaction, desk: Desk, target: Target) -> None:
    """What people wrote, to who may read it: looked at, written down, and shown in one modal."""
    actor = desk.actor(interaction)
    view_id = await _loading(interaction, desk)
    if view_id is None:
        return

    def shown(session: Session, now: datetime) -> Shown:
        outcome = controls.reveal(session, desk.house, target.number, actor, now)
        if not outcome.ok:
            refused = {"code": outcome.code, "params": outcome.params}
            return Shown("result", pack(refused))
        params = {"reference": outcome.params["reference"]}
        return Shown("revealed", params, secret=pack(outcome.params["texts"]))

    await desk.show(interaction, view_id, shown)


async def reopen(interaction: Interaction, desk: Desk) -> None:
    target = await _target(interaction, desk)
    if target is not None:
        await _open(interaction, desk, target, "form_reopen")


async def show(interaction: Interaction, desk: Desk) -> None:
    """A card for this one reader, in their own language."""
    target = await _target(interaction, desk)
    if target is not None:
        await show_card(interaction, desk, target.number)


async def other_language(interaction: Interaction, desk: Desk) -> None:
    """This card in the other language, to that reader alone."""
    target = await _target(interaction, desk)
    if target is not None:
        language = target.button or target.step or None
        await show_card(interaction, desk, target.number, language=language)


_FORMS = {
    "severity": "form_severity",
    "dismiss": "form_dismiss",
    "section": "form_section",
    "escalate": "form_escalate",
    "hand_over": "form_hand_over",
    "wait": "form_wait",
    "merge": "form_merge",
    "note": "form_note",
    "reopen": "form_reopen",
}


async def more(interaction: Interaction, desk: Desk) -> None:
    """The card's menu: `INC-412:7:<verb>`."""
    target = await _target(interaction, desk)
    if target is None:
        return
    verb = target.step
    if verb == "lang":
        await show_card(interaction, desk, target.number, language=target.button)
    elif verb == "resolve":
        await resolve(interaction, desk)
    elif verb == "take":
        await take(interaction, desk)
    elif verb == "reviewed":
        await reviewed(interaction, desk)
    elif verb == "review":
        await send_review(interaction, desk, target.number)
    elif verb == "reveal":
        await reveal(interaction, desk, target)
    elif verb in _FORMS:
        await _open(interaction, desk, target, _FORMS[verb])
    elif verb == "all":
        await everything(interaction, desk, target)
    else:
        await desk.say(interaction, "not_offered")


async def everything(interaction: Interaction, desk: Desk, target: Target) -> None:
    """Every control that makes sense now: the card's menu has room for five."""
    now = desk.clock.now()

    def find(session: Session) -> tuple[str, ...] | None:
        found = incident_id(session, target.number)
        return None if found is None else read.controls_of(session, desk.house, found, now)

    verbs = await desk.read(find)
    reference = f"INC-{target.number}"
    if verbs is None:
        await desk.say(interaction, "not_found", reference=reference)
        return
    await desk.open(
        interaction,
        MENU,
        {"reference": reference},
        verbs=[(verb, f"{reference}:{target.version}:{verb}") for verb in verbs],
        metadata=remembered(interaction, target),
    )


async def _open(interaction: Interaction, desk: Desk, target: Target, template: str) -> None:
    """A control's form, with the choices it offers."""
    now = desk.clock.now()
    found = await desk.read(
        lambda session: choices(session, desk.house, target.number, template, now)
    )
    if found is None:
        await desk.say(interaction, "not_found", reference=f"INC-{target.number}")
        return
    view, params = found
    await desk.open(interaction, template, view, **params, metadata=remembered(interaction, target))
