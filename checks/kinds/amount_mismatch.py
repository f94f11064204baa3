"""Amount mismatch: orders that do not hold what they should, by state, payments and refunds (3.2).
Exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Connection, String, case, cast, func, literal, not_, or_, select, true

from checks.kinds.base import CheckContext, CheckSettings
from checks.kinds.stuck_orders import LISTED
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase
from plan import holdings
from storage.money import Money

SUBJECT = "orders:amount"


class AmountMismatchSettings(CheckSettings):
    kind: Literal["amount_mismatch"]
    tolerance_minor: Annotated[int, Field(ge=0)] = 0  # the plan states none: exact
    settle: Annotated[int, Field(ge=0)] = 120  # seconds a payment may take to be booked
    looks_back_days: Annotated[int, Field(ge=1)] = 30
    # Orders in these states should hold nothing (any more); those in the others, their total.
    closed_states: list[str] = list(holdings.CLOSED)
    unpaid_states: list[str] = list(holdings.UNPAID)
    refund_lowers_total: bool = False  # the shop takes a refund off the order's total
    open_after: int = 1

    @property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        return {
            "orders": ("key", "number", "state", "state_since", "total"),
            "payments": ("order_key", "amount", "state", "created_at"),
        }

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.needs, "refunds")  # without those that there are, every refund is a debt

    @property
    def opens(self) -> tuple[str, ...]:
        return ("payment_amount_mismatch",)


class AmountMismatch:
    """One finding for all mismatches of the shop; each order is a case with its own difference."""

    def __init__(self, settings: AmountMismatchSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        shop = await context.place_of(self.settings.reads)
        finding, well = await shop.read(lambda connection: self._look(connection, shop, context))
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=() if finding is None else (finding,),
            healthy_subjects=(SUBJECT,) if well else (),
            figures={"orders": 0 if finding is None else finding.facts["orders"]},
        )

    def _look(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> tuple[Finding | None, bool]:
        """What does not match, and whether all is seen to be right.

        A payment that is being booked hides its order for a moment. That is no right amount.
        """
        finding = self._find(connection, shop, context)
        if finding is not None or SUBJECT not in context.failed:
            return finding, finding is None
        hidden = self._query(shop, context, among=context.awaited).limit(1)
        return None, connection.execute(hidden).first() is None

    def _find(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> Finding | None:
        rows = connection.execute(self._query(shop, context)).all()
        if not rows:
            return None
        orders = shop.orders()
        cases = tuple(self._case(row, shop, context.currency) for row in rows)
        over = [c for c in cases if c.facts["delta"]["minor"] > 0]
        under = [c for c in cases if c.facts["delta"]["minor"] < 0]
        oldest = min(
            (t for row in rows if (t := orders.read_time(row.since, "state_since"))), default=None
        )
        facts: dict[str, Any] = {
            "orders": len(cases),
            "customers": len({c.customer_key for c in cases if c.customer_key}) or None,
            "over": _side(over),
            "under": _side(under),
            "rules": self._rules(context.currency),
            "oldest_since": oldest.isoformat() if oldest else None,
            "truncated": len(rows) >= LISTED,
        }
        if len(cases) == 1:
            facts |= {"order": cases[0].key, **cases[0].facts}
        return Finding(
            subject=SUBJECT,
            incident_type="payment_amount_mismatch",
            facts=facts,
            cases=cases,
            severity=self.settings.severity,
            started_at=oldest,
        )

    def _rules(self, currency: str) -> dict[str, Any]:
        """What the orders were held against; a fresh look at one is held against the same."""
        return {
            "refund_lowers_total": self.settings.refund_lowers_total,
            "tolerance": self.settings.tolerance_minor,
            "closed": self.settings.closed_states,
            "unpaid": self.settings.unpaid_states,
            "currency": currency,
        }

    def _query(
        self, shop: ShopDatabase, context: CheckContext, among: tuple[str, ...] | None = None
    ) -> Any:
        """`among`: of these orders only, those with a payment that is being booked included."""
        orders, payments = shop.orders(), shop.payments()
        own = _unit(orders, context.currency)
        usually = timedelta(days=self.settings.looks_back_days)
        earliest = orders.bind_time(context.back_to(SUBJECT, usually), "state_since")
        # Sums of the orders that are looked at, never of all that the shop ever took.
        looked_at = _Sums(orders.again("candidate"), earliest, context.currency)
        paid = looked_at.of(payments, "captured").subquery("paid")
        source = orders.source.outerjoin(paid, paid.c.order_id == orders.col("key"))
        captured: Any = func.coalesce(paid.c.total, 0)
        refunded: Any = literal(0)
        if "refunds" in shop.mapping.entities:
            back = looked_at.of(shop.refunds(), "succeeded").subquery("back")
            refunded = func.coalesce(back.c.total, 0)
            source = source.outerjoin(back, back.c.order_id == orders.col("key"))
        total = orders.minor("total", context.currency)
        should = holdings.expected(
            total,
            orders.is_state(*self.settings.closed_states),
            orders.is_state(*self.settings.unpaid_states),
            captured,
            _when,
        )
        lowers = self.settings.refund_lowers_total
        delta = holdings.difference(should, captured, refunded, lowers, _when)
        foreign = func.coalesce(paid.c.every, 0) - func.coalesce(paid.c.own, 0)
        settled = payments.bind_time(
            context.now - timedelta(seconds=self.settings.settle), "created_at"
        )
        booked = or_(paid.c.last.is_(None), paid.c.last < settled)
        columns = [
            orders.col("number").label("number"),
            orders.col("state").label("status"),
            total.label("total"),
            should.label("should"),
            captured.label("captured"),
            refunded.label("refunded"),
            delta.label("delta"),
            foreign.label("foreign_payments"),
            func.coalesce(paid.c.every, 0).label("payments"),
            own.label("currency"),
            orders.col("state_since").label("since"),
        ]
        columns += [
            orders.minor(name, context.currency).label(name)
            for name in ("list", "discount", "shipping")
            if orders.has(name)
        ]
        if orders.has("customer"):
            columns.append(orders.col("customer").label("customer"))
        columns += orders.language()
        wrong = func.abs(delta) > self.settings.tolerance_minor
        return (
            select(*columns)
            .select_from(source)
            .where(
                or_(wrong, foreign > 0),
                _minded(orders),
                booked if among is None else orders.is_one("number", among),
                orders.col("state_since") >= earliest,
            )
            .order_by(func.abs(delta).desc(), orders.col("key"))
            .limit(LISTED)
        )

    def _case(self, row: Any, shop: ShopDatabase, currency: str) -> CaseFound:
        unit = str(row.currency or currency)

        def money(minor: Any) -> dict[str, Any]:
            return Money(int(minor), unit).as_json()

        should, captured, refunded = int(row.should), int(row.captured), int(row.refunded)
        delta = int(row.delta)
        why = holdings.cause(should, captured, refunded, delta)
        facts: dict[str, Any] = {
            "status": shop.orders().ours("state", row.status),
            "total": money(row.total),
            "paid": money(captured - refunded),
            "captured": money(captured),
            "refunded": money(refunded),
            "delta": money(delta),
            "why": "other_currency" if row.foreign_payments else why,
            "payments": int(row.payments),
            **shop.orders().spoken(row),
        }
        parts = {
            name: money(getattr(row, name))
            for name in ("list", "discount", "shipping")
            if getattr(row, name, None) is not None
        }
        if parts:
            facts["parts"] = parts
        customer = getattr(row, "customer", None)
        return CaseFound(
            kind="order",
            key=str(row.number),
            amount=Money(abs(delta), unit),
            customer_key=None if customer is None else str(customer),
            facts=facts,
        )


def _when(condition: Any, then: Any, otherwise: Any) -> Any:
    return case((condition, then), else_=otherwise)


def _minded(orders: LogicalTable) -> Any:
    """Not those in a state that no check has to do with: a draft owes nothing."""
    ignored = orders.field("state").ignore
    state = orders.col("state")
    return or_(state.is_(None), not_(orders.is_one("state", ignored))) if ignored else true()


def _unit(table: LogicalTable, default: str) -> Any:
    """The currency of a row, however it is written; one that is not there is the shop's."""
    shop = literal(table.mapping.currency or default, literal_execute=True)
    if not table.has("currency"):
        return shop
    return func.upper(func.coalesce(cast(table.col("currency"), String(3)), shop))


