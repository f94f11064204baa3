"""Context: what the handlers work with, one object, handed in by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from handlers import replies
from handlers.identity import Identity
from handlers.registry import Interaction
from incidents import authorise
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.people import Standing
from message_templates.engine import Message, Templates
from storage import outbox
from storage.database import Database
from storage.models import Incident
from storage.work import once

log = structlog.get_logger(__name__)
T = TypeVar("T")
Work = Callable[[Session, datetime], T]
_MEET_SECONDS = 3.0  # for asking Slack who somebody is; what was pressed does not wait longer
MENU = "controls"  # callback_id of the modal with the controls for which the card has no room


class Clock(Protocol):
    def now(self) -> datetime: ...


class SlackDoor(Protocol):
    """What must be asked of Slack within the three seconds of a trigger."""

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str | None:
        """The new view's id; None when Slack refused it (the trigger has expired)."""

    async def update_view(
        self, view_id: str, view: Mapping[str, Any], *, view_hash: str | None = None
    ) -> bool: ...

    async def push_view(self, trigger_id: str, view: Mapping[str, Any]) -> str | None: ...

    async def message_text(self, channel: str, ts: str) -> tuple[str, str | None] | None:
        """A message's words and its thread; None when Slack does not show it.

        Raises NotNow when Slack could not be asked.
        """

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Where people find a message; None when Slack does not say."""


class People(Protocol):
    """Who somebody is: language and zone of their own choice, first from Slack."""

    async def language_of(self, user_id: str) -> str: ...

    def known_language(self, user_id: str) -> str:
        """Without asking anybody: for what stands in an acknowledgement."""

    def known_zone(self, user_id: str) -> ZoneInfo: ...

    async def zone_of(self, user_id: str) -> ZoneInfo: ...

    async def standing_of(self, user_id: str) -> Standing:
        """Whether the person is a member of the workspace."""

    async def choose_language(self, user_id: str, language: str) -> None: ...


class GuardLooker(Protocol):
    """Takes the fresh looks that hard guards need, outside of any transaction."""

    async def __call__(self, number: int) -> Any: ...


class OrderLooker(Protocol):
    """What the shop knows of an order number; None: there is no such order."""

    async def __call__(self, number: str) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Shown:
    """What an open modal turns into: references, and personal data encrypted until it is sent."""

    template: str
    params: Mapping[str, Any]
    incident: Incident | None = None
    secret: Any = field(default=None, repr=False)


Confirm = Callable[[], Awaitable[bool]]
"""Asks Slack anew who is in the user groups; False when it cannot say."""


async def _cannot_say() -> bool:
    return False


@dataclass(frozen=True)
class Desk:
    """The connections of the handlers."""

    database: Database
    house: House
    templates: Templates
    slack: SlackDoor
    people: People
    clock: Clock
    guard_looks: GuardLooker
    order: OrderLooker
    identity: Identity = field(default_factory=Identity)
    confirm: Confirm = _cannot_say

    def actor(self, interaction: Interaction) -> Actor:
        """Who acts, with the roles that they have now."""
        return self.house.actor(interaction.user_id, confirmed=interaction.progress.confirmed)

    async def read(self, work: Callable[[Session], T]) -> T:
        return await self.database.read(work)

    async def act(
        self,
        interaction: Interaction,
        work: Work[Outcome],
        *,
        kept: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """One unit of work for one delivery: done at most once, with its answer in it.

        The delivery is marked as done in the same transaction, so that after a crash it is worked
        again only if nothing of it stands. `kept`: see `replies.tell`. What is refused is on
        record. Where money moves and the right comes from a user group, Slack is asked first.
        """
        await self._meet(interaction)

        def unit(session: Session) -> Outcome:
            now = self.clock.now()
            once(session, interaction.delivery, now)
            outcome = work(session, now)
            self._note(session, interaction, outcome, now)
            replies.tell(session, interaction, outcome, now, kept=kept)
            return outcome

        try:
            outcome = await self.database.write(unit, urgent=True)
        except authorise.Unconfirmed:
            interaction.progress.confirmed = await self.confirm()
            outcome = await self.database.write(unit, urgent=True)
        interaction.progress.settled = True
        log.info(
            "acted",
            kind=interaction.kind,
            name=interaction.name,
            user=interaction.user_id,
            ok=outcome.ok,
            code=outcome.code,
        )
        return outcome

    def _note(
        self, session: Session, interaction: Interaction, outcome: Outcome, now: datetime
    ) -> None:
        what = f"{interaction.kind} {interaction.name}"[:100]
        authorise.note_refusal(session, self.house, self.actor(interaction), what, outcome, now)

    async def _meet(self, interaction: Interaction) -> None:
        """Whoever was chosen in the form is known by name; an id is nobody's name."""
        chosen = (e for block in interaction.state.values() for e in block.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(_MEET_SECONDS):
                for person in (e["selected_user"] for e in chosen if e.get("selected_user")):
                    await self.people.language_of(str(person))

    async def draw(
        self, interaction: Interaction, template: str, view: Any, **params: Any
    ) -> Message:
        """A modal or an answer in the person's own language and zone."""
        return self.templates.render(
            template,
            view,
            language=await self.people.language_of(interaction.user_id),
            zone=await self.people.zone_of(interaction.user_id),
            params=params,
        )

    async def open(self, interaction: Interaction, template: str, view: Any, **params: Any) -> None:
        """Opens a modal; the person is told when Slack no longer takes it."""
        message = await self.draw(interaction, template, view, **params)
        if message.view is None or await self.place(interaction, message.view) is None:
            await self.say(interaction, "view_expired")

    async def place(self, interaction: Interaction, view: Mapping[str, Any]) -> str | None:
        """Shows the modal: over an open one, or in place of the menu that it was chosen from.

        Its id; None when Slack did not take it.
        """
        if interaction.view.get("callback_id") == MENU:
            menu = str(interaction.view.get("id"))
            return menu if await self.slack.update_view(menu, view) else None
        if not interaction.trigger_id:
            return None
        if interaction.view.get("type") == "modal":
            return await self.slack.push_view(interaction.trigger_id, view)
        return await self.slack.open_view(interaction.trigger_id, view)

    async def show(
        self,
        interaction: Interaction,
        view_id: str,
        shown: Work[Shown],
        *,
        view_hash: str | None = None,
    ) -> None:
        """Has an open modal turn into another, through the work table."""

        def unit(session: Session, now: datetime) -> Outcome:
            what = shown(session, now)
            outbox.view(
                session,
                key=f"view/{interaction.delivery}",
                template=what.template,
                person=interaction.user_id,
                view_id=view_id,
                view_hash=view_hash,
                params=dict(what.params),
                incident=what.incident,
                secret=what.secret,
                now=now,
            )
            return Outcome.done(quiet=True)

        await self.act(interaction, unit)

    async def inform(self, interaction: Interaction, code: str, **params: Any) -> None:
        """Tells the one person what they asked to know."""
        await self.act(interaction, lambda _session, _now: Outcome.done(code, **params))

    async def say(self, interaction: Interaction, code: str, **params: Any) -> None:
        """Refuses, to the one person, changing nothing."""
        outcome = Outcome.refused(code, **params)
        await self.act(interaction, lambda _session, _now: outcome)

    async def forget(self, interaction: Interaction) -> None:
        """There is nothing to do for it, and nobody waits for an answer."""
        await self.act(interaction, lambda _session, _now: Outcome.done(quiet=True))

    async def report(self, interaction: Interaction, code: str, **params: Any) -> None:
        """The same for what was worked on already, or failed: the delivery is not touched."""
        now, outcome = self.clock.now(), Outcome.refused(code, **params)

        def unit(session: Session) -> None:
            self._note(session, interaction, outcome, now)
            replies.tell(session, interaction, outcome, now)

        await self.database.write(unit)
