"""Newer threads than the record: after a restore, what stands in Slack and is in no row is listed
to who is on duty, and no number is given out that was seen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents.alerting import oncall
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.payload_codec import pack
from storage import audit, numbers, outbox
from storage.models import Incident, Restoration, SlackMessage

_CARD = "/card"
LISTED = 20  # by number; of the rest, how many


@dataclass(frozen=True)
class Root:
    """A message of ours in a channel, no reply: which it is, by its metadata."""

    channel: str
    ts: str
    delivery: str
    message: str | None  # key of the message; None: an earlier version posted it

    @property
    def reference(self) -> str | None:
        """The incident whose card it is."""
        if self.message is None or not self.message.endswith(_CARD):
            return None
        return self.message.removesuffix(_CARD)


@dataclass(frozen=True)
class NewerThread:
    reference: str | None
    channel: str
    ts: str
    permalink: str | None = None


def wanted(session: Session) -> list[tuple[int, datetime]]:
    """The restores after which Slack was not read yet: id, and up to when the record reaches."""
    rows = session.execute(
        select(Restoration.id, Restoration.reaches_to).where(
            Restoration.told_at.is_not(None), Restoration.looked_at.is_(None)
        )
    )
    return [(row.id, row.reaches_to) for row in rows]


def unknown(session: Session, roots: Sequence[Root]) -> list[NewerThread]:
    """Those that the record does not know; of each incident one."""
    numbers = {f"INC-{number}" for number in session.scalars(select(Incident.number))}
    deliveries = set(
        session.scalars(
            select(SlackMessage.delivery_id).where(
                SlackMessage.delivery_id.in_([root.delivery for root in roots])
            )
        )
    )
    found: dict[str, NewerThread] = {}
    for root in sorted(roots, key=lambda one: one.ts):
        reference = root.reference
        if reference in numbers or root.delivery in deliveries:
            continue
        if reference is None and root.message is not None:
            continue  # of no incident: a check that cannot look, the week
        found[reference or root.ts] = NewerThread(reference, root.channel, root.ts)
    return list(found.values())


def take(
    session: Session,
    house: House,
    restoration_id: int,
    threads: Sequence[NewerThread],
    now: datetime,
) -> None:
    """Keeps what was found and lists it to who is on duty. Once for each restore."""
    restored = session.get_one(Restoration, restoration_id, with_for_update=True)
    people = oncall.who(house, oncall.ONCALL, now)[:1]
    if restored.looked_at is not None or (threads and not people):
        return  # with nobody to tell it is looked at once more
    restored.looked_at, restored.newer = now, [asdict(one) for one in threads]
    _count_on(session, threads)
    known = [one.reference for one in threads if one.reference is not None]
    data = {"restoration": restored.id, "threads": len(threads), "incidents": known}
    audit.record_system(session, "newer_threads", "slack", data=data, now=now)
    if not threads:
        return
    params: dict[str, Any] = pack(
        {
            "since": restored.reaches_to,
            "references": known[:LISTED],
            "more": len(threads) - len(known[:LISTED]),
        }
    )
    for person in people:
        outbox.direct(
            session,
            key=f"restored/{restored.id}/dm/{person}",
            template="newer_threads",
            person=person,
            incident=None,
            params=params,
            ring=(person,),
            now=now,
        )


def link_of(session: Session, reference: str) -> str | None:
    """Where a thread is found that the record does not know."""
    _, found = _known(session, reference)
    return str(found["permalink"]) if found and found["permalink"] else None


def explained(session: Session, outcome: Outcome) -> Outcome:
    """An answer that there is no such incident, to who sees its thread: it is newer than the
    record."""
    if outcome.code != "not_found":
        return outcome
    restored, found = _known(session, str(outcome.params.get("reference")))
    if restored is None or found is None:
        return outcome
    since = restored.reaches_to
    return replace(outcome, code="newer_than_record", params={**outcome.params, "since": since})


def _known(session: Session, reference: str) -> tuple[Restoration | None, dict[str, Any] | None]:
    """The restore after which a thread of that incident was found, and where it stands."""
    for restored in session.scalars(
        select(Restoration).where(Restoration.newer.is_not(None)).order_by(Restoration.id)
    ):
        for one in restored.newer or ():
            if one["reference"] == reference:
                return restored, one
    return None, None


def _count_on(session: Session, threads: Sequence[NewerThread]) -> None:
    """Numbers go on above the highest that was seen."""
    seen = [
        int(number)
        for one in threads
        if one.reference is not None and (number := one.reference.removeprefix("INC-")).isdecimal()
    ]
    if seen:
        numbers.raise_to(session, max(seen))
