"""The intakes of the table: how a person (or Slack) brings each about, and who carries it out."""

from __future__ import annotations

from typing import Any

from handlers.registry import Interaction
from tests.intake.conftest import MODAL, Bot, Workspace

EVENT = {"type": "reaction_added", "user": "U0MEI", "reaction": "pushpin", "item": {}}
KINDS = {
    "command": "commands",
    "button": "interactive",
    "submission": "interactive",
    "shortcut": "interactive",
    "event": "events",
}


def register(bot: Bot) -> None:
    """A handler for each intake, which does its one unit of work (buttons have theirs)."""

    async def once(interaction: Interaction, desk: Bot) -> None:
        await desk.do_once(interaction)

    bot.registry.command("incident")(once)
    bot.registry.view("form.note")(once)
    bot.registry.shortcut("incident.note")(once)
    bot.registry.event("reaction_added")(once)


class Hands:
    """One intake, as often as a test wants it. `prepare` needs a Slack that works."""

    def __init__(self, kind: str, slack: Workspace) -> None:
        self.kind = kind
        self.slack = slack
        self.ts = ""
        self.view_id = ""
        self.event_id: str | None = None

    async def prepare(self) -> None:
        """What must stand in Slack before: a card, an open form."""
        if self.kind in ("button", "shortcut"):
            self.ts = await self.slack.card("step.run")
        elif self.kind == "submission":
            trigger = self.slack.sandbox.world.triggers.issue("U0MEI")
            opened = await self.slack.client.views_open(trigger_id=trigger, view=MODAL)
            self.view_id = str(opened["view"]["id"])

    async def act(self) -> bool:
        """Does it; whether Slack shows that it worked. An event always comes, in the end."""
        answer: dict[str, Any] = await getattr(self, f"_{self.kind}")()
        return bool(answer.get("ok"))

    async def _command(self) -> dict[str, Any]:
        return await self.slack.hand.post(
            "command", **{"as": "U0MEI"}, channel="C0CSDESK", command="/incident", text="list"
        )

    async def _button(self) -> dict[str, Any]:
        return await self.slack.click(self.ts)

    async def _submission(self) -> dict[str, Any]:
        text = {"type": "plain_text_input", "value": "A note"}
        return await self.slack.hand.post(
            "submit", **{"as": "U0MEI"}, view_id=self.view_id, values={"b": {"text": text}}
        )

    async def _shortcut(self) -> dict[str, Any]:
        return await self.slack.hand.post(
            "shortcut",
            **{"as": "U0MEI"},
            callback_id="incident.note",
            channel="C0INCIDENTS",
            ts=self.ts,
        )

    async def _event(self) -> dict[str, Any]:
        sent = await self.slack.hand.post("event", event=EVENT)
        self.event_id = sent["event_id"]
        return sent
