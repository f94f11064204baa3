"""Orders and what each was told: once per order and kind of message, across all incidents.

A kind is claimed in the transaction that asks for the message. The claim is given back when the
message definitely did not go out, and stays while that is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from incidents import facts as facts_of
from plan import expressions
from plan.expressions import ExpressionError
from plan.model import Action
from storage.dialect import insert_into, is_postgres
from storage.models import ActionAttempt, AttemptState, Case, CaseState, Incident, ToldOrder

CLAIMED, UNKNOWN, TOLD = "claimed", "unknown", "told"
_AT_ONCE = 1000  # rows of one statement
_GONE = (AttemptState.FAILED, AttemptState.REFUSED)
_OF_INCIDENT = (
    select(ToldOrder.order_key, ToldOrder.kind, ToldOrder.at, ToldOrder.state, Incident.number)
    .join(Incident, Incident.id == ToldOrder.incident_id)
    .where(
        ToldOrder.order_key.in_(
            select(Case.key).where(
                Case.incident_id.in_(bindparam("incidents", expanding=True)), Case.kind == "order"
            )
        )
    )
)

Told = Mapping[str, Mapping[str, Any]]
"""By kind of message: at, state, incident."""


def of_incidents(session: Session, incident_ids: Sequence[int]) -> dict[str, Told]:
    """What the orders of the incidents were told, in whichever incident: by order, by kind."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    rows = session.connection().execute(_OF_INCIDENT, {"incidents": list(incident_ids)})
    for row in rows:
        found.setdefault(row.order_key, {})[row.kind] = {
            "at": row.at.isoformat(),
            "state": row.state,
            "incident": f"INC-{row.number}",
        }
    return dict(found)


def kind_of(action: Action, scope: Mapping[str, Any]) -> str | None:
    """The kind of message that the action would send for the scope's case; None: it sends none."""
    if action.tells is None:
        return None
    try:
        return str(expressions.fill(action.tells, scope)).strip() or None
    except ExpressionError:
        return None


def claim(
    session: Session,
    incident: Incident,
    action: Action,
    orders: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> dict[str, int]:
    """Claims for each order, with the scope of its case, the kind of message that the action would
    send; by order the claims that were made. An order to which it would send none has none.

    What another press or incident claimed a moment before is left out. In the order of their keys:
    two incidents with the same orders wait for each other, and neither for what it holds itself.
    """
    made: dict[str, int] = {}
    kinds = {key: kind_of(action, scope) for key, scope in orders.items()}
    wanted = sorted((key, kind) for key, kind in kinds.items() if kind is not None)
    for at in range(0, len(wanted), _AT_ONCE):
        rows = [
            {
                "order_key": key,
                "kind": kind,
                "action": action.id,
                "incident_id": incident.id,
                "state": CLAIMED,
                "at": now,
                "facts": {},
            }
            for key, kind in wanted[at : at + _AT_ONCE]
        ]
        statement = (
            insert_into(ToldOrder, postgres=is_postgres(session))
            .values(rows)
            .on_conflict_do_nothing()
            .returning(ToldOrder.order_key, ToldOrder.id)
        )
        made |= {row.order_key: row.id for row in session.execute(statement)}
    return made


def give(session: Session, attempts: Mapping[int, int | None]) -> None:
    """Names the attempt that each claim was made for; one without an attempt is given back."""
    given = [{"id": claim, "attempt_id": one} for claim, one in attempts.items() if one is not None]
    if given:
        session.execute(update(ToldOrder), given)
    left = [claim for claim, one in attempts.items() if one is None]
    if left:
        session.execute(delete(ToldOrder).where(ToldOrder.id.in_(left)))


def follow(session: Session, attempt: ActionAttempt, now: datetime) -> None:
    """The claims of the attempt as its outcome says: told, not known, or given back."""
    mine = ToldOrder.attempt_id == attempt.id
    if attempt.state in _GONE:
        session.execute(delete(ToldOrder).where(mine))
        return
    state = {AttemptState.DONE: TOLD, AttemptState.UNKNOWN: UNKNOWN}.get(
        AttemptState(attempt.state)
    )
    if state is not None:
        session.execute(update(ToldOrder).where(mine).values(state=state, at=now))


def keep_facts(
    session: Session, attempt: ActionAttempt, key: str, facts: Mapping[str, Any]
) -> None:
    """What the message left on its order's case; a later incident's case takes it over."""
    session.execute(
        update(ToldOrder)
        .where(ToldOrder.attempt_id == attempt.id, ToldOrder.order_key == key)
        .values(facts=dict(facts))
    )


def inherit(session: Session, incident: Incident, actions: Iterable[str]) -> None:
    """Cases of orders that an earlier incident told: their links and marks come along."""
    rows = session.execute(
        select(ToldOrder, Case)
        .join(Case, Case.key == ToldOrder.order_key)
        .where(
            Case.incident_id == incident.id,
            Case.kind == "order",
            ToldOrder.incident_id != incident.id,
            ToldOrder.action.in_(list(actions)),
            ToldOrder.state == TOLD,
        )
    )
    for record, case in rows:
        if case.state == CaseState.OPEN and record.facts.get("state") == CaseState.WAITING:
            case.state = CaseState.WAITING
        facts = facts_of.merged(case.facts, record.facts.get("facts", {}))
        if facts != case.facts:
            case.facts = facts
    session.flush()
