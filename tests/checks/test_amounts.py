"""What an order should hold: the check in SQL and a fresh look in Python say the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.kinds.amount_mismatch import AmountMismatch, AmountMismatchSettings
from checks.kinds.base import CheckContext
from checks.kinds.stuck_orders import StuckOrders, StuckOrdersSettings
from checks.model import CaseFound
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase
from plan.holdings import holding
from storage.money import Money

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
SINCE = "2026-11-10T03:00:00Z"
MAPPING = EntitiesMapping.model_validate(
    {
        "entities": {
            "orders": {
                "from": "orders",
                "unit": "minor",
                "form": "iso_z",
                "fields": {
                    "key": "id",
                    "number": "number",
                    "state": "status",
                    "state_since": "since",
                    "total": "total",
                    "currency": "cur",
                },
            },
            "payments": {
                "from": "payments",
                "unit": "minor",
                "form": "iso_z",
                "fields": {
                    "key": "id",
                    "order_key": "order_id",
                    "channel": "channel",
                    "amount": "amount",
                    "currency": "cur",
                    "state": "status",
                    "created_at": "created",
                },
            },
            "refunds": {
                "from": "refunds",
                "unit": "minor",
                "fields": {
                    "order_key": "order_id",
                    "amount": "amount",
                    "currency": "cur",
                    "state": "status",
                },
            },
        }
    }
)


def context(shop: ShopDatabase) -> CheckContext:
    async def look(name: str, scope: Mapping[str, object]) -> Any:
        raise AssertionError("amounts are read from the database")

    return CheckContext(ask=None, shop=shop, currency="TWD", now=NOW, look=look)  # type: ignore[arg-type]


class Shop:
    """Orders with their payments and refunds, in a database and as a look shows one."""

    def __init__(self, folder: Path, name: str = "shop") -> None:
        self.path = folder / f"{name}.db"
        self.path.unlink(missing_ok=True)
        self.looks: dict[str, dict[str, Any]] = {}
        with sqlite3.connect(self.path) as c:
            c.executescript(
                "create table orders(id integer primary key, number text, status text, since text,"
                " total integer, cur text);"
                "create table payments(id text, order_id integer, channel text, amount integer,"
                " cur text, status text, created text);"
                "create table refunds(order_id integer, amount integer, cur text, status text);"
            )

    def order(
        self,
        number: str,
        status: str,
        total: int,
        paid: list[tuple[int, str]],
        back: tuple[int, ...] = (),
        currency: str = "TWD",
    ) -> None:
        order_id = len(self.looks) + 1
        with sqlite3.connect(self.path) as c:
            row = (order_id, number, status, SINCE, total, currency)
            c.execute("insert into orders values(?,?,?,?,?,?)", row)
            c.executemany(
                "insert into payments values(?,?,'c',?,?,'captured',?)",
                [(f"p{order_id}-{n}", order_id, a, u, SINCE) for n, (a, u) in enumerate(paid)],
            )
            c.executemany(
                "insert into refunds values(?,?,?,'succeeded')",
                [(order_id, amount, currency) for amount in back],
            )
        self.looks[number] = {
            "status": status,
            "total_minor": total,
            "currency": currency,
            "payments": [{"status": "captured", "amount_minor": a, "currency": u} for a, u in paid],
            "refunds": [
                {"status": "succeeded", "amount_minor": a, "currency": currency} for a in back
            ],
        }

    def found(self, **changed: Any) -> dict[str, CaseFound]:
        wanted = AmountMismatchSettings(name="amounts", kind="amount_mismatch", **changed)
        check = AmountMismatch(wanted)
        shop = ShopDatabase(f"sqlite:///{self.path}", MAPPING)
        result = asyncio.run(check.run(context(shop)))
        shop.close()
        self.rules = check._rules("TWD")
        return {case.key: case for finding in result.findings for case in finding.cases}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


# number, state, total, captured, given back: how much too much, why, what may be asked, given back
ORDERS = (
    ("in order", "paid", 100, 100, (), 0, "agrees", None, None),
    ("refunded in part", "paid", 100, 100, (30,), 0, "agrees", None, None),
    ("refunded in two parts", "completed", 100, 100, (30, 70), 0, "agrees", None, None),
    ("paid too little", "paid", 100, 70, (), -30, "too_little", 30, None),
    ("paid nothing", "paid", 100, 0, (), -100, "too_little", 100, None),
    (
        "too little, and refunded",
        "paid",
        100,
        70,
        (20,),
        -30,
        "too_little_after_refund",
        None,
        None,
    ),
    ("paid too much", "paid", 100, 130, (), 30, "too_much", None, 30),
    ("too much, given back", "paid", 100, 130, (30,), 0, "agrees", None, None),
    ("too much, more given back", "paid", 100, 130, (50,), 0, "agrees", None, None),
    ("refunded above captured", "paid", 100, 100, (130,), -30, "refunded_too_much", None, None),
    ("cancelled, money kept", "cancelled", 100, 100, (), 100, "kept", None, 100),
    ("cancelled, given back", "cancelled", 100, 100, (100,), 0, "agrees", None, None),
    ("cancelled, nothing paid", "cancelled", 100, 0, (), 0, "agrees", None, None),
    ("not begun to pay", "awaiting_payment", 100, 0, (), 0, "agrees", None, None),
    ("begun to pay", "awaiting_payment", 100, 40, (), -60, "too_little", 60, None),
)


@pytest.mark.parametrize("row", ORDERS, ids=[row[0] for row in ORDERS])
def test_what_an_order_should_hold(shop: Shop, row: Any) -> None:
    number, status, total, captured, back, delta, why, owes, give = row
    shop.order(number, status, total, [(captured, "TWD")] if captured else [], back)
    found = shop.found()
    assert (found[number].facts["delta"]["minor"] if found else 0) == delta
    if found:
        assert found[number].facts["why"] == why
    seen = holding(shop.looks[number], shop.rules)
    assert (seen["delta"]["minor"], seen["cause"], seen["agrees"]) == (delta, why, delta == 0)
    assert (seen["owes"] or {}).get("minor") == owes
    assert (seen["back"] or {}).get("minor") == give


def test_where_the_shop_lowers_the_total_with_a_refund_the_setting_says_so(shop: Shop) -> None:
    shop.order("W-1", "paid", 70, [(100, "TWD")], (30,))
    shop.order("W-2", "paid", 100, [(100, "TWD")], (30,))
    assert set(shop.found()) == set()
    found = shop.found(refund_lowers_total=True)
    assert {key: one.facts["delta"]["minor"] for key, one in found.items()} == {"W-2": -30}
    assert not holding(shop.looks["W-2"], shop.rules)["agrees"]
    assert holding(shop.looks["W-1"], shop.rules)["agrees"]


def test_a_payment_in_another_currency_is_neither_counted_nor_asked_for(shop: Shop) -> None:
    shop.order("U-1", "paid", 100, [(3, "USD")])
    shop.order("U-2", "paid", 100, [(100, "twd")])
    found = shop.found()
    assert found["U-1"].facts["why"] == "other_currency"
    assert "U-2" not in found
    seen = holding(shop.looks["U-1"], shop.rules)
    assert (seen["agrees"], seen["owes"], seen["back"]) == (False, None, None)


def test_sums_of_two_currencies_are_no_sum(shop: Shop) -> None:
    shop.order("A", "paid", 100, [(130, "TWD")])
    shop.order("B", "paid", 100, [(150, "USD")], currency="USD")
    check = AmountMismatch(AmountMismatchSettings(name="a", kind="amount_mismatch"))
    database = ShopDatabase(f"sqlite:///{shop.path}", MAPPING)
    (finding,) = asyncio.run(check.run(context(database))).findings
    assert finding is not None
    assert finding.facts["over"] == {"orders": 2}


def test_stuck_orders_of_two_currencies_have_no_sum_either(shop: Shop) -> None:
    """Each keeps its own; of one currency alone, whichever, it is said."""
    shop.order("A", "paid", 100, [(100, "TWD")])
    shop.order("B", "paid", 150, [(150, "USD")], currency="USD")
    shop.order("C", "awaiting_payment", 70, [], currency="USD")
    limits = {"paid": 1.0, "awaiting_payment": 1.0}
    check = StuckOrders(StuckOrdersSettings(name="s", kind="stuck_orders", limits=limits))
    database = ShopDatabase(f"sqlite:///{shop.path}", MAPPING)
    found = {one.subject: one for one in asyncio.run(check.run(context(database))).findings}
    database.close()
    assert found["orders:paid"].facts["amount"] is None
    assert [str(one.amount) for one in found["orders:paid"].cases] == [
        str(Money(100, "TWD")),
        str(Money(150, "USD")),
    ]
    waiting = found["orders:awaiting_payment"].facts["amount"]
    assert waiting == {"minor": 70, "currency": "USD"}


def test_nobody_is_asked_to_pay_while_a_payment_is_under_way() -> None:
    look = {
        "status": "awaiting_payment",
        "total_minor": 100,
        "currency": "TWD",
        "payments": [
            {"status": "captured", "amount_minor": 40, "currency": "TWD"},
            {"status": "unknown", "amount_minor": 60, "currency": "TWD"},
        ],
        "refunds": [],
    }
    assert holding(look)["owes"] is None
    look["payments"][1]["status"] = "failed"  # type: ignore[index]
    assert holding(look)["owes"] == {"minor": 60, "currency": "TWD"}


@pytest.mark.parametrize("look", [None, [], {}, {"error": "timeout"}, {"total_minor": 100}])
def test_what_cannot_be_read_agrees_with_nothing(look: Any) -> None:
    assert holding(look) == {"known": False, "agrees": False}


AMOUNT = st.integers(1, 6)
ANY_ORDER = st.tuples(
    st.sampled_from(["paid", "completed", "cancelled", "refunded", "awaiting_payment"]),
    AMOUNT,
    st.lists(st.tuples(AMOUNT, st.sampled_from(["TWD", "TWD", "TWD", "USD"])), max_size=3),
    st.lists(AMOUNT, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(orders=st.lists(ANY_ORDER, min_size=1, max_size=8), lowers=st.booleans())
def test_the_check_and_a_fresh_look_never_disagree(
    tmp_path_factory: pytest.TempPathFactory, orders: list[Any], lowers: bool
) -> None:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for number, (status, total, paid, back) in enumerate(orders):
        shop.order(f"O-{number}", status, total, paid, tuple(back))
    found = shop.found(refund_lowers_total=lowers)
    for number, look in shop.looks.items():
        seen = holding(look, shop.rules)
        assert seen["agrees"] == (number not in found), (number, look, seen)
        if number in found:
            assert found[number].facts["delta"] == seen["delta"]
            assert found[number].facts["why"] == seen["cause"]
