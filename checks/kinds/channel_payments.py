"""Payments through one channel, in the shop's own tables: how many, failed since when, whose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, exists, func, literal, not_, select
from sqlalchemy.sql import ColumnElement

from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.kinds.channel_settings import ChannelName, PaymentChannelSettings
from checks.kinds.stuck_orders import LISTED
from checks.model import CaseFound
from checks.shop.source import ShopDatabase
from storage.money import Money

_LAST = 1_000  # tries that are read for what became of the last orders
_OUTCOMES = ("captured", "failed", "unknown", "created", "refunded", "cancelled")


class Outcomes(NamedTuple):
    """What came of some attempts to pay."""

    attempts: int
    failed: int
    captured: int


class OrderTried(NamedTuple):
    """What came of an order's tries to pay, by the last of them: `captured`, or not yet."""

    at: datetime
    outcome: str  # captured, failed, unanswered


class ChannelPayments:
    """One channel at one moment."""

    def __init__(
        self,
        settings: PaymentChannelSettings,
        channel: ChannelName,
        shop: ShopDatabase,
        now: datetime,
        calendar: Calendar = NO_CALENDAR,
    ) -> None:
        self.settings, self.channel, self.shop, self.now = settings, channel, shop, now
        self.calendar = calendar
        self.payments = shop.payments()
        self.ours = self.payments.is_one("channel", [channel.id])

    def stats(self, connection: Connection) -> dict[str, Any]:
        """What went through it lately, beside what is usual."""
        payments = self.payments
        ours = payments.is_one("channel", [self.channel.id])
        recent = and_(ours, payments.col("created_at") >= self._window())
        no_answer = self._unanswered()
        attempts, failed, unanswered = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_state("failed"), 1))),
                func.count(case((no_answer, 1))),
            ).where(recent)
        ).one()
        stage = self._leading(connection, recent, "stage")
        banks = None
        if stage and payments.has("bank"):
            banks = connection.scalar(
                select(func.count(payments.col("bank").distinct())).where(
                    recent, payments.is_state("failed"), payments.is_one("stage", [stage["code"]])
                )
            )
        return {
            "window_minutes": self.settings.window // 60,
            "silent": None,
            "attempts": int(attempts),
            "failed": int(failed),
            "unanswered_now": int(unanswered),
            "usual_failed_per_100": self._usual(connection),
            "failing_since": self._since(connection),
            "stage": stage,
            "banks": None if banks is None else int(banks),
        }

    def last_orders(self, connection: Connection) -> list[OrderTried]:
        """The orders of the last tries, the newest first, each by the best of its own; those that
        still wait for their first answer are left out."""
        payments = self.payments
        earliest = self.now - timedelta(seconds=self.settings.looks_back)
        outcome = case(
            (payments.is_state("captured"), "captured"),
            (payments.is_state("failed"), "failed"),
            (self._unanswered(), "unanswered"),
        )
        rows = connection.execute(
            select(
                payments.col("order_key").label("order_key"),
                payments.col("created_at").label("at"),
                outcome.label("outcome"),
            )
            .where(
                self.ours,
                payments.col("created_at") >= payments.bind_time(earliest, "created_at"),
            )
            .order_by(payments.col("created_at").desc())
            .limit(_LAST)
        )
        found: dict[Any, OrderTried] = {}
        for row in rows:
            at = payments.read_time(row.at, "created_at")
            if at is None or row.outcome is None or at > self.now:
                continue
            before = found.get(row.order_key)
            if before is None:
                found[row.order_key] = OrderTried(at, row.outcome)
            elif row.outcome == "captured":
                found[row.order_key] = OrderTried(before.at, "captured")
        return list(found.values())

    def unmapped(self, connection: Connection) -> str | None:
        """A word of the shop's that the mapping does not know, where most attempts have such ones:
        whether they were paid is not known then."""
        payments = self.payments
        ours = payments.is_one("channel", [self.channel.id])
        recent = and_(ours, payments.col("created_at") >= self._window())
        words = connection.execute(
            select(payments.col("state"), func.count())
            .where(recent, not_(payments.is_state(*_OUTCOMES)))
            .group_by(payments.col("state"))
            .order_by(func.count().desc())
        ).all()
        unknown = sum(int(count) for _, count in words)
        attempts = connection.scalar(select(func.count()).where(recent)) or 0
        enough = unknown >= self.settings.minimum_attempts
        most = enough and unknown >= attempts * self.settings.fail_share
        return f"{unknown} of {attempts} payments are “{words[0][0]}”" if most else None

    def _window(self) -> Any:
        return self.payments.bind_time(
            self.now - timedelta(seconds=self.settings.window), "created_at"
        )

    def failing(self) -> ColumnElement[bool]:
        """It was refused, or no result was ever given."""
        return self.payments.is_state("failed") | self._unanswered()

    def _unanswered(self) -> ColumnElement[bool]:
        """No result was ever given: the shop says so, or it still waits after a time."""
        payments = self.payments
        late = payments.bind_time(
            self.now - timedelta(seconds=self.settings.unanswered_after), "created_at"
        )
        waiting = and_(payments.is_state("created"), payments.col("created_at") < late)
        return payments.is_state("unknown") | waiting

    def _leading(
        self, connection: Connection, recent: ColumnElement[bool], name: str
    ) -> dict[str, Any] | None:
        """Where most of the failures happen, if it is most of them."""
        payments = self.payments
        if not payments.has(name):
            return None
        row = connection.execute(
            select(payments.col(name), func.count().label("n"))
            .where(recent, payments.is_state("failed"), payments.col(name).is_not(None))
            .group_by(payments.col(name))
            .order_by(func.count().desc())
            .limit(1)
        ).first()
        return None if row is None else {"code": str(row[0]), "count": int(row[1])}

    def _usual(self, connection: Connection) -> int | None:
        """Failures in a hundred over the days before the outage could have begun."""
        payments, now = self.payments, self.now
        start = payments.bind_time(now - timedelta(days=self.settings.usual_days), "created_at")
        end = payments.bind_time(now - timedelta(seconds=self.settings.looks_back), "created_at")
        total, failed = connection.execute(
            select(func.count(), func.count(case((payments.is_state("failed"), 1)))).where(
                payments.is_one("channel", [self.channel.id]),
                payments.col("created_at") >= start,
                payments.col("created_at") < end,
            )
        ).one()
        return round(100 * failed / total) if total else None

    def _since(self, connection: Connection) -> str | None:
        """The first minute, going back from now, in which failures passed the limit."""
        payments = self.payments
        earliest = self.now - timedelta(seconds=self.settings.looks_back)
        rows = connection.execute(
            select(
                payments.col("created_at").label("at"),
                case((payments.is_state("failed"), 1), else_=0).label("failed"),
            )
            .where(
                payments.is_one("channel", [self.channel.id]),
                payments.col("created_at") >= payments.bind_time(earliest, "created_at"),
                ~payments.is_state("created"),
            )
            .order_by(payments.col("created_at").desc())
            .limit(5_000)
        ).all()
        minutes: dict[int, list[int]] = {}
        first: dict[int, datetime] = {}
        for row in rows:
            at = payments.read_time(row.at, "created_at")
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

    def now_through_it(self, connection: Connection) -> dict[str, Any]:
        """What goes through it now: how it is shown that payments work (again), or do not."""
        payments = self.payments
        method = []
        if payments.has("method"):
            method.append(payments.col("method") == self.settings.method)
        attempts, captured, failed, first = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_state("captured"), 1))),
                func.count(case((payments.is_state("failed"), 1))),
                func.min(payments.col("created_at")),
            ).where(
                payments.is_one("channel", [self.channel.id]),
                payments.col("created_at") >= self._window(),
                *method,
            )
        ).one()
        since = payments.read_time(first, "created_at")
        return {
            "channel": self.channel.model_dump(),
            "attempts": int(attempts),
            "captured": int(captured),
            "failed": int(failed),
            "since": since.isoformat() if since else None,
        }

    def since_then(self, connection: Connection, then: datetime) -> Outcomes:
        """Attempts since that moment."""
        payments = self.payments
        row = connection.execute(
            select(
                func.count(),
                func.count(case((payments.is_state("failed"), 1))),
                func.count(case((payments.is_state("captured"), 1))),
            ).where(
                payments.is_one("channel", [self.channel.id]),
                payments.col("created_at") > payments.bind_time(then, "created_at"),
            )
        ).one()
        return Outcomes(*(int(count) for count in row))

    def cases(
        self, connection: Connection, currency: str, since: datetime | None
    ) -> list[CaseFound]:
        """The orders whose payment failed or has no answer since then, or lately, and which are
        not paid otherwise."""
        payments, orders = self.payments, self.shop.orders()
        start = since or self.now - timedelta(seconds=self.settings.window)
        captured = payments.again("captured")
        paid = exists(
            select(literal(1))
            .select_from(captured.source)
            .where(captured.col("order_key") == orders.col("key"), captured.is_state("captured"))
        )
        no_answer = self._unanswered()
        columns: list[Any] = [
            orders.col("number").label("number"),
            orders.col("key").label("order_key"),
            orders.minor("total", currency).label("total"),
            orders.currency(currency).label("currency"),
            payments.col("key").label("payment_id"),
            case((no_answer, 1), else_=0).label("unanswered"),
        ]
        if orders.has("customer"):
            columns.append(orders.col("customer").label("customer"))
        columns += orders.language()
        rows = connection.execute(
            select(*columns)
            .select_from(
                payments.source.join(orders.source, payments.col("order_key") == orders.col("key"))
            )
            .where(
                payments.is_one("channel", [self.channel.id]),
                payments.col("created_at") >= payments.bind_time(start, "created_at"),
                payments.is_state("failed") | no_answer,
                not_(paid),
            )
            .order_by(payments.col("created_at"), payments.col("key"))
            .limit(LISTED * 3)
        )
        found: dict[str, CaseFound] = {}
        for row in rows:
            unanswered = bool(row.unanswered)
            number = str(row.number or row.order_key)  # without one, the shop's own key
            if number in found and not unanswered:
                continue  # an unanswered try of the same order weighs more than a failed one
            customer = getattr(row, "customer", None)
            found[number] = CaseFound(
                kind="order",
                key=number,
                amount=None
                if row.total is None
                else Money(int(row.total), str(row.currency or currency)),
                customer_key=None if customer is None else str(customer),
                state="unknown" if unanswered else "open",
                facts={
                    "payment_id": str(row.payment_id),
                    "channel": self.channel.id,
                    **orders.spoken(row),
                },
            )
        return list(found.values())[:LISTED]
