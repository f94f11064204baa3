"""Model: what the runner of actions and the domain say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from plan.model import Action
from storage.models import AttemptState


@dataclass(frozen=True)
class Doubt:
    """Why the shop is looked at before anything is sent: the record was restored (0033).

    `since`: from then on the shop may know of what the record does not. `problem`: with which the
    attempt ends if it is asked about. `asks`: a person is asked in any case, and this attempt is
    never sent; else only where the shop shows something.
    """

    since: datetime
    problem: str
    asks: bool


@dataclass(frozen=True)
class Assignment:
    """An attempt as it was written down, and what its expressions see."""

    attempt_id: int
    key: str
    action: Action
    params: Mapping[str, Any]
    state: AttemptState
    before: Mapping[str, Any] | None
    response: Mapping[str, Any] | None
    sent_at: datetime | None
    looks: int
    scope: Mapping[str, Any] = field(default_factory=dict)  # facts, cases, incident, case
    kept: frozenset[str] = frozenset()  # the fields of the shop's answers that may be written down
    problem: str | None = None  # as it stands: whether one that was sent was ever seen to be
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Settled:
    """How an attempt stands. DONE was seen in the shop; UNKNOWN may be followed by another.

    `problem` is a code: `precondition:<index>` (the plan's words), `precondition_unseen:<index>`,
    `before_unseen`, `order_unseen`, `not_sent`, `refused`, `no_effect`, `no_answer`,
    `not_verified`, `effect_failed` (the shop says that it went wrong: the plan's words),
    `person_decides`, `restored` (nothing was sent, a person is asked), `no_door` (the
    configuration declares no such action). `detail` is the shop's own sentence: personal until
    shown otherwise.
    """

    state: AttemptState
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    problem: str | None = None
    detail: str | None = None


class Book(Protocol):
    """The domain's side of an attempt (`action_attempts`), called inside transactions."""

    def load(self, session: Session, attempt_id: int) -> Assignment: ...

    def sent(
        self, session: Session, attempt_id: int, before: Mapping[str, Any] | None, now: datetime
    ) -> None:
        """WRITTEN → SENT, with the state before."""

    def word(self, session: Session, attempt_id: int, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        """The message written anew from fresh looks at its orders; the attempt's parameters."""

    def settle(self, session: Session, attempt_id: int, settled: Settled, now: datetime) -> None:
        """Takes the outcome: case states, step, timeline, audit and messages."""
