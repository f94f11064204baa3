"""Controls: commands of an incident in Slack, with buttons, menu, forms and submissions served from

What a command is called, who may, when it is offered and what it asks stands in its row
(`incidents.command_table`); nothing here knows one by name, save those that only show something.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers import forms
from handlers.action_values import Target
from handlers.buttons import remembered, target_of
from handlers.context import MENU, Desk, Shown
from handlers.gate import judge, named
from handlers.gate import remembered as in_memory
from handlers.registry import Asks, Interaction, Registry
from handlers.sent_forms import drawn_form
from handlers.show import incident_id, plan_hash_of, send_review, show_card
from incidents import read
from incidents.lifecycle import commands
from incidents.lifecycle.command_rows import TABLE, Command, Given
from incidents.outcome import Outcome
from incidents.payload_codec import pack
from incidents.rights import Right


def register(registry: Registry) -> None:
    for row in TABLE.values():
        pressed, sent = Asks(row.name, named), Asks(row.name, in_memory)
        registry.action(row.action, opens=row.form is not None, asks=pressed)(_pressed(row))
        if row.form is not None:
            registry.answer(f"form.{row.name}")(_errors(row))
            registry.view(f"form.{row.name}", asks=sent)(_sent(row))
    registry.action("more", opens=True, asks=Asks(Right.SHOW, named))(more)


def _pressed(row: Command) -> Callable[[Interaction, Desk], Awaitable[None]]:
    async def handle(interaction: Interaction, desk: Desk) -> None:
        target = await target_of(interaction, desk)
        if target is not None:
            await run(interaction, desk, target, row)

    return handle


async def run(interaction: Interaction, desk: Desk, target: Target, row: Command) -> None:
    """The command's form, or what it does at once."""
    if row.name in _SHOWN:
        await _SHOWN[row.name](interaction, desk, target)
    elif row.looks:
        await _open_with_looks(interaction, desk, target, row)
    elif row.form is not None:
        await _open(interaction, desk, target, row)
    else:
        await _do(interaction, desk, target.number, row, {})


async def _do(
    interaction: Interaction, desk: Desk, number: int, row: Command, more: Mapping[str, Any]
) -> None:
    actor = desk.actor(interaction)
    kept = {"looks": more["looks"].as_json()} if "looks" in more else None

    def work(session: Session, at: datetime) -> Outcome:
        return row.work(
            session=session, house=desk.house, number=number, actor=actor, now=at, **more
        )

    await desk.act(interaction, work, kept=kept)


def _sent(row: Command) -> Callable[[Interaction, Desk], Awaitable[None]]:
    """The form was sent: done with what was entered, over fresh looks where it needs them."""

    async def handle(interaction: Interaction, desk: Desk) -> None:
        zone = await desk.people.zone_of(interaction.user_id)
        number = int(interaction.memory.get("incident", 0))
        arguments = row.arguments(Given(forms.everything(interaction.state), zone))
        if row.looks:
            arguments["looks"] = await desk.guard_looks(number)
        await _do(interaction, desk, number, row, arguments)

    return handle


def _errors(row: Command) -> Callable[[Interaction, Desk], dict[str, Any] | None]:
    """What is wrong with a form without looking anything up: said under the field, at once."""

    def judge(interaction: Interaction, desk: Desk) -> dict[str, Any] | None:
        zone = desk.people.known_zone(interaction.user_id)
        given = Given(forms.everything(interaction.state), zone)
        if row.judge is not None:
            refused = row.judge(given, forms.plan_opened(interaction, desk), desk.clock.now())
            if refused is not None:
                return forms.complaint(refused, interaction, desk)
        return forms.text_errors(row.texts, interaction, desk)

    return judge


async def _open(interaction: Interaction, desk: Desk, target: Target, row: Command) -> None:
    """The command's form, with the choices it offers."""
    now = desk.clock.now()
    found = await desk.read(
        lambda session: drawn_form(session, desk.house, row, target.number, now)
    )
    if found is None:
        await desk.say(interaction, "not_found", reference=f"INC-{target.number}")
        return
    template, view, params = found
    await desk.open(interaction, template, view, **params, metadata=remembered(interaction, target))


async def _open_with_looks(
    interaction: Interaction, desk: Desk, target: Target, row: Command
) -> None:
    """Lists what is still open, after the fresh looks that hard guards need."""
    view_id = await _loading(interaction, desk)
    if view_id is None:
        return
    looks = await desk.guard_looks(target.number)

    def shown(session: Session, _: datetime) -> Shown:
        plan = plan_hash_of(session, target.number)
        if plan is None or row.form is None:
            return Shown("result", {"code": "not_found", "params": {}})
        memory = remembered(interaction, target, plan=plan)
        return Shown(row.form, {"memory": memory}, secret=looks.as_json())

    await desk.show(interaction, view_id, shown)


async def _loading(interaction: Interaction, desk: Desk) -> str | None:
    """A modal within the life of the trigger; None: Slack took none, and the person is told."""
    loading = await desk.draw(interaction, "loading", None)
    view_id = None if loading.view is None else await desk.place(interaction, loading.view)
    if view_id is None:
        await desk.say(interaction, "view_expired")
    return view_id


async def _reveal(interaction: Interaction, desk: Desk, target: Target) -> None:
    """What people wrote, to who may read it: looked at, written down, and shown in one modal."""
    actor = desk.actor(interaction)
    view_id = await _loading(interaction, desk)
    if view_id is None:
        return

    def shown(session: Session, now: datetime) -> Shown:
        outcome = commands.reveal(session, desk.house, target.number, actor, now)
        if not outcome.ok:
            refused = {"code": outcome.code, "params": outcome.params}
            return Shown("result", pack(refused))
        params = {"reference": outcome.params["reference"]}
        return Shown("revealed", params, secret=pack(outcome.params["texts"]))

    await desk.show(interaction, view_id, shown)


async def _review(interaction: Interaction, desk: Desk, target: Target) -> None:
    await send_review(interaction, desk, target.number)


async def _in_language(interaction: Interaction, desk: Desk, target: Target) -> None:
    await show_card(interaction, desk, target.number, language=target.button)


async def _everything(interaction: Interaction, desk: Desk, target: Target) -> None:
    """Every command that makes sense now: the card's menu has room for five."""
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
        verbs=[(verb, f"{reference}:{target.drawn}:{verb}") for verb in verbs],
        metadata=remembered(interaction, target),
    )


_SHOWN: Mapping[str, Callable[[Interaction, Desk, Target], Awaitable[None]]] = {
    "reveal": _reveal,
    "review": _review,
    "lang": _in_language,
    "all": _everything,
}
"""Entries of the menu that show something to one reader and change nothing."""
_READS: Mapping[str, str] = {"review": Right.REVIEW}
"""What of them is not for everybody who may see the card."""


async def more(interaction: Interaction, desk: Desk) -> None:
    """The card's menu: `INC-412:7:<command>`."""
    target = await target_of(interaction, desk)
    if target is None:
        return
    row, shown = TABLE.get(target.step), _SHOWN.get(target.step)
    if row is None and shown is None:
        await desk.say(interaction, "not_offered")
        return
    right = row.name if row is not None else _READS.get(target.step, Right.SHOW)
    if not await judge(interaction, Asks(right, named), desk):
        return
    if shown is not None:
        await shown(interaction, desk, target)
    elif row is not None:
        await run(interaction, desk, target, row)
