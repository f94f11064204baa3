"""Rules about money that hold for every sequence of requests."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.shop import channels, customer_care, orders, outage, payments
from sandbox.shop.problems import Body, Problem
from sandbox.shop.schema import SCHEMA
from sandbox.shop.store import put

NOW = datetime(2026, 11, 11, 19, 7, tzinfo=UTC)


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    c = sqlite3.connect(":memory:", isolation_level=None)
    c.row_factory = sqlite3.Row
    c.executescript(SCHEMA)
    try:
        yield c
    finally:
        c.close()


def order_with_payments(c: sqlite3.Connection, amounts: list[int]) -> dict[str, Any]:
    new = orders.NewOrder(1, sum(amounts), 0, 0)
    order = orders.insert(c, random.Random(1), new, NOW)
    for amount in amounts:
        payments.attempt(
            c,
            order,
            NOW,
            channel="northpay",
            outcome=channels.CAPTURED,
            amount_minor=amount,
        )
    return order


@settings(max_examples=60, deadline=None)
@given(
    amounts=st.lists(st.integers(1, 500_000), min_size=1, max_size=3),
    refunds=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 600_000), st.booleans()), max_size=12
    ),
)
def test_refunds_never_exceed_captured(
    amounts: list[int], refunds: list[tuple[int, int, bool]]
) -> None:
    with database() as c:
        order = order_with_payments(c, amounts)
        ids = [row["id"] for row in c.execute("SELECT id FROM payments ORDER BY id")]
        for place, minor, allowance in refunds:
            payment = ids[place % len(ids)]
            left = c.execute(
                "SELECT p.amount_minor - coalesce((SELECT sum(r.amount_minor) FROM refunds r "
                "WHERE r.payment_id = p.id), 0) FROM payments p WHERE p.id = ?",
                (payment,),
            ).fetchone()[0]
            body = Body({"payment_id": payment, "amount_minor": minor, "allowance": allowance})
            if minor > left:
                with pytest.raises(Problem, match="can still be refunded"):
                    payments.refund(c, body, NOW)
            else:
                payments.refund(c, body, NOW)
        sums = orders.balance(c, orders.find(c, str(order["id"])))
        assert 0 <= sums["refunded_minor"] <= sums["captured_minor"] == sum(amounts)


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(1, 300_000),
    links=st.lists(st.integers(1, 400_000), min_size=1, max_size=6),
    order_of_paying=st.randoms(use_true_random=False),
)
def test_links_never_bring_more_than_the_order_costs(
    total: int, links: list[int], order_of_paying: random.Random
) -> None:
    with database() as c:
        put(c, "routing.card", {"channel": "northpay"})
        order = orders.insert(c, random.Random(1), orders.NewOrder(1, total, 0, 0), NOW)
        made = []
        for minor in links:
            body = Body({"amount_minor": minor, "currency": "TWD"})
            if minor > total:
                with pytest.raises(Problem, match="owes"):
                    customer_care.create_link(c, order, body, NOW, "")
            else:
                made.append(customer_care.create_link(c, order, body, NOW, ""))
        order_of_paying.shuffle(made)
        for link in made:
            with contextlib.suppress(Problem):
                customer_care.pay_link(c, customer_care.find_link(c, link["id"]), NOW)
        sums = orders.balance(c, orders.find(c, str(order["id"])))
        assert sums["captured_minor"] <= total


@given(
    share=st.floats(0.05, 0.9),
    unanswered=st.integers(0, 20),
    charged=st.integers(0, 20),
)
def test_the_shape_of_an_outage_adds_up(share: float, unanswered: int, charged: int) -> None:
    shape = outage.shape(share, unanswered, min(charged, unanswered))

    if not shape.possible:
        assert shape.failed + shape.unanswered > 118
        return
    assert min(shape.lost, shape.tried_again, shape.recovered, shape.smooth) >= 0
    assert shape.lost + shape.tried_again + shape.recovered == shape.failed
    assert shape.tried_again <= shape.lost
    assert shape.elsewhere < shape.failed
    orders_paid = shape.recovered + shape.smooth
    assert orders_paid + shape.failed + shape.unanswered == shape.attempts == 118


@settings(max_examples=80)
@given(
    parts=st.tuples(st.integers(1000, 500_000), st.integers(0, 1000), st.integers(0, 10_000)),
    total=st.integers(0, 800_000),
)
def test_a_new_total_always_agrees_with_its_parts(parts: tuple[int, int, int], total: int) -> None:
    with database() as c:
        order = orders.insert(c, random.Random(1), orders.NewOrder(1, *parts), NOW)
        try:
            orders.patch(c, order, Body({"total_minor": total}), NOW)
        except Problem:
            assert total < order["shipping_minor"]
            return
        found = orders.find(c, str(order["id"]))
        assert found["total_minor"] == total
        assert min(found["list_minor"], found["discount_minor"]) >= 0
        summed = found["list_minor"] - found["discount_minor"] + found["shipping_minor"]
        assert summed == total
