"""Slash commands. Slack: they do not work in threads, so the work there is buttons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from handlers import cases, replies
from handlers.action_values import reference, whole
from handlers.context import Desk
from handlers.declare import declare_form, open_complaint
from handlers.gate import may
from handlers.registry import Asks, Interaction, Registry
from handlers.show import send_review, show_card
from handlers.typed import as_written, looked_up, split_word
from incidents import read
from incidents.authorise import refuse_in_house
from incidents.lifecycle import commands, follow_ups
from incidents.lifecycle.declaring import Ringing, declare_line, find_type
from incidents.outcome import Outcome
from incidents.read.selection import Selection
from incidents.read.week import start_of
from incidents.rights import Right
from incidents.scope import snapshot
from incidents.views import ListItem
from plan.languages import asked

Subcommand = Callable[[Interaction, Desk, str], Awaitable[None]]
_LISTED = 20  # incidents of a list
_LONGEST = 3000  # characters of a text behind a command that are looked at


def register(registry: Registry) -> None:
    own, line = Asks(Right.OWN), Asks(Right.DECLARE)
    registry.command("incident", opens=_opens_declaration, asks=own)(incident)
    registry.command("complaint", opens=lambda text: not _asks_for_help(text), asks=own)(complaint)
    registry.command("order", asks=Asks(Right.ORDER))(cases.order)
    registry.action("line.ring", asks=line)(line_ring)
    registry.action("line.quiet", asks=line)(line_quiet)
    registry.action("week.list", asks=Asks(Right.LIST))(week_list)
    registry.action("week.ask", asks=Asks(Right.WEEK))(week_ask)


async def incident(interaction: Interaction, desk: Desk) -> None:
    """`/incident [report | list | week | show N | note N … | review N | language L | section]`."""
    word, rest = split_word(interaction.text)
    asked_for = _verb(word)
    if asked_for is not None and asked_for != _REPORT:
        do, right, about = _SUBCOMMANDS[asked_for]
        number = reference(looked_up(split_word(rest)[0])) if about else None
        # Of an incident that is not named nothing is shown: the handler says what is missing.
        if (about and number is None) or await may(interaction, desk, right, number):
            await do(interaction, desk, rest)
    elif not word or asked_for == _REPORT:
        await _report(interaction, desk, rest)
    elif find_type(desk.house.plan, looked_up(word)) is not None:
        await _report(interaction, desk, interaction.text)  # the section alone: its form
    else:
        await desk.say(interaction, "unknown_subcommand", typed=word[:40])


def _opens_declaration(text: str) -> bool:
    """Whether `/incident text` may lead to the form, as far as the text alone tells.

    It does without a text, with a section alone, and behind `report` where the section is unknown.
    """
    word, rest = split_word(text)
    asked_for = _verb(word)
    return asked_for == _REPORT or (asked_for is None and not rest)


async def _report(interaction: Interaction, desk: Desk, rest: str) -> None:
    if not await may(interaction, desk, Right.DECLARE):
        return
    word, text = split_word(rest)
    kind = find_type(desk.house.plan, looked_up(word)) if word else None
    if kind is None:
        await declare_form(interaction, desk, None)
    elif text:
        await _in_one_line(interaction, desk, looked_up(word), text)
    else:
        await declare_form(interaction, desk, kind.id)


async def _in_one_line(interaction: Interaction, desk: Desk, word: str, text: str) -> None:
    """`/incident 3.3 card payments fail since 14:00`."""
    actor, said = desk.actor(interaction), text[:_LONGEST]
    await desk.act(
        interaction, lambda s, at: declare_line(s, desk.house, word[:40], said, actor, at)
    )


async def line_ring(interaction: Interaction, desk: Desk) -> None:
    """The line that would wake somebody is meant so."""
    await _opened(interaction, desk, "ring")


async def line_quiet(interaction: Interaction, desk: Desk) -> None:
    """It is to stand in the channel, and to ring nobody."""
    await _opened(interaction, desk, "quiet")


async def _opened(interaction: Interaction, desk: Desk, ringing: Ringing) -> None:
    word, _, text = interaction.value.partition(" ")
    actor = desk.actor(interaction)
    await desk.act(
        interaction,
        lambda s, at: declare_line(s, desk.house, word, text, actor, at, ringing=ringing),
    )


async def _list(interaction: Interaction, desk: Desk, rest: str) -> None:
    """`/incident list [all | week | section | word]`."""
    wanted = read.select_by(desk.house.plan, looked_up(rest), desk.clock.now())
    if wanted is None:
        sections = ", ".join(desk.house.plan.sections)
        await desk.say(interaction, "list_unknown", typed=rest[:40], sections=sections)
    else:
        await show_list(interaction, desk, wanted)


async def show_list(interaction: Interaction, desk: Desk, wanted: Selection) -> None:
    """Put together beside the writer: a list of 20 would keep everybody else waiting for 40 ms."""
    at = desk.clock.now()
    found = await desk.read(
        lambda session: read.listing(
            session, desk.house, wanted, at, user_id=interaction.user_id, limit=_LISTED
        )
    )

    def work(session: Session, now: datetime) -> Outcome:
        if not found.items:
            return Outcome.done("list_empty" if wanted.kind == "open" else "list_none")
        shown = {
            "items": [_without_steps(item) for item in found.items],
            "total": found.total,
            "kind": wanted.kind,
            "word": wanted.word,
        }
        replies.say(session, interaction, "incident_list", shown, now)
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)


async def _week(interaction: Interaction, desk: Desk, _: str) -> None:
    """`/incident week`: the manager's week as it is told on Monday, now."""
    actor = desk.actor(interaction)

    def work(session: Session, now: datetime) -> Outcome:
        refused = refuse_in_house(session, desk.house, actor, Right.WEEK, now)
        if refused is not None:
            return refused
        replies.say(session, interaction, "week", {}, now)
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)


