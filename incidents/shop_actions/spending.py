"""Spending: what moved without a second person within the last day, for whom and by whom.

Whether a spending counts, its attempt says: what was refused, failed, or still waits for approval
has moved nothing, and what was approved does not count again (decision 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from storage.models import (
    ActionAttempt,
    AttemptState,
    Case,
    Incident,
    Spending,
    SpendingKey,
)
from storage.money import Money

WINDOW = timedelta(hours=24)
_MOVED = (AttemptState.WRITTEN, AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.DONE)
_AT_ONCE = 500  # keys of one question; databases bind no more than some thousand values


@dataclass(frozen=True)
class Moved:
    """Money of one attempt, with everything that it counts for."""

    attempt_id: int
    amount: Money
    keys: frozenset[str]

    def of(self, kind: str) -> frozenset[str]:
        return frozenset(key for key in self.keys if key.startswith(f"{kind}:"))


def lock(session: Session) -> None:
    """Two presses are summed up one after the other, also by several replicas.

    SQLite has one writer anyway. Taken after the incident's row, and before anything else that
    another press may hold.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(hashtextextended('spending', 8411))"))


def amount_of(attempt: ActionAttempt) -> Money | None:
    """The amount of an attempt; None where it has none that can be read."""
    given = attempt.params.get("amount")
    if not isinstance(given, Mapping):
        return None
    try:
        found = Money.from_json(dict(given))
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.minor > 0 else None


def moved(
    incident: Incident, attempts: Sequence[ActionAttempt], cases: Mapping[int, Case]
) -> list[Moved]:
    """The money that these attempts would move."""
    found: list[Moved] = []
    own = list(cases.values())
    for attempt in attempts:
        amount = amount_of(attempt)
        if amount is None:
            continue
        covered = [cases[number] for number in map(int, attempt.covers or ()) if number in cases]
        keys = {f"incident:{incident.id}", f"person:{attempt.requested_by}"}
        named = {order_key(str(attempt.params.get("order") or ""))} - {"order:"}
        for case in covered or own_case(own, named):
            named |= _names(case)
            if case.customer_key:
                keys.add(f"customer:{case.customer_key}")
        found.append(Moved(attempt.id, amount, frozenset(keys | named)))
    return found


def own_case(cases: Iterable[Case], named: set[str]) -> list[Case]:
    """The case of the order that an action for no case of its own names (a complaint's)."""
    return [case for case in cases if case.kind == "order" and _names(case) & named]


def _names(case: Case) -> set[str]:
    """What an order is called: by its number, and by the shop's own id."""
    if case.kind != "order":
        return {f"{case.kind}:{case.key}"}
    names = {order_key(case.key)}
    if case.facts.get("order_id") is not None:
        names.add(order_key(str(case.facts["order_id"])))
    return names


def order_key(typed: str) -> str:
    """One order, however a person writes its number: "#fg-1" is FG-1."""
    return f"order:{typed.strip().lstrip('#').upper()}"


def note(session: Session, limit: str, money: Iterable[Moved], now: datetime) -> None:
    """Keeps what these attempts move, so that later presses are held against it."""
    for one in money:
        session.add(
            Spending(
                attempt_id=one.attempt_id,
                at=now,
                limit_name=limit,
                minor=one.amount.minor,
                currency=one.amount.currency,
            )
        )
        session.add_all(SpendingKey(attempt_id=one.attempt_id, key=key) for key in one.keys)


@dataclass(frozen=True)
class Before:
    """What moved before, by key: attempt → minor units."""

    amounts: Mapping[str, Mapping[int, int]]

    def sum_of(self, keys: Iterable[str]) -> int:
        """One attempt counts once, by however many of the keys it is found."""
        found: dict[int, int] = {}
        for key in keys:
            found.update(self.amounts.get(key, {}))
        return sum(found.values())


def of_press(money: Iterable[Moved]) -> Before:
    """What a press itself would move, by the same keys."""
    found: dict[str, dict[int, int]] = {}
    for one in money:
        for key in one.keys:
            found.setdefault(key, {})[one.attempt_id] = one.amount.minor
    return Before(found)


def before(
    session: Session,
    currency: str,
    keys: Iterable[str],
    until: datetime,
    *,
    limit: str | None,
    without: Iterable[int] = (),
) -> Before:
    """What counts within the day up to `until`. `limit`: against that limit alone."""
    session.flush()
    conditions: list[ColumnElement[bool]] = [
        Spending.currency == currency,
        Spending.at > until - WINDOW,
        ActionAttempt.state.in_(_MOVED),
        ActionAttempt.approved_by.is_(None),
    ]
    if limit is not None:
        conditions.append(Spending.limit_name == limit)
    wanted, left_out = sorted(set(keys)), set(without)
    found: dict[str, dict[int, int]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = session.execute(
            select(SpendingKey.key, Spending.attempt_id, Spending.minor)
            .join(Spending, Spending.attempt_id == SpendingKey.attempt_id)
            .join(ActionAttempt, ActionAttempt.id == Spending.attempt_id)
            .where(SpendingKey.key.in_(wanted[start : start + _AT_ONCE]), *conditions)
        )
        for key, attempt_id, minor in rows:
            if attempt_id not in left_out:
                found.setdefault(key, {})[attempt_id] = minor
    return Before(found)
