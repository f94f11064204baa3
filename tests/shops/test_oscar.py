"""django-oscar, for real: installed, migrated and filled by itself; each planted fault is found,
and nothing else, on each engine that Django supports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import pg_database
from tests.shops.looking import Found, Looker, recognised
from tests.shops.oscar.shop import Order, OscarShop, installed

pytestmark = pytest.mark.slow

STUCK = {
    "name": "stuck",
    "kind": "stuck_orders",
    "limits": {"awaiting_payment": 24, "paid": 48},
    "transitions": {
        "awaiting_payment": ["paid", "cancelled"],
        "paid": ["completed", "cancelled"],
        "completed": [],
        "cancelled": [],
    },
}
AMOUNTS = {"name": "amounts", "kind": "amount_mismatch"}

IN_ORDER = [
    Order("W-1"),
    Order("W-2", sent=4, through=[("Being processed", 5), ("Complete", 4)]),
    Order("W-3", paid=[], through=[]),
    Order("W-4", paid=["60.05", "39.95"]),
    Order("W-5", paid=[], through=[("Cancelled", 200)], placed=210),
    Order("W-6", refunded=["100.00"], through=[("Being processed", 5), ("Cancelled", 4)]),
    Order("W-7", refunded=["10.00"]),
    Order("W-8", total="1000", currency="JPY", paid=["1000"]),
    Order("W-9", line1=None, shipping_code="no-shipping-required"),
    Order("W-10", user="twice", placed=6),  # the same customer and amount, half an hour apart
    Order("W-11", user="twice", placed=5.5),
    Order("W-12", guest="one@shop.example", placed=6),
    Order("W-13", guest="other@shop.example", placed=6),
]
WRONG = [
    Order("F-over", paid=["110.00"]),
    Order("F-under", paid=["60.05", "29.95"]),
    Order("F-kept", through=[("Being processed", 5), ("Cancelled", 4)]),
    Order("F-not-booked", through=[]),
    Order("F-stuck", placed=50, through=[("Being processed", 49)], paid_hours=49),
    Order("F-waits", placed=25, paid=[], through=[]),
    Order("F-back", paid=[], through=[], wrong=[("Complete", "Pending", 3)]),
    Order("F-first", user="hasty", placed=6),
    Order("F-again", user="hasty", placed=5.95),
    Order("F-guest", guest="hasty@shop.example", placed=6),
    Order("F-guest-again", guest="hasty@shop.example", placed=5.95),
    Order("F-street", line1=" "),
    Order("F-postcode", postcode=""),
    Order("F-none", lines=[("A-1", 0)]),
    Order("F-yen", total="1000", currency="JPY", paid=["1001"]),
    Order("F-back-twice", refunded=["10.00", "10.00"]),
]
ARTICLES = [
    {"sku": "A-1", "there": 5, "promised": 5},
    {"sku": "A-2", "there": 2, "promised": 4},
    {"sku": "A-3", "there": None, "promised": None},
]
PLANTED: Found = {
    "amounts": {"orders:amount": {"F-over", "F-under", "F-kept", "F-yen"}},
    "stuck": {
        "orders:paid": {"F-stuck"},
        "orders:awaiting_payment": {"F-waits"},
        "orders:completed>awaiting_payment": {"F-back"},
    },
    "payment-not-booked": {"payment-not-booked": {"F-not-booked"}},
    "order-duplicate": {"order-duplicate": {"F-again", "F-guest-again"}},
    "address-incomplete": {"address-incomplete=shipping_address_error": {"F-street", "F-postcode"}},
    "order-impossible": {"order-impossible": {"F-none"}},
    "refund-twice": {"refund-twice": {"F-back-twice"}},
    "stock-short": {"stock-short=A-2": {"A-2"}},
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment with django-oscar, for all engines."""
    return installed(tmp_path_factory.mktemp("oscar") / "venv")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the shop's."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
    elif request.param == "postgresql":
        with pg_database(request.getfixturevalue("pg_server")) as made:
            yield made
    else:
        yield request.getfixturevalue("mariadb_url")


def looker(url: str, folder: Path) -> Looker:
    return Looker(folder, url, "EUR", recognised(url).mapping, [STUCK, AMOUNTS])


def test_each_planted_fault_is_found_and_nothing_else(
    python: Path, url: str, tmp_path: Path
) -> None:
    """Among orders that are in order, with the mapping as it comes."""
    OscarShop(python, url).written([*IN_ORDER, *WRONG], ARTICLES)
    shop = looker(url, tmp_path)
    said = shop.verified()
    assert "paid orders hold what they cost" in said
    assert shop.found() == PLANTED
