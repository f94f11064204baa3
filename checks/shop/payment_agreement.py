"""Agreement of orders with their payments: how many hold what they cost, by the mapping as it is.

A wrong unit shows in it, and words that are swapped: where what was shipped is mostly unpaid, or
what waits for its payment is paid, the mapping is questioned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, select, true

from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase

_NAMED = 5  # orders that are told by name
_ENOUGH = 10  # orders of which one asks why so few of them are paid
_STATES = 100  # words of the shop's for a state that are looked at
_SHIPPED = ("dispatched", "delivered", "completed")
_PAID = ("paid", *_SHIPPED)
_WAITING = "awaiting_payment"


@dataclass(frozen=True)
class _Held:
    """Orders of some states: how many, with a payment, and holding what they cost."""

    orders: int = 0
    with_payment: int = 0
    whole: int = 0

    def __add__(self, other: _Held) -> _Held:
        return _Held(
            self.orders + other.orders,
            self.with_payment + other.with_payment,
            self.whole + other.whole,
        )


def percent(part: int, whole: int) -> str:
    """Rounded down: a hundred is said of all alone."""
    return f"{1000 * part // whole / 10:.1f} %"


def agreement(
    connection: Connection, shop: ShopDatabase, currency: str
) -> Iterator[tuple[str, bool]]:
    """Sentences, and whether what each says is to be put right."""
    orders, payments = shop.orders(), shop.payments()
    wanted = ("key", "state", "total")
    if not all(map(orders.has, wanted)) or not all(map(payments.has, ("order_key", "amount"))):
        return
    by_state = _held(connection, orders, payments, currency, "captured")
    paid = _of(by_state, _PAID)
    if not paid.with_payment:
        yield "No paid order has a captured payment: is the state of payments mapped?", True
    elif 2 * paid.whole < paid.with_payment:
        share = percent(paid.whole, paid.with_payment)
        said = f"{share} of {paid.with_payment:,} paid orders hold their cost: do units agree?"
        yield said, True
    else:
        without = paid.orders - paid.with_payment
        none = f"; {without:,} have no captured payment" if without else ""
        others = _others(connection, orders, payments, currency, paid.with_payment - paid.whole)
        share = percent(paid.whole, paid.orders)
        yield f"{share} of {paid.orders:,} paid orders hold what they cost{none}{others}", False
    yield from _swapped(connection, orders, payments, currency, by_state)


def _of(by_state: dict[str, _Held], states: Sequence[str]) -> _Held:
    return sum((by_state.get(one, _Held()) for one in states), _Held())


def _held(
    connection: Connection,
    orders: LogicalTable,
    payments: LogicalTable,
    currency: str,
    state: str,
) -> dict[str, _Held]:
    """By our word for the order's state, with its payments of one state."""
    source, equal, paid = _joined(orders, payments, currency, state)
    own = orders.col("state")
    asked = (
        select(own, func.count(), func.count(paid.c.of_order), func.count(equal))
        .select_from(source)
        .group_by(own)
        .order_by(func.count().desc())
        .limit(_STATES)
    )
    found: dict[str, _Held] = {}
    for word, *counts in connection.execute(asked):
        ours = orders.ours("state", word)
        found[ours] = found.get(ours, _Held()) + _Held(*map(int, counts))
    return found


def _joined(
    orders: LogicalTable, payments: LogicalTable, currency: str, state: str
) -> tuple[Any, Any, Any]:
    """Every order with the sum of its payments of that state, if it has any."""
    paid = (
        select(
            payments.col("order_key").label("of_order"),
            func.sum(payments.minor("amount", currency)).label("paid"),
        )
        .where(
            payments.is_state(state) if payments.has("state") else true(),
            payments.col("order_key").is_not(None),
        )
        .group_by(payments.col("order_key"))
        .subquery("paid")
    )
    source = orders.source.outerjoin(paid, paid.c.of_order == orders.col("key"))
    return source, case((paid.c.paid == orders.minor("total", currency), 1)), paid


def _others(
    connection: Connection,
    orders: LogicalTable,
    payments: LogicalTable,
    currency: str,
    count: int,
) -> str:
    """Some of those whose payments are another amount, and the check that watches them."""
    if not count:
        return ""
    source, equal, paid = _joined(orders, payments, currency, "captured")
    name = orders.col("number" if orders.has("number") else "key")
    wrong = connection.scalars(
        select(name)
        .select_from(source)
        .where(and_(orders.is_state(*_PAID), paid.c.of_order.is_not(None), equal.is_(None)))
        .order_by(name)
        .limit(_NAMED)
    ).all()
    named = ", ".join(map(str, wrong))
    more = " …" if count > len(wrong) else ""
    return f"; not {named}{more} (a check of kind amount_mismatch watches that)"


def _swapped(
    connection: Connection,
    orders: LogicalTable,
    payments: LogicalTable,
    currency: str,
    by_state: dict[str, _Held],
) -> Iterator[tuple[str, bool]]:
    """Whether words of the mapping mean each other: what the shop does speaks against them."""
    shipped, waiting = _of(by_state, _SHIPPED), by_state.get(_WAITING, _Held())
    if shipped.orders >= _ENOUGH and 2 * shipped.whole < shipped.orders:
        said = f"{shipped.whole:,} of {shipped.orders:,} orders that were sent hold what they cost"
        failed = _Held()
        if payments.has("state"):
            failed = _of(_held(connection, orders, payments, currency, "failed"), _SHIPPED)
        swapped = failed.whole > shipped.whole
        asked = ": does the shop send before it is paid, or is a word mapped wrongly?"
        if swapped:
            asked = (
                f", and of {failed.whole:,} the payments that are mapped as failed add up to it: "
                "are the words of payments.state swapped?"
            )
        yield said + asked, swapped
    if waiting.orders >= _ENOUGH and 2 * waiting.whole > waiting.orders:
        said = f"{waiting.whole:,} of {waiting.orders:,} orders that await their payment hold what "
        yield f"{said}they cost: are the words of orders.state swapped?", True
