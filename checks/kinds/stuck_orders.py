"""Orders that stay too long in one state, or went from one state to a wrong one (2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)

from checks.kinds.base import CheckContext, CheckSettings, Spent
from checks.kinds.known_words import known_words, words_are_known
from checks.mark import Mark
from checks.model import CaseFound, CheckResult, Finding
from checks.queries.looked_rows import LookedRows
from checks.shop.changed_rows import OVERLAP
from checks.shop.logical_table import LogicalTable
from checks.shop.rows_seen import rows_seen
from storage.money import Money, sole_sum

_CHANGES = "state_changes"
_LOOKS_BACK = timedelta(days=1)  # for wrong transitions; they happen while Muster runs
LISTED = 2_000  # cases kept by name in one incident; the counts are always whole


class StuckOrdersSettings(CheckSettings):
    kind: Literal["stuck_orders"]
    # Dwell limits in hours per state (1.1.1(2); the plan says "long", the shop says how long).
    limits: dict[str, float] = Field(min_length=1)
    usual_hours: dict[str, float] = {}
    # The allowed transitions; without them only the dwell time is looked at.
    transitions: dict[str, list[str]] = {}
    open_after: int = 1

    @property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        wanted: dict[str, tuple[str, ...]] = {
            "orders": ("key", "number", "state", "state_since", "total")
        }
        if self.transitions:
            wanted["state_changes"] = ("order_key", "from_state", "to_state", "at")
        return wanted

    @property
    def opens(self) -> tuple[str, ...]:
        return ("order_state_stuck", "order_state_illegal")


class StuckOrders:
    """One finding per state: what is stuck together is one incident with many cases."""

    def __init__(self, settings: StuckOrdersSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        spent = Spent(self.settings.deadline)
        shop = await context.place_of(self.settings.reads)
        orders = shop.orders()
        findings: list[Finding] = []
        healthy: list[str] = []
        for state, hours in self.settings.limits.items():
            found = await shop.read(partial(self._stuck, orders, state, hours, context))
            if found is None:
                healthy.append(f"orders:{state}")
            else:
                findings.append(found)
        if self.settings.transitions:
            history = shop.history()
            wrong = await shop.read(lambda c: self._illegal(c, orders, history, context))
            findings.extend(wrong)
            found_now = {finding.subject for finding in wrong}
            healthy += [
                subject
                for subject in context.failed
                if _is_transition(subject) and subject not in found_now
            ]
        words = [("orders", "state")]
        if not findings:  # nothing found is no proof where a word means nothing
            await known_words(shop, words, context.now)
        elif healthy and not await words_are_known(shop, words, context.now):
            healthy = []
        fresh = any(subject in context.failed for subject in healthy)
        rows = await rows_seen(shop, self._looked(), {}, context.now, spent.left, fresh=fresh)
        if not rows.sure:
            healthy = []  # what cannot be judged is not in order
        now = await shop.read(lambda c: _states_of(c, orders, context.awaited))
        for case in (case for finding in findings for case in finding.cases):
            now.pop(case.key, None)  # it has left one state, and stands still in another
        subjects = [*(finding.subject for finding in findings), *healthy]
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=rows.told(findings),
            healthy_subjects=tuple(healthy),
            recovered_facts=rows.recovered(healthy),
            settled={subject: left for subject in subjects if (left := _left(subject, now))},
            figures={
                "states": len(self.settings.limits),
                "found": len(findings),
                **rows.figures(),
            },
            mark=self._mark(context, findings),
        )

    def _looked(self) -> list[LookedRows]:
        """What it goes over, and by what it judges it."""
        states = ("state", tuple(self.settings.limits))
        looked = [LookedRows("orders", ("state", "state_since"), (states,))]
        if self.settings.transitions:
            looked.append(LookedRows(_CHANGES, ("order_key", "from_state", "to_state", "at")))
        return looked

    def _stuck(
        self,
        orders: LogicalTable,
        state: str,
        hours: float,
        context: CheckContext,
        connection: Connection,
    ) -> Finding | None:
        cutoff = orders.bind_time(context.now - timedelta(hours=hours), "state_since")
        stuck = and_(orders.is_state(state), orders.col("state_since") < cutoff)
        customers = (
            func.count(orders.col("customer").distinct()) if orders.has("customer") else func.max(0)
        )
        count, oldest, people = connection.execute(
            select(func.count(), func.min(orders.col("state_since")), customers).where(stuck)
        ).one()
        if not count:
            return None
        rows = connection.execute(
            _case_columns(orders, context.currency)
            .where(stuck)
            .order_by(orders.col("state_since"), orders.col("key"))
            .limit(LISTED)
        )
        oldest_at = orders.read_time(oldest, "state_since")
        facts = {
            "state": state,
            "orders": int(count),
            "limit_hours": hours,
            "usual_hours": self.settings.usual_hours.get(state),
            "oldest_since": oldest_at.isoformat() if oldest_at else None,
            "customers": int(people or 0) or None,
            "amount": _as_json(sole_sum(_sums(connection, orders, stuck, context.currency))),
        }
        return Finding(
            subject=f"orders:{state}",
            incident_type="order_state_stuck",
            facts=facts,
            cases=tuple(_cases(rows, orders, context.currency)),
            severity=self.settings.severity,
            count=int(count),
            started_at=(oldest_at + timedelta(hours=hours)) if oldest_at else None,
        )

    def _illegal(
        self,
        connection: Connection,
        orders: LogicalTable,
        history: LogicalTable,
        context: CheckContext,
    ) -> list[Finding]:
        """Transitions that the allowed graph does not have, where the order still stands in that
        state by it. Of the last day; of a pair that failed before, from then on.
        """
        allowed = [
            and_(
                history.is_word("from_state", start),
                # From one of the shop's words for a state to another of them is no way at all.
                history.is_word("to_state", start, *ends),
            )
            for start, ends in self.settings.transitions.items()
        ]
        wrong = and_(
            self._recent(history, context),
            not_(_followed(history)),
            history.col("from_state").is_not(None),
            history.col("from_state") != history.col("to_state"),
            not_(or_(false(), *allowed)),
            history.col("to_state") == orders.col("state"),
        )
        rows = connection.execute(
            _case_columns(orders, context.currency)
            .add_columns(
                history.col("from_state").label("from_status"),
                history.col("to_state").label("to_status"),
                history.col("at").label("at"),
            )
            .join(history.source, history.col("order_key") == orders.col("key"))
            .where(wrong)
            .order_by(history.col("at"))
            .limit(LISTED)
        ).all()
        grouped: dict[tuple[str, str], list[Any]] = {}
        for row in rows:
            key = (
                history.ours("from_state", row.from_status),
                history.ours("to_state", row.to_status),
            )
            grouped.setdefault(key, []).append(row)
        findings = []
        for (start, end), members in grouped.items():
            cases = tuple(
                {case.key: case for case in _cases(members, orders, context.currency)}.values()
            )
            amounts = [case.amount for case in cases if case.amount is not None]
            oldest = history.read_time(members[0].at, "at")
            findings.append(
                Finding(
                    subject=_transition(start, end),
                    incident_type="order_state_illegal",
                    facts={
                        "state": end,
                        "transition": {"from": start, "to": end},
                        "orders": len(cases),
                        "customers": len({c.customer_key for c in cases if c.customer_key}) or None,
                        "amount": _as_json(sole_sum(amounts)),
                        "oldest_since": oldest.isoformat() if oldest else None,
                    },
                    cases=cases,
                    severity=self.settings.severity,
                    started_at=oldest,
                )
            )
        return findings

    @staticmethod
    def _mark(context: CheckContext, findings: list[Finding]) -> Mark | None:
        """When it looked, and since when what it found stands: it does not recover by its age."""
        if context.following is None:
            return None
        wrong = [f.started_at for f in findings if f.started_at and _is_transition(f.subject)]
        return Mark("", context.now, context.now, {_CHANGES: min(wrong)} if wrong else {})

    @staticmethod
    def _found_since(context: CheckContext, subject: str) -> datetime:
        mark = None if context.following is None else context.following.mark
        oldest = None if mark is None else mark.newest.get(_CHANGES)
        usual = context.back_to(subject, _LOOKS_BACK)
        return usual if oldest is None else min(usual, oldest)

    @staticmethod
    def _back_to(context: CheckContext) -> datetime:
        """A day, or from the last look on: while Muster was off, orders went on."""
        mark = None if context.following is None else context.following.mark
        usual = context.now - _LOOKS_BACK
        return usual if mark is None else min(usual, mark.looked_at - OVERLAP)

    def _recent(self, history: LogicalTable, context: CheckContext) -> ColumnElement[bool]:
        """An order does not leave its pair's incident by its age, only by standing right."""
        usual = history.col("at") >= history.bind_time(self._back_to(context), "at")
        older = [
            and_(
                history.is_word("from_state", start),
                history.is_word("to_state", end),
                history.col("at") >= history.bind_time(self._found_since(context, subject), "at"),
            )
            for subject in context.failed
            if _is_transition(subject)
            for start, end in [_pair(subject)]
        ]
        return or_(usual, *older)


