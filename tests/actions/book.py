"""The domain's side as the runner sees it, over the real tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.model import Assignment, Doubt, Settled
from plan.model import Action, Precondition, Verification, Words
from storage import work
from storage.models import ActionAttempt, AttemptState, Incident, PlanContent

WORDS = Words.model_validate({"en": "Switched.", "zh-Hant": "已切換。"})


def switch(
    *, verify: bool = True, within: int = 120, preconditions: bool = True, before: bool = True
) -> Action:
    """Switch the payment channel, as the plan writes it."""
    return Action(
        id="switch_channel",
        title=WORDS,
        kind="mutate",
        roles=("oncall",),
        preconditions=(
            (Precondition(look="standby", holds="look.ok", problem=WORDS),) if preconditions else ()
        ),
        before="routing" if before else None,
        verify=(
            Verification(
                look="routing", holds="look.channel == params.channel", every=15, within=within
            )
            if verify
            else None
        ),
        log=WORDS,
    )


class LedgerBook:
    """Writes down what the runner says, and every state it settled."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.settled: list[Settled] = []
        self.group: list[dict[str, Any]] = []  # the cases of a message to one customer
        self.words: list[Mapping[str, Any]] = []  # the looks from which it was written
        self.doubt: Doubt | None = None  # of an attempt that was not begun yet

    def load(self, session: Session, attempt_id: int) -> Assignment:
        attempt = session.get_one(ActionAttempt, attempt_id)
        return Assignment(
            attempt_id=attempt.id,
            key=attempt.key,
            action=self.action,
            params=attempt.params,
            state=AttemptState(attempt.state),
            before=attempt.before,
            response=attempt.response,
            sent_at=attempt.sent_at,
            looks=attempt.looks,
            scope={"group": self.group},
            problem=attempt.problem,
            doubt=self.doubt if attempt.sent_at is None else None,
        )

    def sent(
        self, session: Session, attempt_id: int, before: Mapping[str, Any] | None, now: datetime
    ) -> None:
        attempt = session.get_one(ActionAttempt, attempt_id)
        attempt.state = AttemptState.SENT
        attempt.before = dict(before) if before is not None else None
        attempt.sent_at = now

    def word(self, session: Session, attempt_id: int, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        self.words.append(seen)
        return {**session.get_one(ActionAttempt, attempt_id).params, "channel": "as it reads now"}

    def settle(self, session: Session, attempt_id: int, settled: Settled, now: datetime) -> None:
        attempt = session.get_one(ActionAttempt, attempt_id)
        attempt.state = settled.state
        attempt.problem = settled.problem
        if settled.after is not None:
            attempt.after = dict(settled.after)
        attempt.settled_at = now
        self.settled.append(settled)


def write_attempt(session: Session, now: datetime, *, key: str = "key-1") -> int:
    """An incident with one written attempt and its work item, as the domain commits them."""
    session.merge(PlanContent(hash="h", version="2026.11", content="{}", stored_at=now))
    session.flush()
    incident = session.scalar(select(Incident).where(Incident.number == 412)) or Incident(
        number=412,
        incident_type="payment_channel_down",
        family="system",
        section="3.3",
        subject="channel:northpay",
        fingerprint="3.3 channel:northpay",
        severity=1,
        audience="incidents",
        source="check:payments",
        plan_version="2026.11",
        plan_hash="h",
        facts={},
        opening_facts={},
        started_at=now,
        detected_at=now,
    )
    session.add(incident)
    session.flush()
    attempt = ActionAttempt(
        key=key,
        incident_id=incident.id,
        action="switch_channel",
        params={"method": "card", "channel": "harborpay"},
        requested_by="U0MEI",
        requested_at=now,
    )
    session.add(attempt)
    session.flush()
    work.enqueue(
        session,
        kind="action",
        key=f"attempt/{attempt.id}",
        payload={"attempt": attempt.id},
        due=now,
        now=now,
        order_key=f"attempt:{incident.id}",
    )
    return attempt.id


EPOCH = datetime(2026, 11, 11, 3, 7, tzinfo=UTC)
