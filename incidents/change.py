"""One change of one incident: what every unit of work of the domain does in the same way.

A state change, its timeline entry, its audit entry and its outgoing messages are written with the
one session that is handed in, and so commit together (rule 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents import people, timeline
from incidents.case_totals import CaseLine
from incidents.organisation import Actor, House
from incidents.runbooks.runs import all_runs
from incidents.snapshot import Snapshot
from storage import audit, outbox
from storage.models import Incident, RunbookRun, SlackMessage, Status, TimelineEntry, WorkItem
from storage.types import Personal

_STANDS = select(SlackMessage.id).where(SlackMessage.key == bindparam("key"))
_ON_ITS_WAY = select(WorkItem.id).where(WorkItem.key == bindparam("key"))


class Change(Snapshot):
    """The incident as it is now, and who changes it."""

    def __init__(
        self, session: Session, house: House, incident: Incident, actor: Actor, now: datetime
    ) -> None:
        super().__init__(session, house, incident, now)
        self.actor = actor

    @property
    def actor_name(self) -> str:
        return people.plain_name(self.session, self.actor.user_id) or ""

    def scope_over(self, cases: Sequence[CaseLine]) -> dict[str, Any]:
        return {**super().scope_over(cases), "actor": self.actor_name}

    def scope_with(self, **more: Any) -> dict[str, Any]:
        """The scope with what only this text sees."""
        return {**self.scope, **more}

    def moved(self) -> None:
        """Steps, attempts, status or section changed: buttons drawn before are old (rule 5)."""
        self.incident.version += 1

    def entry(
        self,
        kind: str,
        data: Mapping[str, Any] | None = None,
        *,
        text: str | Personal | None = None,
        actor: str | None = None,
    ) -> TimelineEntry:
        """The timeline entry of this change. It is posted only if `notifications` does so."""
        kept = Personal(text) if isinstance(text, str) else text
        return timeline.append(
            self.session,
            self.incident,
            kind=kind,
            actor=actor or self.actor.user_id,
            now=self.now,
            data=data,
            text=kept,
        )

    def audit(
        self,
        action: str,
        what: str,
        *,
        result: str = "done",
        data: Mapping[str, Any] | None = None,
        before: Any = None,
        after: Any = None,
    ) -> None:
        audit.record(
            self.session,
            chain=self.incident.reference,
            incident_id=self.incident.id,
            actor=self.actor.user_id,
            roles=sorted(self.actor.roles),
            action=action,
            object=what,
            result=result,
            data=dict(data or {}),
            now=self.now,
            before=before,
            after=after,
        )

    def status(self, status: Status) -> None:
        """A new status; its times are kept as they come first."""
        incident = self.incident
        incident.status = status
        if status is Status.ACKNOWLEDGED and incident.acknowledged_at is None:
            incident.acknowledged_at = self.now
        if status is Status.MITIGATED and incident.mitigated_at is None:
            incident.mitigated_at = self.now
        if status is Status.RESOLVED:
            incident.resolved_at = self.now
        if status is Status.REVIEWED:
            incident.reviewed_at = self.now

    def show(self, *, after: timedelta = timedelta()) -> None:
        """Brings card, runbook messages and the desk's note up to date, silently.

        `after`: nobody waits for it; until then more of the kind become one.
        """
        session, incident, due = self.session, self.incident, self.now + after
        session.flush()
        refresh(session, incident, f"{incident.reference}/card", "card", due)
        # Of runs that share a message, one after the other, the last is shown.
        shown = {runbook_key(session, incident, r): r for r in all_runs(session, incident)}
        for key, run in shown.items():
            refresh(session, incident, key, "runbook", due, params={"run": run.id})
        if _posted(session, f"{incident.reference}/desk"):
            refresh(session, incident, f"{incident.reference}/desk", "desk", due)


def refresh(
    session: Session,
    incident: Incident,
    key: str,
    template: str,
    now: datetime,
    params: Mapping[str, Any] | None = None,
) -> None:
    outbox.refresh(
        session, key=key, template=template, incident=incident, now=now, params=dict(params or {})
    )


def runbook_key(session: Session, incident: Incident, run: RunbookRun) -> str:
    """The key of a run's message.

    The first run has the thread's runbook message, and so has the run that took its place under
    another section; a run beside it has a message of its own.
    """
    base = f"{incident.reference}/runbook"
    own = f"{base}/{run.id}"
    if _is_main(all_runs(session, incident), run) and not _posted(session, own):
        return base
    return own


def _is_main(runs: Sequence[RunbookRun], run: RunbookRun) -> bool:
    """Whether all runs before it had been replaced when it began."""
    return all(
        one.state == "replaced" and one.ended_at is not None and one.ended_at <= run.started_at
        for one in runs
        if one.id < run.id
    )


def _posted(session: Session, key: str) -> bool:
    """Whether a message of that key stands, or is on its way."""
    return (
        session.scalar(_STANDS, {"key": key}) is not None
        or session.scalar(_ON_ITS_WAY, {"key": f"message:{key}"}) is not None
    )
