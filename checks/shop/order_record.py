"""Order record: what the shop's own tables hold of one order, its payments and its refunds.

In the form of the look `order`, for a shop whose database is all that Muster can ask: 3.2's record,
`/order`, and what is read before a message. An order is asked by its number, which stands as its
`id` too: a key of the tables may be another order's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase

NEEDS: Mapping[str, tuple[str, ...]] = {
    "orders": ("key", "number", "state", "total"),
    "payments": ("order_key", "amount", "state"),
}
READS = (*NEEDS, "refunds")  # without the refunds that there are, no record is whole
_ROWS = 200  # payments or refunds of one order


class Ambiguous(Exception):
    """Several orders have the number: none of them is the one that was asked for."""


def can_tell(mapping: EntitiesMapping) -> bool:
    """Whether the mapping has what a record is made of."""
    return not mapping.lacks(NEEDS)


def record(
    connection: Connection, shop: ShopDatabase, number: str, currency: str
) -> dict[str, Any] | None:
    """The order of that number; None: the shop has none. Raises Ambiguous."""
    orders = shop.orders()
    names = ("list", "discount", "shipping")
    columns = [
        orders.col("key").label("key"),
        orders.col("number").label("number"),
        orders.col("state").label("state"),
        orders.minor("total", currency).label("total"),
        *(orders.minor(name, currency).label(name) for name in names if orders.has(name)),
        *(orders.col(name).label(name) for name in ("state_since", "currency") if orders.has(name)),
    ]
    asked = select(*columns).select_from(orders.source).where(orders.is_one("number", [number]))
    found = connection.execute(asked.limit(2)).all()
    if not found:
        return None
    if len(found) > 1:
        raise Ambiguous(f"several orders have the number “{number}”")
    row = found[0]
    unit = _unit(row, orders, currency)
    payments = _moved(connection, shop.payments(), row.key, unit)
    refunds = (
        _moved(connection, shop.refunds(), row.key, unit)
        if "refunds" in shop.mapping.entities
        else []
    )
    captured = _sum(payments, "captured", unit)
    refunded = _sum(refunds, "succeeded", unit)
    since = orders.read_time(row.state_since, "state_since") if orders.has("state_since") else None
    return {
        "id": str(row.number),
        "number": str(row.number),
        "status": orders.ours("state", row.state),
        "status_since": since.isoformat() if since else None,
        "total_minor": int(row.total),
        "currency": unit,
        **{f"{name}_minor": _whole(getattr(row, name, None)) for name in names if orders.has(name)},
        "captured_minor": captured,
        "refunded_minor": refunded,
        "balance_minor": captured - refunded,
        "payments": payments,
        "refunds": refunds,
    }


def _moved(
    connection: Connection, money: LogicalTable, order: Any, currency: str
) -> list[dict[str, Any]]:
    """Each payment or refund of the order, the oldest first where its time is mapped."""
    own = ("key", "state", "channel", "method", "created_at", "currency")
    columns = [money.minor("amount", currency).label("amount")]
    columns += [money.col(name).label(name) for name in own if money.has(name)]
    asked = select(*columns).select_from(money.source).where(money.col("order_key") == order)
    if money.has("created_at"):
        asked = asked.order_by(money.col("created_at"))
    rows = []
    for row in connection.execute(asked.limit(_ROWS)):
        at = money.read_time(row.created_at, "created_at") if money.has("created_at") else None
        rows.append(
            {
                "id": str(row.key) if money.has("key") else None,
                "status": money.ours("state", row.state),
                "amount_minor": _whole(row.amount),
                "currency": _unit(row, money, currency),
                **{name: getattr(row, name) for name in ("channel", "method") if money.has(name)},
                "created_at": at.isoformat() if at else None,
            }
        )
    return rows


def _unit(row: Any, table: LogicalTable, default: str) -> str:
    """The row's own currency; one that is not there is the table's, else the one given."""
    own = getattr(row, "currency", None) if table.has("currency") else None
    return str(own or table.mapping.currency or default).upper()


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _sum(rows: list[dict[str, Any]], state: str, currency: str) -> int:
    mine = (one for one in rows if one["status"] == state and one["currency"] == currency)
    return sum(one["amount_minor"] or 0 for one in mine)
