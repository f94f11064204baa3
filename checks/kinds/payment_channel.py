"""Payment channel: a test payment and the rolling success rate of real ones (3.3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, and_, case, exists, func, literal, not_, select
from sqlalchemy.sql import ColumnElement

from checks.kinds.base import CheckContext, CheckSettings, LookFailed
from checks.kinds.stuck_orders import LISTED
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.mapping import LogicalTable
from checks.shop.source import ShopDatabase
from storage.money import Money


class ChannelName(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str  # the shop's own word in its payments
    name: str  # what people call it


class PaymentChannelSettings(CheckSettings):
    kind: Literal["payment_channel"]
    channel: ChannelName
    standby: ChannelName | None = None
    method: str = "card"
    probe_look: str | None = None  # look with params.channel: a test payment
    window: Annotated[int, Field(ge=60, le=3600)] = 300  # seconds of real payments looked at
    fail_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    minimum_attempts: Annotated[int, Field(ge=1)] = 10
    unanswered_after: Annotated[int, Field(ge=1)] = 60  # seconds without a result
    usual_days: Annotated[int, Field(ge=1, le=90)] = 7
    looks_back: Annotated[int, Field(ge=300)] = 6 * 3600  # seconds an outage is followed back


class PaymentChannel:
    """Unhealthy when the test payment fails or too many real payments do."""

    def __init__(self, settings: PaymentChannelSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        settings = self.settings
        subject = f"channel:{settings.channel.id}"
        shop = context.database()
        paid = await shop.read(lambda connection: self._paid(connection, shop, context.awaited))
        settled = {subject: paid} if paid else {}
        probe = await self._probe(context, settings.channel)
        stats = await shop.read(lambda connection: self._stats(connection, shop, context))
        failing = probe["ok"] is False or (
            stats["attempts"] >= settings.minimum_attempts
            and stats["failed"] / stats["attempts"] >= settings.fail_share
        )
        facts: dict[str, Any] = {
            "channel": settings.channel.model_dump(),
            "method": settings.method,
            "window_minutes": settings.window // 60,
            "probe": probe,
            **stats,
        }
        well = not failing and await self._is_well(context, shop, subject, facts)
        figures = {"attempts": stats["attempts"], "failed": stats["failed"], "probe": probe["ok"]}
        if not failing:
            return CheckResult(
                name=settings.name,
                ran_at=context.now,
                healthy_subjects=(subject,) if well else (),
                figures=figures,
                recovered_facts={subject: {"now": stats["now"], "probe": probe}},
                settled=settled,
            )
        if settings.standby is not None:
            tested = await self._probe(context, settings.standby)
            facts["standby"] = {
                **settings.standby.model_dump(),
                "ok": tested["ok"],
                "problem": tested["problem"],
                "tested_at": context.now.isoformat(),
            }
        else:
            facts["standby"] = None
        cases = await shop.read(lambda connection: self._cases(connection, shop, context))
        facts |= _totals(cases, context.currency)
        since = stats["failing_since"]
        finding = Finding(
            subject=subject,
            incident_type="payment_channel_down",
            facts=facts,
            cases=tuple(cases),
            severity=settings.severity,
            started_at=datetime.fromisoformat(since) if since else None,
        )
        return CheckResult(
            name=settings.name,
            ran_at=context.now,
            findings=(finding,),
            figures=figures,
            settled=settled,
        )

    async def _is_well(
        self, context: CheckContext, shop: ShopDatabase, subject: str, facts: Mapping[str, Any]
    ) -> bool:
        """Whether it is seen to work: that nothing fails any more is not enough once it did.

        A payment must have been captured since. Where the traffic goes elsewhere, the test payment
        is all that can be seen.
        """
        before = context.failed.get(subject)
        if before is None:
            return True
        # What came in between the last look and a switch stays in view for the window only.
        then = max(before.last, context.now - timedelta(seconds=self.settings.window))
        attempts, failed, captured = await shop.read(
            lambda connection: self._since_then(connection, shop, then)
        )
        if attempts:
            return bool(captured) and failed / attempts < self.settings.fail_share
        elsewhere = facts["now"] or {}
        return facts["probe"]["ok"] is True and bool(elsewhere.get("captured"))

    def _since_then(
        self, connection: Connection, shop: ShopDatabase, then: datetime
    ) -> tuple[int, int, int]:
        """Attempts through the channel since that moment: how many, failed and captured."""
        payments = shop.payments()
        attempts, failed, captured = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_status("failed"), 1))),
                func.count(case((payments.is_status("captured"), 1))),
            ).where(
                payments.col("channel") == self.settings.channel.id,
                payments.col("created_at") > payments.bind_time(then),
            )
        ).one()
        return int(attempts), int(failed), int(captured)

    def _paid(
        self, connection: Connection, shop: ShopDatabase, awaited: tuple[str, ...]
    ) -> tuple[CaseFound, ...]:
        """Orders of open incidents that are paid by now, through whatever channel."""
        if not awaited:
            return ()
        payments, orders = shop.payments(), shop.orders()
        rows = connection.execute(
            select(orders.col("number"))
            .distinct()
            .select_from(
                payments.source.join(orders.source, payments.col("order") == orders.col("id"))
            )
            .where(payments.is_status("captured"), orders.col("number").in_(awaited))
        )
        return tuple(
            CaseFound(kind="order", key=str(row[0]), facts={"outcome": "paid"}) for row in rows
        )

    async def _probe(self, context: CheckContext, channel: ChannelName) -> dict[str, Any]:
        if self.settings.probe_look is None:
            return {"ok": None, "problem": None}
        try:
            answer = await context.look(self.settings.probe_look, {"channel": channel.id})
        except LookFailed as error:
            return {"ok": False, "problem": error.code}
        ok = bool(answer.get("ok")) if isinstance(answer, dict) else False
        return {"ok": ok, "problem": None if ok else "refused"}

    def _stats(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> dict[str, Any]:
        payments, settings = shop.payments(), self.settings
        window = payments.bind_time(context.now - timedelta(seconds=settings.window))
        ours = payments.col("channel") == settings.channel.id
        recent = and_(ours, payments.col("created_at") >= window)
        no_answer = self._unanswered(payments, context.now)
        attempts, failed, unanswered = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_status("failed"), 1))),
                func.count(case((no_answer, 1))),
            ).where(recent)
        ).one()
        stage = self._leading(connection, payments, recent, "stage")
        banks = None
        if stage and payments.has("bank"):
            banks = connection.scalar(
                select(func.count(payments.col("bank").distinct())).where(
                    recent, payments.is_status("failed"), payments.col("stage") == stage["code"]
                )
            )
        return {
            "attempts": int(attempts),
            "failed": int(failed),
            "unanswered_now": int(unanswered),
            "usual_failed_per_100": self._usual(connection, payments, context.now),
            "failing_since": self._since(connection, payments, context.now),
            "stage": stage,
            "banks": None if banks is None else int(banks),
            "now": self._elsewhere(connection, payments, context.now),
        }

    def _unanswered(self, payments: LogicalTable, now: datetime) -> ColumnElement[bool]:
        """No result was ever given: the shop says so, or it still waits after a time."""
        late = payments.bind_time(now - timedelta(seconds=self.settings.unanswered_after))
        waiting = and_(payments.is_status("created"), payments.col("created_at") < late)
        return payments.is_status("unknown") | waiting

    def _leading(
        self,
        connection: Connection,
        payments: LogicalTable,
        recent: ColumnElement[bool],
        name: str,
    ) -> dict[str, Any] | None:
        """Where most of the failures happen, if it is most of them."""
        if not payments.has(name):
            return None
        row = connection.execute(
            select(payments.col(name), func.count().label("n"))
            .where(recent, payments.is_status("failed"), payments.col(name).is_not(None))
            .group_by(payments.col(name))
            .order_by(func.count().desc())
            .limit(1)
        ).first()
        return None if row is None else {"code": str(row[0]), "count": int(row[1])}

    def _usual(self, connection: Connection, payments: LogicalTable, now: datetime) -> int | None:
        """Failures in a hundred over the days before the outage could have begun."""
        start = payments.bind_time(now - timedelta(days=self.settings.usual_days))
        end = payments.bind_time(now - timedelta(seconds=self.settings.looks_back))
        total, failed = connection.execute(
            select(func.count(), func.count(case((payments.is_status("failed"), 1)))).where(
                payments.col("channel") == self.settings.channel.id,
                payments.col("created_at") >= start,
                payments.col("created_at") < end,
            )
        ).one()
        return round(100 * failed / total) if total else None

    def _since(self, connection: Connection, payments: LogicalTable, now: datetime) -> str | None:
        """The first minute, going back from now, in which failures passed the limit."""
        earliest = now - timedelta(seconds=self.settings.looks_back)
        rows = connection.execute(
            select(
                payments.col("created_at").label("at"),
                case((payments.is_status("failed"), 1), else_=0).label("failed"),
            )
            .where(
                payments.col("channel") == self.settings.channel.id,
                payments.col("created_at") >= payments.bind_time(earliest),
                ~payments.is_status("created"),
            )
            .order_by(payments.col("created_at").desc())
            .limit(5_000)
        ).all()
        minutes: dict[int, list[int]] = {}
        first: dict[int, datetime] = {}
        for row in rows:
            at = payments.read_time(row.at)
            if at is None:
                continue
            minute = int(at.timestamp() // 60)
            minutes.setdefault(minute, []).append(int(row.failed))
            if row.failed:
                first[minute] = min(at, first.get(minute, at))
        began: datetime | None = None
        for minute in sorted(minutes, reverse=True):
            outcomes = minutes[minute]
            if sum(outcomes) / len(outcomes) >= self.settings.fail_share:
                began = first[minute]
            elif len(outcomes) >= 3:
                break
        return began.isoformat() if began else None

    def _elsewhere(
        self, connection: Connection, payments: LogicalTable, now: datetime
    ) -> dict[str, Any] | None:
        """What goes through the standby now: how it is shown that payments work again."""
        if self.settings.standby is None:
            return None
        window = payments.bind_time(now - timedelta(seconds=self.settings.window))
        attempts, captured, first = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_status("captured"), 1))),
                func.min(payments.col("created_at")),
            ).where(
                payments.col("channel") == self.settings.standby.id,
                payments.col("created_at") >= window,
                *(
                    [payments.col("method") == self.settings.method]
                    if payments.has("method")
                    else []
                ),
            )
        ).one()
        since = payments.read_time(first)
        return {
            "attempts": int(attempts),
            "captured": int(captured),
            "since": since.isoformat() if since else None,
        }

    def _cases(
        self, connection: Connection, shop: ShopDatabase, context: CheckContext
    ) -> list[CaseFound]:
        """The orders whose payment failed or has no answer, and which are not paid otherwise."""
        payments, orders = shop.payments(), shop.orders()
        since_text = self._since(connection, payments, context.now)
        start = (
            datetime.fromisoformat(since_text)
            if since_text
            else context.now - timedelta(seconds=self.settings.window)
        )
        captured = LogicalTable(payments.mapping, "captured")
        paid = exists(
            select(literal(1))
            .select_from(captured.source)
            .where(captured.col("order") == orders.col("id"), captured.is_status("captured"))
        )
        no_answer = self._unanswered(payments, context.now)
        columns: list[Any] = [
            orders.col("number").label("number"),
            orders.minor("total", context.currency).label("total"),
            orders.currency(context.currency).label("currency"),
            payments.col("id").label("payment_id"),
            case((no_answer, 1), else_=0).label("unanswered"),
        ]
        if orders.has("customer"):
            columns.append(orders.col("customer").label("customer"))
        rows = connection.execute(
            select(*columns)
            .select_from(
                payments.source.join(orders.source, payments.col("order") == orders.col("id"))
            )
            .where(
                payments.col("channel") == self.settings.channel.id,
                payments.col("created_at") >= payments.bind_time(start),
                payments.is_status("failed") | no_answer,
                not_(paid),
            )
            .order_by(payments.col("created_at"), payments.col("id"))
            .limit(LISTED * 3)
        )
        found: dict[str, CaseFound] = {}
        for row in rows:
            unanswered = bool(row.unanswered)
            number = str(row.number)
            if number in found and not unanswered:
                continue  # an unanswered try of the same order weighs more than a failed one
            customer = getattr(row, "customer", None)
            found[number] = CaseFound(
                kind="order",
                key=number,
                amount=Money(int(row.total or 0), str(row.currency)),
                customer_key=None if customer is None else str(customer),
                state="unknown" if unanswered else "open",
                facts={"payment_id": str(row.payment_id), "channel": self.settings.channel.id},
            )
        return list(found.values())[:LISTED]


def _totals(cases: list[CaseFound], currency: str) -> dict[str, Any]:
    return {
        "orders": len(cases),
        "customers": len({c.customer_key for c in cases if c.customer_key}) or None,
        "amount": Money(sum(c.amount.minor for c in cases if c.amount), currency).as_json(),
        "unanswered": sum(1 for c in cases if c.state == "unknown"),
    }
