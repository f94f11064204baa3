"""Amount mismatch: orders that do not hold what they should, by state, payments and refunds (3.2).
Exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Connection

from checks.kinds.amount_query import AmountQuery, Rules
from checks.kinds.base import CheckContext, CheckSettings, Spent
from checks.kinds.stuck_orders import LISTED
from checks.model import CaseFound, CheckResult, Finding
from checks.queries.entity import entities
from checks.queries.looked_rows import LookedRows
from checks.queries.reach import CHANGED_AT, Reach, Route
from checks.shop.changes import Step, digest_of, step_of
from checks.shop.rows_seen import rows_seen
from checks.shop.source import ShopDatabase
from plan import holdings
from storage.money import Money, sole_sum

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
    def needs_beside(self) -> Mapping[str, tuple[str, ...]]:
        return {"refunds": ("order_key", "amount", "state")}

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
        spent = Spent(self.settings.deadline)
        shop = await context.place_of(self.settings.reads)
        found = await shop.read(lambda connection: self._look(connection, shop, context))
        given = {"earliest": self._earliest(context)}
        fresh = any(subject in context.failed for subject in found.healthy_subjects)
        rows = await rows_seen(shop, _looked(shop), given, context.now, spent.left, fresh=fresh)
        well = found.healthy_subjects if rows.sure else ()
        return replace(
            found,
            findings=rows.told(found.findings),
            healthy_subjects=well,
            recovered_facts=rows.recovered(well),
            figures={**found.figures, **rows.figures()},
        )

    def _look(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> CheckResult:
        """What does not match, and whether all is seen to be right.

        A payment that is being booked hides its order for a moment. That is no right amount.
        """
        query = self._query(shop, context)
        step = self._step(connection, shop, context)
        rows = self._rows(connection, query, None if step is None else step.among)
        all_named = rows is not None
        if rows is None:
            rows = list(connection.execute(query.largest(LISTED)))
        booked = (row for row in rows if row.booked)
        shown = sorted(booked, key=lambda row: (-abs(int(row.delta)), row.order_key))
        finding = self._finding(shown, shop, context) if shown else None
        if finding is not None and not all_named:
            finding = self._counted(connection, query, finding, shop)
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=() if finding is None else (finding,),
            healthy_subjects=(SUBJECT,) if self._well(connection, query, finding, context) else (),
            figures={
                "orders": 0 if finding is None else finding.facts["orders"],
                **({} if step is None or step.changed is None else {"changed": step.changed}),
            },
            mark=step.mark(row.order_key for row in rows) if step and all_named else None,
        )

    @staticmethod
    def _well(
        connection: Connection, query: AmountQuery, finding: Finding | None, context: CheckContext
    ) -> bool:
        if finding is not None or SUBJECT not in context.failed:
            return finding is None
        return not query.named(connection, "number", context.awaited)

    def _query(self, shop: ShopDatabase, context: CheckContext) -> AmountQuery:
        own = self.settings
        rules = Rules(
            tolerance=own.tolerance_minor,
            settle=timedelta(seconds=own.settle),
            closed=own.closed_states,
            unpaid=own.unpaid_states,
            refund_lowers_total=own.refund_lowers_total,
            currency=context.currency,
        )
        return AmountQuery(shop, rules, context.now, self._earliest(context))

    def _earliest(self, context: CheckContext) -> datetime:
        return context.back_to(SUBJECT, timedelta(days=self.settings.looks_back_days))

    def _step(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> Step | None:
        """How this run looks, where every row that it reads tells when it changed; else None."""
        entities = shop.mapping.entities
        read = [one for one in ("orders", "payments", "refunds") if one in entities]
        told = all(CHANGED_AT in entities[one].fields for one in read)
        beyond = any(
            field.join is not None for one in read for field in entities[one].fields.values()
        )
        listed = shop is not context.shop  # rows of a listing tell no changes: they come whole
        if context.following is None or not told or beyond or listed:
            return None
        routes = tuple(Route(one, "order_key", "key") for one in read if one != "orders")
        reach = Reach("orders", (Route("orders", "key", "key"), *routes))
        digest = digest_of(shop, self.settings.model_dump(mode="json"), context.currency)
        return step_of(connection, shop, reach, context.following, digest, context.now)

    @staticmethod
    def _rows(
        connection: Connection, query: AmountQuery, among: Mapping[str, list[Any]] | None
    ) -> list[Any] | None:
        """All orders that are wrong, those included whose payment is being booked; None: there are
        more of them than are shown."""
        if among is None and query.orders.types.by_joins:
            found = connection.execute(query.wrong().limit(LISTED + 1)).all()
            return None if len(found) > LISTED else list(found)
        keys = (
            connection.scalars(query.suspects(LISTED + 1)).all() if among is None else among["key"]
        )
        if len(keys) > LISTED:
            return None
        return query.named(connection, "key", keys)

    def _finding(self, rows: list[Any], shop: ShopDatabase, context: CheckContext) -> Finding:
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
            "truncated": False,
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

    @staticmethod
    def _counted(
        connection: Connection, query: AmountQuery, finding: Finding, shop: ShopDatabase
    ) -> Finding:
        """With the figures of the whole, of which it names the largest."""
        rows = connection.execute(query.whole()).all()
        orders = shop.orders()
        oldest = min(
            (t for row in rows if (t := orders.read_time(row.oldest, "state_since"))), default=None
        )
        people = connection.scalar(query.people()) if orders.has("customer") else None
        count = sum(int(row.orders) for row in rows)
        facts = {
            **finding.facts,
            "orders": count,
            "customers": int(people or 0) or None,
            "over": _whole_side([row for row in rows if row.over]),
            "under": _whole_side([row for row in rows if not row.over]),
            "oldest_since": oldest.isoformat() if oldest else None,
            "truncated": count > len(finding.cases),
        }
        return replace(finding, facts=facts, count=count, started_at=oldest)

    def _rules(self, currency: str) -> dict[str, Any]:
        """What the orders were held against; a fresh look at one is held against the same."""
        return {
            "refund_lowers_total": self.settings.refund_lowers_total,
            "tolerance": self.settings.tolerance_minor,
            "closed": self.settings.closed_states,
            "unpaid": self.settings.unpaid_states,
            "currency": currency,
        }

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
            key=str(row.number or row.order_key),  # without a number, by the shop's own key
            amount=Money(abs(delta), unit),
            customer_key=None if customer is None else str(customer),
            facts=facts,
        )


def _looked(shop: ShopDatabase) -> list[LookedRows]:
    """Orders in any state that a check has to do with, and the money that counts."""
    own = tuple(shop.orders().field("state").own)
    states = ("state", (*entities()["orders"].fields["state"].words, *own))
    held = ("order_key", "state", "amount")
    looked = [
        LookedRows(
            "orders",
            ("state", "total", "state_since"),
            (states,),
            ("state_since", "earliest"),
        ),
        LookedRows("payments", held, (("state", ("captured",)),)),
    ]
    if "refunds" in shop.mapping.entities:
        looked.append(LookedRows("refunds", held, (("state", ("succeeded",)),)))
    return looked


def _side(cases: list[CaseFound]) -> dict[str, Any]:
    """How many orders, and their sum where they are of one currency."""
    total = sole_sum(one.amount for one in cases if one.amount is not None)
    amount = {} if total is None else {"amount": total.as_json()}
    return {"orders": len(cases), **amount}


def _whole_side(rows: list[Any]) -> dict[str, Any]:
    """The same, counted by the database."""
    count = sum(int(row.orders) for row in rows)
    if len(rows) != 1:
        return {"orders": count}
    return {"orders": count, "amount": Money(int(rows[0].amount), str(rows[0].currency)).as_json()}
