"""WooCommerce with its own order tables: its schema from its sources, on MariaDB; it is not run.
Each planted fault is found, and nothing else, with another prefix than `wp_` too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.shops.looking import Found, Looker, recognised
from tests.shops.woocommerce.shop import WooShop

pytestmark = pytest.mark.slow

CHECKS = [
    {"name": "amounts", "kind": "amount_mismatch"},
    {"name": "stuck", "kind": "stuck_orders", "limits": {"awaiting_payment": 24, "paid": 48}},
    {"name": "card", "kind": "payment_channel", "channel": {"id": "stripe", "name": "Card"}},
]


@pytest.fixture(params=["wp_", "shop7_"])
def shop(request: pytest.FixtureRequest, mariadb_url: str) -> Iterator[WooShop]:
    """The tables in a server that is eight hours ahead, as one in Taiwan."""
    _zone(mariadb_url, "+08:00")
    made = WooShop(mariadb_url, request.param)
    yield made
    made.close()
    _zone(mariadb_url, "SYSTEM")


def _zone(url: str, zone: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(f"set global time_zone = '{zone}'"))
    engine.dispose()


def in_order(shop: WooShop) -> None:
    """What no check may find."""
    shop.order()
    shop.order("wc-completed", hours=100)
    shop.order("wc-on-hold", method="bacs", paid=False, hours=20)
    shop.order("wc-cancelled", paid=False, hours=200)
    shop.order("wc-cancelled", refunds=["100.00"])
    shop.order("wc-refunded", refunds=["60.00", "40.00"])
    shop.order(refunds=["10.00"])
    shop.order(currency="JPY", total="1000")
    shop.order(sent_by=None)
    shop.order(sent_by="local_pickup")
    shop.order(email="twice@shop.example", hours=6)
    shop.order(email="twice@shop.example", hours=5.5)
    shop.order(email="", hours=6)  # at the counter: two of nobody's
    shop.order(email="", hours=5.95)
    shop.order("wc-checkout-draft", paid=False, phone="", street="", hours=300)
    shop.article("A-1", 5, [3, 2])
    shop.article("A-2", 1, [3], beyond="notify")
    shop.article("A-3", 1, [3], minutes=-1)  # let go
    shop.article("A-4", None, counted=False)


def plant(shop: WooShop) -> Found:
    """What is wrong, and what each check must find of it."""
    kept = shop.order("wc-cancelled")
    owed = shop.order("wc-refunded", refunds=["60.00"])
    too_much = shop.order(refunds=["120.00"])
    not_booked = shop.order("wc-pending")
    stuck = shop.order(hours=49)
    waits = shop.order("wc-on-hold", method="bacs", paid=False, hours=25)
    shop.order(email="hasty@shop.example", hours=6)
    again = shop.order(email="hasty@shop.example", hours=5.95)
    street, postcode = shop.order(street=" "), shop.order(postcode="")
    phone = shop.order(phone="")
    none = shop.order(quantity="0")
    twice = shop.order(refunds=["10.00", "10.00"])
    refused = {shop.order("wc-failed", paid=False) for _ in range(5)}
    now = {shop.order("wc-failed", paid=False, hours=0.02) for _ in range(12)}
    shop.article("B-1", 2, [3, 1])
    shop.article("B-2", -1)
    shop.tables.add("wp_users", user_email="hasty@shop.example", user_registered="2026-01-01")
    shop.tables.add("wp_options", option_name="WPLANG", option_value="zh_TW")
    return {
        "amounts": {"orders:amount": {kept, owed, too_much}},
        "stuck": {"orders:paid": {stuck}, "orders:awaiting_payment": {waits}},
        "card": {"channel:stripe": now},
        "payment-not-booked": {"payment-not-booked": {not_booked}},
        "payment-failed": {"payment-failed": refused},
        "order-duplicate": {"order-duplicate": {again}},
        "phone-missing": {"phone-missing": {phone}},
        "address-incomplete": {
            "address-incomplete=shipping_address_error": {street, postcode},
        },
        "order-impossible": {"order-impossible": {none}},
        "refund-twice": {"refund-twice": {twice}},
        "stock-short": {"stock-short=B-1": {"B-1"}, "stock-short=B-2": {"B-2"}},
    }


def test_each_planted_fault_is_found_and_nothing_else(
    shop: WooShop, mariadb_url: str, tmp_path: Path
) -> None:
    """Among orders that are in order, with the mapping as it comes."""
    in_order(shop)
    planted = plant(shop)
    looker = Looker(tmp_path, mariadb_url, "EUR", recognised(mariadb_url).mapping, CHECKS)
    assert "100.0 % of" in looker.verified()
    assert looker.found() == planted