def _sums(
    connection: Connection, orders: LogicalTable, which: ColumnElement[bool], currency: str
) -> Iterator[Money]:
    """What these orders cost, by currency."""
    total, own = func.sum(orders.minor("total", currency)), orders.mapping.currency or currency
    if not orders.has("currency"):
        yield Money(int(connection.scalar(select(total).where(which)) or 0), own)
        return
    unit = orders.col("currency")
    for code, minor in connection.execute(select(unit, total).where(which).group_by(unit)):
        yield Money(int(minor or 0), str(code or own))


def _as_json(amount: Money | None) -> dict[str, Any] | None:
    return None if amount is None else amount.as_json()


def _is_transition(subject: str) -> bool:
    return ">" in subject


def _transition(start: str, end: str) -> str:
    return f"orders:{start}>{end}"


def _pair(subject: str) -> tuple[str, str]:
    start, _, end = subject.removeprefix("orders:").partition(">")
    return start, end


def _followed(history: LogicalTable) -> ColumnElement[bool]:
    """The order has gone on since: what it stands in now it did not come to by this transition."""
    later = history.again("later")
    return exists(
        select(literal(1))
        .select_from(later.source)
        .where(
            later.col("order_key") == history.col("order_key"),
            later.col("at") > history.col("at"),
            later.col("to_state") != later.col("from_state"),
        )
    )


