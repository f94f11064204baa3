"""Gate before every handler: whether what came is ours, who sent it, and whether they may.

What an entry asks for is declared with it (`Asks`) and stands in the table of rights. The gate asks
it before anything is looked at: no form opens, no look at the shop is taken and no list is read for
somebody who may not. The act itself asks again, in its own transaction (rule 10). Whatever is
refused is on record, and is told to the one who pressed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers import binding
from handlers.action_values import Target
from handlers.context import Desk
from handlers.registry import Asks, Interaction, NotNow
from incidents import authorise, loading
from incidents.change import Change
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.people import Standing
from incidents.rights import BY_THE_PLAN, TABLE, rule_of

Refusal = Callable[[Session, datetime], Outcome]


async def admit(interaction: Interaction, asks: Asks, desk: Desk) -> bool:
    """Whether the handler may be called. If not, who pressed was told, and it is on record."""
    if asks.late and interaction.flaw is None:
        return True  # the handler asks, once it knows whether it is about an incident at all
    return await judge(interaction, asks, desk)


async def judge(interaction: Interaction, asks: Asks, desk: Desk) -> bool:
    """The same, at once."""
    news = rule_of(asks.right).slack
    if not interaction.user_id and not news:
        return await _nobody(interaction, desk)
    refusal = await _foreign(interaction, desk, a_person=not news)
    if refusal is None and not news:
        refusal = await _without_right(interaction, asks, desk)
    if refusal is None and interaction.flaw is not None:
        refusal = _because("form_gone")
    if refusal is None:
        refusal = await _elsewhere(interaction, desk, reads=rule_of(asks.right).reads)
    if refusal is None:
        return True
    await desk.act(interaction, refusal)
    return False


async def may(interaction: Interaction, desk: Desk, right: str, number: int | None = None) -> bool:
    """The same for a right that only the text behind a command tells; who may not is told so."""
    asks = Asks(right, None if number is None else lambda _: number)
    refusal = await _without_right(interaction, asks, desk)
    if refusal is not None:
        await desk.act(interaction, refusal)
    return refusal is None


def named(interaction: Interaction) -> int | None:
    """The incident of a button's value, or of the modal that it stands in."""
    target = Target.parse(interaction.value)
    return target.number if target is not None else remembered(interaction)


def remembered(interaction: Interaction) -> int | None:
    """The incident that a modal is about."""
    found = interaction.memory.get("incident")
    return found if isinstance(found, int) else None


def _because(code: str, **params: Any) -> Refusal:
    outcome = Outcome.refused(code, **params)
    return lambda _session, _now: outcome


async def _nobody(interaction: Interaction, desk: Desk) -> bool:
    """It names nobody who could be told."""
    outcome = Outcome(False, "form_gone", quiet=True)
    await desk.act(interaction, lambda _session, _now: outcome)
    return False


async def _foreign(interaction: Interaction, desk: Desk, *, a_person: bool) -> Refusal | None:
    """Another workspace's, another app's, or somebody's who is no member of ours."""
    identity, body = desk.identity, interaction.body
    if identity.unknown:
        raise NotNow("auth.test")
    if not identity.is_ours(body):
        return _because("not_ours")
    if not a_person:
        return None  # Slack itself says what has happened
    if not identity.may_be_colleague(body):
        return _because("no_member")
    standing = await desk.people.standing_of(interaction.user_id)
    if standing is Standing.MEMBER:
        return None
    if standing is Standing.UNKNOWN:
        # Slack cannot say: whom the configuration names is known all the same.
        return None if desk.house.names(interaction.user_id) else _because("who_unknown")
    return _because("no_member")


async def _without_right(interaction: Interaction, asks: Asks, desk: Desk) -> Refusal | None:
    """The right that the entry asks for, where the gate can know what it is about."""
    rule, house, actor = rule_of(asks.right), desk.house, desk.actor(interaction)
    if asks.right in BY_THE_PLAN:
        return None  # by the step: the press asks it
    if asks.right not in TABLE or not rule.of_incident:  # a right that there is not is nobody's
        if authorise.allowed(rule, actor, handler=None, owner=None):
            return None
        return lambda session, now: (
            authorise.refuse_in_house(session, house, actor, asks.right, now)
            or Outcome.refused("not_offered")
        )
    if asks.about is None:
        return None
    number, now = asks.about(interaction), desk.clock.now()
    if number is not None and await desk.read(
        lambda session: _may(session, house, number, desk, interaction, asks.right, now)
    ):
        return None
    if number is None:
        return _because("form_gone")
    return lambda session, at: (
        authorise.refuse_on(session, house, number, actor, asks.right, at)
        or Outcome.refused("not_offered")
    )


def _may(
    session: Session,
    house: House,
    number: int,
    desk: Desk,
    interaction: Interaction,
    right: str,
    now: datetime,
) -> bool:
    incident = loading.incident_of(session, number)
    if incident is None:
        return False
    return authorise.may(Change(session, house, incident, desk.actor(interaction), now), right)


async def _elsewhere(interaction: Interaction, desk: Desk, *, reads: bool) -> Refusal | None:
    """A press of another record, or one that changes something in a message of another incident
    than it names."""
    if await desk.read(lambda session: binding.belongs(session, interaction, reads=reads)):
        return None
    number = named(interaction)
    return _because("other_message", reference=None if number is None else f"INC-{number}")