@dataclass(frozen=True)
class _Sums:
    """Sums of what was captured or given back for each order that is looked at."""

    orders: LogicalTable
    earliest: Any
    currency: str

    def of(self, money: LogicalTable, status: str) -> Any:
        """`total` and `own` are of the order's own currency, `every` and `last` of whatever."""
        own = _unit(money, self.currency) == _unit(self.orders, self.currency)
        columns = [
            self.orders.col("key").label("order_id"),
            func.sum(case((own, money.minor("amount", self.currency)), else_=0)).label("total"),
            func.sum(case((own, 1), else_=0)).label("own"),
            func.count().label("every"),
        ]
        if money.has("created_at"):
            columns.append(func.max(money.col("created_at")).label("last"))
        both = self.orders.source.join(
            money.source, money.col("order_key") == self.orders.col("key")
        )
        return (
            select(*columns)
            .select_from(both)
            .where(money.is_state(status), self.orders.col("state_since") >= self.earliest)
            .group_by(self.orders.col("key"))
        )


def _side(cases: list[CaseFound]) -> dict[str, Any]:
    """How many orders, and their sum where they are of one currency."""
    amounts = [one.amount for one in cases if one.amount is not None]
    if len({amount.currency for amount in amounts}) != 1:
        return {"orders": len(cases)}
    total = Money(sum(amount.minor for amount in amounts), amounts[0].currency)
    return {"orders": len(cases), "amount": total.as_json()}