def _states_of(
    connection: Connection, orders: LogicalTable, numbers: tuple[str, ...]
) -> dict[str, str]:
    """The state that each of these orders is in now, as the shop says."""
    if not numbers:
        return {}
    rows = connection.execute(
        select(orders.col("number"), orders.col("state")).where(orders.is_one("number", numbers))
    )
    return {str(row[0]): orders.ours("state", row[1]) for row in rows}


def _left(subject: str, now: dict[str, str]) -> tuple[CaseFound, ...]:
    """Those that are no longer in the state in which they stood still, or which was wrong."""
    state = subject.removeprefix("orders:").rpartition(">")[2]
    return tuple(
        CaseFound(kind="order", key=key, facts=_ended(found))
        for key, found in now.items()
        if found != state
    )


def _ended(state: str) -> dict[str, str]:
    """An order that was given up does not move again: its outcome says so."""
    return {"outcome": state} if state in ("cancelled", "refunded") else {}


def _case_columns(orders: LogicalTable, currency: str) -> Any:
    columns: list[Any] = [
        orders.col("number").label("number"),
        orders.col("key").label("id"),
        orders.minor("total", currency).label("total"),
        orders.currency(currency).label("currency"),
        orders.col("state_since").label("since"),
    ]
    if orders.has("customer"):
        columns.append(orders.col("customer").label("customer"))
    columns += orders.language()
    return select(*columns).select_from(orders.source)


def _cases(rows: Iterable[Any], orders: LogicalTable, currency: str) -> Iterable[CaseFound]:
    for row in rows:
        since = orders.read_time(row.since, "state_since")
        customer = getattr(row, "customer", None)
        yield CaseFound(
            kind="order",
            key=str(row.number or row.id),  # without a number, by what the shop's table calls it
            amount=None
            if row.total is None
            else Money(int(row.total), str(row.currency or currency)),
            customer_key=None if customer is None else str(customer),
            facts={"since": since.isoformat() if since else None, **orders.spoken(row)},
        )