async def week_list(interaction: Interaction, desk: Desk) -> None:
    """Everything that was found in the week of the message."""
    zone = await desk.people.zone_of(interaction.user_id)
    try:
        start = start_of(interaction.value, zone)
    except ValueError:
        await desk.say(interaction, "form_gone")
        return
    await show_list(interaction, desk, read.between(start, start + timedelta(days=7)))


async def week_ask(interaction: Interaction, desk: Desk) -> None:
    """Who has a follow-up that is late is reminded by the manager."""
    actor = desk.actor(interaction)
    item = whole(interaction.value) or 0
    await desk.act(interaction, lambda s, at: follow_ups.ask(s, desk.house, item, actor, at))


def _without_steps(item: ListItem) -> ListItem:
    """A title and its figures; the steps may hold people's words and stay where they are."""
    return replace(item, scope=snapshot(item.scope))


async def _show(interaction: Interaction, desk: Desk, rest: str) -> None:
    number = reference(looked_up(rest))
    if number is None:
        await desk.say(interaction, "number_missing", verb="show")
    else:
        await show_card(interaction, desk, number)


async def _note(interaction: Interaction, desk: Desk, rest: str) -> None:
    word, text = split_word(rest)
    number = reference(looked_up(word))
    if number is None:
        await desk.say(interaction, "number_missing", verb="note")
    elif not text:
        await desk.say(interaction, "note_missing")
    else:
        actor = desk.actor(interaction)
        await desk.act(
            interaction,
            lambda s, at: commands.note(s, desk.house, number, actor, text, at),
        )


async def _review(interaction: Interaction, desk: Desk, rest: str) -> None:
    number = reference(looked_up(rest))
    if number is None:
        await desk.say(interaction, "number_missing", verb="review")
    else:
        await send_review(interaction, desk, number)


async def _language(interaction: Interaction, desk: Desk, rest: str) -> None:
    language = asked(looked_up(rest))
    if language is None:
        await desk.say(interaction, "language_unknown")
        return
    await desk.people.choose_language(interaction.user_id, language)
    await desk.inform(interaction, "language_set")


async def _help(interaction: Interaction, desk: Desk, _: str) -> None:
    await desk.inform(interaction, "usage_incident")


# Each with the right that it asks for, and whether that is asked of the incident that it names.
_SUBCOMMANDS: dict[str, tuple[Subcommand, str, bool]] = {
    "list": (_list, Right.LIST, False),
    "week": (_week, Right.WEEK, False),
    "show": (_show, Right.SHOW, True),
    "note": (_note, "note", True),
    "review": (_review, Right.REVIEW, True),
    "language": (_language, Right.OWN, False),
    "help": (_help, Right.OWN, False),
}
# What may be typed for each, in whichever language.
_REPORT = "report"
_TYPED = {
    _REPORT: ("report", "declare", "通報", "回報"),
    "list": ("list", "列表", "清單"),
    "week": ("week", "本週", "週報"),
    "show": ("show", "查看", "顯示"),
    "note": ("note", "備註"),
    "review": ("review", "檢討"),
    "language": ("language", "語言"),
    "help": ("help", "說明", "幫助"),
}
_VERBS = {word: verb for verb, words in _TYPED.items() for word in words}


def rights_of_words() -> dict[str, str]:
    """What each word behind /incident asks for; it is a command of its own."""
    asked = {word: str(right) for word, (_, right, _) in _SUBCOMMANDS.items()}
    return {_REPORT: str(Right.DECLARE), **asked}


def _verb(word: str) -> str | None:
    """What is asked for; None: it is no word of ours."""
    return _VERBS.get(looked_up(word).lower())


def _asks_for_help(text: str) -> bool:
    return _verb(text) == "help"


async def complaint(interaction: Interaction, desk: Desk) -> None:
    """`/complaint [order number]`."""
    text = interaction.text.strip()
    if _asks_for_help(text):
        await desk.inform(interaction, "usage_complaint")
    elif await may(interaction, desk, Right.COMPLAINT):
        await open_complaint(interaction, desk, order=as_written(text)[:60])
