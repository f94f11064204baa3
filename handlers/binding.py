"""Binding: a press belongs to the incident that it names, and to the message that it stands in.

What stands in Slack outlives a database. After one was replaced or put back, a button of an old
INC-2 would act on a new INC-2 of the same number. So every value and every form carries the
incident's own tag, and a message must be one of that incident's as the database knows it: not one
of before, nor one that was posted anew since. Buttons that only one reader sees (an ephemeral
answer, a form) are bound by the tag alone; App Home by the name of the record it was drawn from.
The gate asks, before every handler, and has it recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from handlers.action_values import Target
from handlers.registry import Interaction
from incidents import loading
from storage import identity
from storage.models import Incident, SlackMessage, WorkItem, WorkKind, WorkState

RECORD = "record"  # in the memory of App Home
_ON_ITS_WAY = (WorkState.CLAIMED, WorkState.UNCLEAR)


@dataclass(frozen=True)
class _Named:
    """The incident that a press names. `tag`: None in what an earlier version has drawn."""

    number: int
    tag: str | None


def belongs(session: Session, interaction: Interaction, *, reads: bool = False) -> bool:
    """Whether a press, or a form that was sent, is of what it names. `reads`: it changes nothing,
    and may stand in any message."""
    if interaction.kind not in ("action", "submission"):
        return True
    named = _named(interaction)
    incident = None if named is None else loading.incident_of(session, named.number)
    return _belongs(session, interaction, named, incident, reads=reads)


def _named(interaction: Interaction) -> _Named | None:
    target = Target.parse(interaction.value) if interaction.kind == "action" else None
    if target is not None:
        return _Named(target.number, target.tag or None)
    number, tag = interaction.memory.get("incident"), interaction.memory.get("tag")
    return _Named(number, str(tag) if tag else None) if isinstance(number, int) else None


def _belongs(
    session: Session,
    interaction: Interaction,
    named: _Named | None,
    incident: Incident | None,
    *,
    reads: bool,
) -> bool:
    if named is not None and incident is None:
        return True  # there is none of that number to act on, and that is what is answered
    if named is not None and incident is not None and named.tag not in (None, incident.tag):
        return False
    if reads or not _in_a_message(interaction):
        return True
    if _known(session, interaction, incident):
        return True
    # A message that is shown, and whose place is about to be written down.
    tagged = named is None or (incident is not None and named.tag == incident.tag)
    return tagged and _on_its_way(session, incident)


def _in_a_message(interaction: Interaction) -> bool:
    """A message that others see as well, or that stays: the database knows where it stands."""
    container = interaction.payload.get("container") or {}
    if interaction.kind != "action" or interaction.view:
        return False
    return interaction.message_ts is not None and not container.get("is_ephemeral")


def _known(session: Session, interaction: Interaction, incident: Incident | None) -> bool:
    """Of that incident, or of none: a list, the week."""
    owner: ColumnElement[bool] = SlackMessage.incident_id.is_(None)
    if incident is not None:
        owner = or_(owner, SlackMessage.incident_id == incident.id)
    found = select(SlackMessage.id).where(
        owner,
        SlackMessage.channel == interaction.channel_id,
        SlackMessage.ts == interaction.message_ts,
        SlackMessage.gone_at.is_(None),
    )
    return session.scalar(found.limit(1)) is not None


def _on_its_way(session: Session, incident: Incident | None) -> bool:
    payloads = session.scalars(
        select(WorkItem.payload).where(
            WorkItem.kind == WorkKind.MESSAGE, WorkItem.state.in_(_ON_ITS_WAY)
        )
    )
    wanted = None if incident is None else incident.id
    return any(
        payload.get("do") in ("post", "direct") and payload.get("incident") in (None, wanted)
        for payload in payloads
    )


def of_this_record(session: Session, interaction: Interaction) -> bool:
    """Whether App Home was drawn from this record: its buttons name rows of it."""
    if interaction.view.get("type") != "home":
        return True
    found = identity.read(session)
    return found is None or interaction.memory.get(RECORD) == found.record
