"""Amount query: the SQL behind amount mismatches, exact in each order's own currency.

Two questions: which orders are suspect, by one sum of each that their index answers; and of these,
what exactly they hold. Most orders are right, and of them nothing more is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase
from plan import holdings

_FOREIGN = 10**15  # minor units, so that an order with a payment in another currency is suspect


@dataclass(frozen=True)
class Rules:
    """What the orders are held against."""

    tolerance: int
    settle: timedelta
    closed: Sequence[str]
    unpaid: Sequence[str]
    refund_lowers_total: bool
    currency: str


class AmountQuery:
    """Over one shop, for orders that came into their state since `earliest`."""

    def __init__(self, shop: ShopDatabase, rules: Rules, now: datetime, earliest: datetime) -> None:
        self.shop, self.rules = shop, rules
        self.orders, self.payments = shop.orders(), shop.payments()
        self.refunds = shop.refunds() if "refunds" in shop.mapping.entities else None
        self._settled = self.payments.bind_time(now - rules.settle, "created_at")
        self.earliest = earliest.replace(microsecond=0)
        self._earliest = self.orders.bind_time(earliest, "state_since")

    def suspects(self, most: int) -> Any:
        """The keys of so many orders that may be wrong: all that are, and few others.

        Sorted by what no index has, so that a database does not read along one that fits badly in
        the hope of soon having enough.
        """
        orders, rules = self.orders, self.rules
        total = orders.minor("total", rules.currency)
        held = self._sum(self.payments, "captured", foreign=_FOREIGN)
        back = literal_column("0") if self.refunds is None else self._sum(self.refunds, "succeeded")
        closed, unpaid = orders.is_state(*rules.closed), orders.is_state(*rules.unpaid)

        def differ(one: Any, other: Any) -> Any:
            apart: Any = (
                one != other if not rules.tolerance else func.abs(one - other) > rules.tolerance
            )
            return apart

        # What went back lies in 0 … total: asked so that its sum stands there once.
        if rules.refund_lowers_total:
            should = holdings.expected(total, closed, unpaid, held, _when)
            wrong = differ(held - back, should)
        else:
            wrong = case(
                (closed, or_(differ(held, back), held < 0)),
                (unpaid, or_(and_(held != 0, differ(held, total)), held < 0, back != 0)),
                else_=or_(differ(held, total), func.abs(2 * back - total) > total),
            )
        return (
            select(orders.col("key"))
            .select_from(orders.source)
            .where(self._within(), wrong, _minded(orders))
            .order_by(total.desc())
            .limit(most)
        )

    def wrong(self, column: str | None = None, among: Sequence[Any] = ()) -> Any:
        """The orders that are wrong, with all that is said of them; `booked` is false of one whose
        payment is being booked. `among`: of those alone whose `column` is one of these.
        """
        orders, currency = self.orders, self.rules.currency
        # Of named ones the window is looked at by whoever reads them: beside it a database may go
        # by the index of the window, past all orders of a month.
        within = self._within() if column is None else orders.is_one(column, among)
        looked_at = _Sums(orders.again("candidate"), self._earliest, currency, column, among)
        paid = looked_at.of(self.payments, "captured").subquery("paid")
        source = orders.source.outerjoin(paid, paid.c.order_id == orders.col("key"))
        captured: Any = func.coalesce(paid.c.total, 0)
        refunded: Any = literal(0)
        if self.refunds is not None:
            back = looked_at.of(self.refunds, "succeeded").subquery("back")
            refunded = func.coalesce(back.c.total, 0)
            source = source.outerjoin(back, back.c.order_id == orders.col("key"))
        total = orders.minor("total", currency)
        should = holdings.expected(
            total,
            orders.is_state(*self.rules.closed),
            orders.is_state(*self.rules.unpaid),
            captured,
            _when,
        )
        lowers = self.rules.refund_lowers_total
        delta = holdings.difference(should, captured, refunded, lowers, _when)
        foreign = func.coalesce(paid.c.every, 0) - func.coalesce(paid.c.own, 0)
        booked = or_(paid.c.last.is_(None), paid.c.last < self._settled)
        columns = [
            orders.col("key").label("order_key"),
            orders.col("number").label("number"),
            orders.col("state").label("status"),
            total.label("total"),
            should.label("should"),
            captured.label("captured"),
            refunded.label("refunded"),
            delta.label("delta"),
            foreign.label("foreign_payments"),
            func.coalesce(paid.c.every, 0).label("payments"),
            _unit(orders, currency).label("currency"),
            orders.col("state_since").label("since"),
            case((booked, 1), else_=0).label("booked"),
        ]
        columns += [
            orders.minor(name, currency).label(name)
            for name in ("list", "discount", "shipping")
            if orders.has(name)
        ]
        if orders.has("customer"):
            columns.append(orders.col("customer").label("customer"))
        columns += orders.language()
        wrong = func.abs(delta) > self.rules.tolerance
        return (
            select(*columns)
            .select_from(source)
            .where(or_(wrong, foreign > 0), within, _minded(orders))
        )

    def _within(self) -> Any:
        return self.orders.col("state_since") >= self._earliest

    def named(self, connection: Connection, column: str, among: Sequence[Any]) -> list[Any]:
        """Those of the named orders that are wrong, and came into their state since `earliest`."""
        if not among:
            return []
        found = connection.execute(self.wrong(column, among))
        return [row for row in found if self._since(row) >= self.earliest]

    def _since(self, row: Any) -> datetime:
        return self.orders.read_time(row.since, "state_since") or datetime.min.replace(tzinfo=UTC)

    def largest(self, most: int) -> Any:
        """Of all that are wrong, those that differ most."""
        found = self.wrong().subquery("found")
        by = (func.abs(found.c.delta).desc(), found.c.order_key)
        return select(found).where(found.c.booked == 1).order_by(*by).limit(most)

    def whole(self) -> Any:
        """The whole figures of what is wrong, by currency and by the side of the difference."""
        found = self.wrong().subquery("found")
        over = found.c.delta > literal_column("0")  # bound twice, it would be two expressions
        columns = [
            found.c.currency,
            over.label("over"),
            func.count().label("orders"),
            func.sum(func.abs(found.c.delta)).label("amount"),
            func.min(found.c.since).label("oldest"),
        ]
        return select(*columns).where(found.c.booked == 1).group_by(found.c.currency, over)

    def people(self) -> Any:
        """How many customers what is wrong is of."""
        found = self.wrong().subquery("found")
        counted = func.count(found.c.customer.distinct())
        return select(counted).where(found.c.booked == 1)

    def _sum(self, money: LogicalTable, status: str, foreign: int = 0) -> Any:
        """What was captured or given back for one order, in its own currency."""
        orders, currency = self.orders, self.rules.currency
        amount: Any = money.added("amount", currency)
        if money.has("currency") or orders.has("currency"):
            own = _unit(money, currency) == _unit(orders, currency)
            amount = case((own, amount), else_=literal_column(str(foreign)))
        asked = select(func.sum(amount)).where(
            money.col("order_key") == orders.col("key"), money.is_state(status)
        )
        return func.coalesce(
            asked.select_from(money.source).correlate(orders.source).scalar_subquery(),
            literal_column("0"),
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
    column: str | None
    among: Sequence[Any]

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
        asked = select(*columns).select_from(both).where(money.is_state(status))
        if self.column is None:
            asked = asked.where(self.orders.col("state_since") >= self.earliest)
        else:
            asked = asked.where(self.orders.is_one(self.column, self.among))
        return asked.group_by(self.orders.col("key"))
