"""Holdings: what an order should hold, what it holds, and what follows for its customer.

One rule for the check (in SQL, over all orders), for the guard of 3.2 and for its actions (in
Python, on a fresh look at one order): `difference`, which knows neither.

- An open order should hold its total. What was given back on purpose is no debt.
- A closed one (cancelled, refunded) should hold nothing; one that nobody has begun to pay, neither.
- Nobody is given back more than was captured.
- Where the shop lowers an order's total with a refund, what is left must be the total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

When = Callable[[Any, Any, Any], Any]
"""`when(condition, then, otherwise)`: of Python's values, or of SQL's columns."""

CLOSED = ("cancelled", "refunded")
UNPAID = ("awaiting_payment",)
_FAILED = ("failed", "rejected", "cancelled", "canceled")
_ENDED = (*_FAILED, "captured", "refunded", "voided", "expired")


def expected(total: Any, closed: Any, unpaid: Any, captured: Any, when: When) -> Any:
    """What the order should hold, before refunds, in minor units."""
    return when(closed, 0, when(unpaid, when(captured > 0, total, 0), total))


def difference(should: Any, captured: Any, refunded: Any, lowers_total: bool, when: When) -> Any:
    """How much too much (positive) or too little (negative) it holds; 0: it is in order."""
    net = captured - refunded
    if lowers_total:
        return net - should
    missing = when(captured < should, captured - should, 0)
    return when(net < 0, net, when(net > should, net - should, missing))


def cause(should: int, captured: int, refunded: int, delta: int) -> str:
    """Why it differs, as far as the figures say."""
    if delta == 0:
        return "agrees"
    if delta > 0:
        return "kept" if should == 0 else "too_much"
    if refunded > captured:
        return "refunded_too_much"
    return "too_little_after_refund" if refunded else "too_little"


def holding(look: Any, rules: Any = None) -> dict[str, Any]:
    """What a fresh look at one order shows, held against `rules` (facts of the check).

    `owes` is there only where the customer may be asked to pay: something is missing, nothing was
    given back, nothing is under way, and no payment is in another currency. `back` is what may be
    given back. What cannot be read agrees with nothing.
    """
    order = look if isinstance(look, Mapping) else {}
    given = rules if isinstance(rules, Mapping) else {}
    total, currency = order.get("total_minor"), _unit(order, given.get("currency"))
    payments, refunds = _rows(order.get("payments")), _rows(order.get("refunds"))
    if not isinstance(total, int) or not currency or payments is None or refunds is None:
        return {"known": False, "agrees": False}
    paid = [one for one in payments if one.get("status") == "captured"]
    mine = [one for one in paid if _unit(one, currency) == currency]
    back = [
        one
        for one in refunds
        if one.get("status") not in _FAILED and _unit(one, currency) == currency
    ]
    captured, refunded = _sum(mine), _sum(back)
    status, lowers = order.get("status"), bool(given.get("refund_lowers_total"))
    closed = status in (given.get("closed") or CLOSED)
    unpaid = status in (given.get("unpaid") or UNPAID)
    should = expected(total, closed, unpaid, captured, _choose)
    delta = difference(should, captured, refunded, lowers, _choose)
    if abs(delta) <= int(given.get("tolerance") or 0):
        delta = 0
    foreign = len(paid) - len(mine)
    under_way = [one for one in payments if one.get("status") not in _ENDED]
    why = "other_currency" if foreign else cause(should, captured, refunded, delta)
    owes = delta < 0 and why == "too_little" and not under_way

    def money(minor: int) -> dict[str, Any]:
        return {"minor": minor, "currency": str(currency)}

    return {
        "known": True,
        "agrees": delta == 0 and not foreign,
        "total": money(total),
        "paid": money(captured - refunded),
        "captured": money(captured),
        "refunded": money(refunded),
        "delta": money(delta),
        "owes": money(-delta) if owes else None,
        "back": money(delta) if delta > 0 and not foreign else None,
        "refundable": money(max(0, captured - refunded)),
        "cause": why,
        "payments": len(paid),
        "under_way": len(under_way),
    }


def _choose(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def _unit(row: Mapping[str, Any], default: Any) -> str:
    """The currency of a row, however it is written; one that is not there is the order's."""
    return str(row.get("currency") or default or "").upper()


def _rows(value: Any) -> list[Mapping[str, Any]] | None:
    if value is None or not isinstance(value, Sequence) or isinstance(value, str):
        return None
    return [one for one in value if isinstance(one, Mapping)]


def _sum(rows: list[Mapping[str, Any]]) -> int:
    return sum(int(one.get("amount_minor") or 0) for one in rows)
