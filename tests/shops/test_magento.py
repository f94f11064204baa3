"""Magento 2: its schema from its sources, on MariaDB; it is not run. Each planted fault is found,
and nothing else, with a prefix before its tables too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shops.looking import Found, Looker, recognised
from tests.shops.magento.shop import MagentoShop

pytestmark = pytest.mark.slow

CHECKS = [
    {"name": "amounts", "kind": "amount_mismatch"},
    {
        "name": "stuck",
        "kind": "stuck_orders",
        "limits": {"awaiting_payment": 24, "paid": 48},
        "transitions": {
            "awaiting_payment": ["paid", "cancelled", "on_hold"],
            "on_hold": ["awaiting_payment", "paid", "cancelled"],
            "paid": ["completed", "refunded", "cancelled", "on_hold"],
            "completed": ["refunded"],
            "cancelled": [],
            "refunded": [],
        },
    },
]


@pytest.fixture(params=["", "mg_"])
def shop(request: pytest.FixtureRequest, mariadb_url: str) -> Iterator[MagentoShop]:
    """The tables, whose times are read in UTC whatever the server's zone is: they are instants."""
    made = MagentoShop(f"{mariadb_url}&init_command=SET time_zone='%2B00:00'", request.param)
    yield made
    made.close()


def in_order(shop: MagentoShop) -> None:
    """What no check may find."""
    shop.order()
    shop.order(("processing", 90), ("complete", 80), hours=100, remarks=2)
    shop.order(("pending_payment", 6), invoices=[])
    shop.order(("canceled", 190), hours=200, invoices=[("100.00", 3)])
    shop.order(("processing", 5), ("closed", 4), refunds=[("60.00", 2), ("40.00", 2)])
    shop.order(("processing", 5), ("holded", 4), ("processing", 3), ("picking", 2))
    shop.order(invoices=[("60.05", 2), ("39.95", 2)])
    shop.order(refunds=[("10.00", 2)])
    shop.order(("processing", 40), hours=80, refunds=[("10.00", 1)], refunded_hours=70)
    shop.order(currency="JPY", total="1000", invoices=[("1000", 2)])
    shop.order(virtual=True)
    shop.order(postcode="", country="HK")
    shop.order(email="twice@shop.example", hours=6)
    shop.order(email="twice@shop.example", hours=5.5)
    shop.article("A-1", [3, 2], [3, 2])
    shop.article("A-2", [1], [3, -2])  # two of them were sent


def plant(shop: MagentoShop) -> Found:
    """What is wrong, and what each check must find of it."""
    over, under = (shop.order(invoices=[(paid, 2)]) for paid in ("110.00", "90.00"))
    yen = shop.order(currency="JPY", total="1000", invoices=[("1001", 2)])
    kept = shop.order(("processing", 5), ("canceled", 4))
    open_invoice = shop.order(invoices=[("100.00", 1)])
    not_booked = shop.order(("pending_payment", 6))
    stuck = shop.order(("processing", 49), hours=50, remarks=2)
    waits = shop.order(("pending_payment", 25), hours=25, invoices=[])
    wrong = shop.order(("processing", 5), ("complete", 4), ("processing", 3))
    shop.order(email="hasty@shop.example", hours=6)
    again = shop.order(email="hasty@shop.example", hours=5.95)
    street, postcode = shop.order(street=""), shop.order(postcode=" ")
    phone = shop.order(phone="")
    none, nameless = shop.order(quantity=0), shop.order(sku=None)
    same = {shop.order(number="000000777", store=store) for store in (1, 2)}
    slow = shop.order(("processing", 40), hours=90, refunds=[("10.00", 1)], refunded_hours=80)
    twice = shop.order(refunds=[("10.00", 2), ("10.00", 2)])
    shop.article("B-1", [2, 1], [3, 1])
    return {
        "amounts": {"orders:amount": {over, under, yen, kept, open_invoice}},
        "stuck": {
            "orders:paid": {stuck},
            "orders:awaiting_payment": {waits},
            "orders:completed>paid": {wrong},
        },
        "payment-not-booked": {"payment-not-booked": {not_booked}},
        "order-duplicate": {"order-duplicate": {again}},
        "phone-missing": {"phone-missing": {phone}},
        "address-incomplete": {
            "address-incomplete=shipping_address_error": {street, postcode},
        },
        "order-impossible": {"order-impossible": {none, nameless}},
        "number-twice": {"number-twice": same},
        "refund-stuck": {"refund-stuck": {slow}},
        "refund-twice": {"refund-twice": {twice}},
        "stock-short": {"stock-short=B-1": {"B-1"}},
    }


def test_each_planted_fault_is_found_and_nothing_else(
    shop: MagentoShop, mariadb_url: str, tmp_path: Path
) -> None:
    """Among orders that are in order, with the mapping as it comes."""
    in_order(shop)
    planted = plant(shop)
    looker = Looker(tmp_path, mariadb_url, "EUR", recognised(mariadb_url).mapping, CHECKS)
    assert "paid orders hold what they cost" in looker.verified()
    assert looker.found() == planted
