"""Orders whose captured payments, less refunds, are not the order's amount (3.2). Exact."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Connection, and_, func, or_, select

from checks.kinds.base import CheckContext, CheckSettings
from checks.kinds.stuck_orders import LISTED
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.mapping import LogicalTable
from checks.shop.source import ShopDatabase
from storage.money import Money

SUBJECT = "orders:amount"


class AmountMismatchSettings(CheckSettings):
    kind: Literal["amount_mismatch"]
    tolerance_minor: Annotated[int, Field(ge=0)] = 0  # the plan states none: exact
    settle: Annotated[int, Field(ge=0)] = 120  # seconds a payment may take to be booked
    looks_back_days: Annotated[int, Field(ge=1)] = 30
    # Orders in these states owe nothing any more.
    closed_states: list[str] = ["cancelled", "refunded"]
    unpaid_states: list[str] = ["awaiting_payment"]
    open_after: int = 1


class AmountMismatch:
    """One finding for all mismatches of the shop; each order is a case with its own difference."""

    def __init__(self, settings: AmountMismatchSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        shop = context.database()
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
        cases = tuple(_case(row, context.currency) for row in rows)
        over = [c for c in cases if c.facts["delta"]["minor"] > 0]
        under = [c for c in cases if c.facts["delta"]["minor"] < 0]
        oldest = min((t for row in rows if (t := orders.read_time(row.since))), default=None)
        facts: dict[str, Any] = {
            "orders": len(cases),
            "customers": len({c.customer_key for c in cases if c.customer_key}) or None,
            "over": _side(over, context.currency),
            "under": _side(under, context.currency),
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

    def _query(
        self, shop: ShopDatabase, context: CheckContext, among: tuple[str, ...] | None = None
    ) -> Any:
        """`among`: of these orders only, those with a payment that is being booked included."""
        orders, payments = shop.orders(), shop.payments()
        paid = _sums(payments, "captured", context.currency, with_last=True).subquery("paid")
        total = orders.minor("total", context.currency)
        captured = func.coalesce(paid.c.total, 0)
        refunded: Any = 0
        source = orders.source.outerjoin(paid, paid.c.order_id == orders.col("id"))
        if shop.mapping.refunds is not None:
            back = _sums(shop.refunds(), "succeeded", context.currency).subquery("back")
            refunded = func.coalesce(back.c.total, 0)
            source = source.outerjoin(back, back.c.order_id == orders.col("id"))
        delta = (captured - refunded - total).label("delta")
        settled = payments.bind_time(context.now - timedelta(seconds=self.settings.settle))
        booked = or_(paid.c.last.is_(None), paid.c.last < settled)
        usually = timedelta(days=self.settings.looks_back_days)
        earliest = orders.bind_time(context.back_to(SUBJECT, usually))
        columns = [
            orders.col("number").label("number"),
            total.label("total"),
            (captured - refunded).label("paid"),
            delta,
            func.coalesce(paid.c.payments, 0).label("payments"),
            orders.currency(context.currency).label("currency"),
            orders.col("status_since").label("since"),
        ]
        columns += [
            orders.minor(name, context.currency).label(name)
            for name in ("list", "discount", "shipping")
            if orders.has(name)
        ]
        if orders.has("customer"):
            columns.append(orders.col("customer").label("customer"))
        expects_money = ~orders.is_status(
            *self.settings.closed_states, *self.settings.unpaid_states
        )
        part_paid = and_(orders.is_status(*self.settings.unpaid_states), captured > 0)
        return (
            select(*columns)
            .select_from(source)
            .where(
                or_(expects_money, part_paid),
                func.abs(captured - refunded - total) > self.settings.tolerance_minor,
                booked if among is None else orders.col("number").in_(among),
                orders.col("status_since") >= earliest,
            )
            .order_by(func.abs(captured - refunded - total).desc(), orders.col("id"))
            .limit(LISTED)
        )


def _sums(money: LogicalTable, status: str, currency: str, *, with_last: bool = False) -> Any:
    columns = [
        money.col("order").label("order_id"),
        func.sum(money.minor("amount", currency)).label("total"),
        func.count().label("payments"),
    ]
    if with_last:
        columns.append(func.max(money.col("created_at")).label("last"))
    return (
        select(*columns)
        .select_from(money.source)
        .where(money.is_status(status))
        .group_by(money.col("order"))
    )


def _case(row: Any, currency: str) -> CaseFound:
    unit = str(row.currency or currency)

    def money(minor: int) -> dict[str, Any]:
        return Money(int(minor), unit).as_json()

    facts: dict[str, Any] = {
        "total": money(row.total),
        "paid": money(row.paid),
        "delta": money(row.delta),
        "payments": int(row.payments),
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
        amount=Money(abs(int(row.delta)), unit),
        customer_key=None if customer is None else str(customer),
        facts=facts,
    )


def _side(cases: list[CaseFound], currency: str) -> dict[str, Any]:
    total = sum(abs(c.facts["delta"]["minor"]) for c in cases)
    return {"orders": len(cases), "amount": Money(total, currency).as_json()}
