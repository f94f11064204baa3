"""Store, acknowledge, work: through the front door, over both transports and both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from handlers.registry import Interaction, NotNow
from storage import work
from storage.models import HouseFact, WorkItem
from tests.intake.conftest import MODAL, Bot, Connect
from tests.sandbox_slack.conftest import until


async def test_a_click_is_stored_acknowledged_and_done_once(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    ts = await slack.card("step.run", "step.run#2")
    assert (await slack.click(ts))["ok"]
    assert (await slack.click(ts, "step.run#2"))["ok"]
    await until(lambda: len(bot.done) == 2)
    assert bot.done == [("step.run", "INC-412:7")] * 2
    await until(bot.settled)
    row = (await bot.rows())[-1]
    assert row.key.startswith("trigger:")
    assert row.secret is not None


async def test_the_same_click_twice_at_once_is_done_once(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    ts = await slack.card("step.run")
    await slack.hand.post("delivery", redeliver="interactive", twice=True)
    assert (await slack.click(ts))["ok"]
    await until(lambda: bot.intake.counts.duplicates == 1)
    await until(bot.settled)
    assert await bot.effects() == 1


async def test_an_event_again_later_is_recognised(bot: Bot, connect: Connect) -> None:
    seen: list[str] = []

    @bot.registry.event("reaction_added")
    async def react(interaction: Interaction, desk: Bot) -> None:
        seen.append(interaction.delivery)

    slack = await connect()
    event = {"type": "reaction_added", "user": "U0MEI", "reaction": "pushpin", "item": {}}
    first = await slack.hand.post("event", event=event)
    await until(lambda: len(seen) == 1)
    await slack.hand.post("event", event=event, event_id=first["event_id"])
    await until(lambda: bot.intake.counts.duplicates == 1)
    await until(bot.settled)
    assert seen == [f"event:{first['event_id']}"]


async def test_a_command_reaches_its_handler(bot: Bot, connect: Connect) -> None:
    texts: list[tuple[str, str]] = []

    @bot.registry.command("incident")
    async def command(interaction: Interaction, desk: Bot) -> None:
        texts.append((interaction.user_id, interaction.text))

    slack = await connect()
    said = await slack.hand.post(
        "command",
        **{"as": "U0LIN"},
        channel="C0CSDESK",
        command="/incident",
        text="金流 3.3 & more",
    )
    assert said["ok"]
    await until(lambda: texts == [("U0LIN", "金流 3.3 & more")])


async def test_a_form_is_answered_in_the_acknowledgement(bot: Bot, connect: Connect) -> None:
    """Errors by field come at once and nothing is done; the corrected form is worked on."""
    texts: list[str] = []

    @bot.registry.action("step.form", opens=True)
    async def open_form(interaction: Interaction, desk: Any) -> None:
        await slack.client.views_open(trigger_id=interaction.trigger_id or "", view=MODAL)

    @bot.registry.answer("form.note")
    def answer(interaction: Interaction, desk: Bot) -> dict[str, Any] | None:
        text = interaction.state["b"]["text"]["value"]
        if len(text) < 5:
            return {"response_action": "errors", "errors": {"b": "Write a little more."}}
        return None

    @bot.registry.answer("order", kind="options")
    def orders(interaction: Interaction, desk: Bot) -> dict[str, Any]:
        text = {"type": "plain_text", "text": f"FG-{interaction.value}"}
        return {"options": [{"text": text, "value": interaction.value}]}

    @bot.registry.view("form.note")
    async def save(interaction: Interaction, desk: Bot) -> None:
        texts.append(interaction.state["b"]["text"]["value"])

    slack = await connect()
    ts = await slack.card("step.form")
    assert (await slack.click(ts, "step.form"))["ok"]

    async def view() -> dict[str, Any] | None:
        views = (await slack.hand.get("views", **{"as": "U0MEI"}))["views"]
        return views[-1] if views else None

    opened = await until(view)
    options = await slack.hand.post(
        "suggest",
        **{"as": "U0MEI"},
        view_id=opened["id"],
        block_id="o",
        action_id="order",
        value="10",
    )
    assert options["options"][0]["text"]["text"] == "FG-10"

    async def submit(text: str) -> dict[str, Any]:
        return await slack.hand.post(
            "submit",
            **{"as": "U0MEI"},
            view_id=opened["id"],
            values={"b": {"text": {"type": "plain_text_input", "value": text}}},
        )

    refused = await submit("no")
    assert refused["errors"] == {"b": "Write a little more."}
    assert await view() is not None
    assert (await submit("long enough"))["ok"]
    await until(lambda: texts == ["long enough"])
    assert await view() is None
    await until(bot.settled)
    assert texts == ["long enough"]


async def test_a_handler_that_fails_is_tried_again_then_set_aside_and_said(
    bot: Bot, connect: Connect
) -> None:
    tries: list[int] = []

    @bot.registry.action("step.skip")
    async def broken(interaction: Interaction, desk: Bot) -> None:
        tries.append(1)
        raise LookupError("a mistake in the program")

    slack = await connect()
    ts = await slack.card("step.skip", "step.run")
    assert (await slack.click(ts, "step.skip"))["ok"]
    assert (await slack.click(ts))["ok"]
    await until(lambda: len(bot.done) == 1)  # the rest goes on
    for expected in (1, 2, 3):
        await until(lambda n=expected: len(tries) == n)
        await until(lambda: not bot.workers.in_hand["intake"])
        bot.clock.advance(10)
    await until(lambda: bot.told == [("step.skip", "failed")])
    await until(bot.settled)
    [parked] = [row for row in await bot.rows() if row.state == "parked"]
    assert parked.last_error == "LookupError: a mistake in the program"


async def test_what_slack_could_not_be_asked_for_is_worked_again(
    bot: Bot, connect: Connect
) -> None:
    """A pin whose words cannot be read while Slack is away is kept until they can."""
    tries: list[int] = []

    @bot.registry.event("reaction_added")
    async def pinned(interaction: Interaction, desk: Bot) -> None:
        tries.append(1)
        if len(tries) < 6:  # more often than a mistake of the program is tried
            raise NotNow("no_connection")
        await desk.do_once(interaction)

    slack = await connect()
    await slack.hand.post("event", event={"type": "reaction_added", "user": "U0MEI", "item": {}})
    for expected in range(1, 6):
        await until(lambda n=expected: len(tries) == n)
        await until(lambda: not bot.workers.in_hand["intake"])
        bot.clock.advance(60)
    await until(bot.settled)
    assert await bot.effects() == 1


async def test_what_fails_after_its_commit_is_not_done_again(bot: Bot, connect: Connect) -> None:
    @bot.registry.action("step.done")
    async def fails_late(interaction: Interaction, desk: Bot) -> None:
        await desk.do_once(interaction)
        raise LookupError("after the commit")

    slack = await connect()
    ts = await slack.card("step.done")
    assert (await slack.click(ts, "step.done"))["ok"]
    await until(lambda: len(bot.done) == 1)
    await until(bot.settled)
    bot.clock.advance(60)
    await until(lambda: not bot.workers.in_hand["intake"])
    assert len(bot.done) == 1
    assert bot.told == []


async def test_a_button_that_nothing_handles_is_answered(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    ts = await slack.card("old.button")
    assert (await slack.click(ts, "old.button"))["ok"]
    await until(lambda: bot.told == [("old.button", "unknown")])
    await until(bot.settled)


async def test_what_opens_a_view_goes_first(bot: Bot, connect: Connect) -> None:
    order: list[str] = []
    entered, leave = asyncio.Event(), asyncio.Event()
    bot.concurrency = 1

    @bot.registry.action("first")
    async def first(interaction: Interaction, desk: Bot) -> None:
        entered.set()
        await leave.wait()

    for name in ("step.skip", "step.form"):

        @bot.registry.action(name, opens=name == "step.form")
        async def note(interaction: Interaction, desk: Bot) -> None:
            order.append(interaction.name)

    slack = await connect()
    ts = await slack.card("first", "step.skip", "step.skip#2", "step.form")
    await slack.click(ts, "first")
    await entered.wait()
    for action in ("step.skip", "step.skip#2", "step.form"):
        assert (await slack.click(ts, action))["ok"]
    leave.set()
    await until(lambda: len(order) == 3)
    assert order == ["step.form", "step.skip", "step.skip"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_cannot_be_stored_is_not_acknowledged_and_not_done(
    bot: Bot, connect: Connect, sqlite_url: str
) -> None:
    slack = await connect()
    ts = await slack.card("step.run")
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        failed = await slack.click(ts)
        assert failed["ok"] is False
        assert failed["error"] in ("operation_timeout", "dispatch_failed")
        other.execute("rollback")
    await until(lambda: bot.intake.counts.refused == 1)
    assert (await slack.click(ts))["ok"]
    await until(lambda: len(bot.done) == 1)
    await until(bot.settled)
    assert await bot.effects() == 1


async def test_a_restart_goes_on_with_what_was_acknowledged(bot: Bot, connect: Connect) -> None:
    """The process dies before its handler has committed; the next one carries the click out."""
    reached = asyncio.Event()

    @bot.registry.action("step.undo")
    async def dies(interaction: Interaction, desk: Bot) -> None:
        if not reached.is_set():
            reached.set()
            await asyncio.Event().wait()  # never comes back: the process is gone
        await desk.do_once(interaction)

    slack = await connect()
    ts = await slack.card("step.undo")
    assert (await slack.click(ts, "step.undo"))["ok"]
    await reached.wait()
    abandoned = bot.workers
    for lane in abandoned._lanes.values():  # as SIGKILL would: no goodbye
        assert lane.loop is not None
        lane.loop.cancel()
    assert abandoned._renewing is not None
    abandoned._renewing.cancel()
    if not bot.database.embedded:  # there the lease of the dead replica must run out
        await bot.database.write(_end_leases)
    bot.owner = "next"
    bot.compose(slack.client)
    await bot.workers.start()
    await until(lambda: len(bot.done) == 1)
    await until(bot.settled)
    assert await bot.effects() == 1
    await abandoned.stop(within=0)
    assert await bot.effects() == 1


async def test_a_replica_that_wakes_late_changes_nothing(bot: Bot, connect: Connect) -> None:
    """Two processes have the same click in hand; only the first commit stands."""
    waiting, go = asyncio.Event(), asyncio.Event()

    @bot.registry.action("step.branch")
    async def slow(interaction: Interaction, desk: Bot) -> None:
        waiting.set()
        await go.wait()
        await desk.do_once(interaction)

    slack = await connect()
    ts = await slack.card("step.branch")
    assert (await slack.click(ts, "step.branch"))["ok"]
    await waiting.wait()
    row = (await bot.rows())[-1]

    def other(session: Session) -> None:
        work.once(session, row.key, bot.clock.now())
        session.add(HouseFact(key=f"effect:{row.key}", value={"by": "other"}))

    await bot.database.write(other)
    go.set()
    await until(lambda: not bot.workers.in_hand["intake"])
    assert bot.done == []
    assert await bot.effects() == 1
    assert bot.told == []


async def test_a_delivery_is_not_readable_in_the_table(bot: Bot, connect: Connect) -> None:
    @bot.registry.command("incident")
    async def command(interaction: Interaction, desk: Bot) -> None:
        return None

    slack = await connect()
    await slack.hand.post(
        "command", **{"as": "U0MEI"}, channel="C0CSDESK", command="/incident", text="0912-345-678"
    )
    await until(bot.settled)
    with bot.database.writing_engine.connect() as connection:
        raw = connection.exec_driver_sql("select * from work").fetchall()
    assert raw
    assert "0912-345-678" not in repr(raw)


def _end_leases(session: Session) -> None:
    session.execute(
        update(WorkItem)
        .where(WorkItem.state == "claimed")
        .values(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
    )
