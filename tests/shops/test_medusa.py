"""Medusa 2, for real: installed, migrated and filled by itself; each planted fault is found, and
nothing else. It knows PostgreSQL alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import pg_database
from tests.shops.forwarding import forwarded
from tests.shops.looking import Found, Looker, recognised
from tests.shops.medusa.shop import MedusaShop, Order, installed, missing

pytestmark = pytest.mark.slow

CHECKS = [
    {"name": "amounts", "kind": "amount_mismatch"},
    {"name": "stuck", "kind": "stuck_orders", "limits": {"awaiting_payment": 24, "paid": 48}},
    {
        "name": "card",
        "kind": "payment_channel",
        "channel": {"id": "pp_system_default", "name": "Card"},
    },
]
ASKED = {"status": "requested", "note": "too small", "hours": 1}

IN_ORDER = [
    Order("W-1", locale="zh-TW"),
    Order("W-2", fulfilled=["shipped_at"]),
    Order("W-3", fulfilled=["delivered_at", "shipped_at"], hours=100),
    Order("W-4", captured=[]),
    Order("W-5", captured=[60.05, 39.95]),
    Order("W-6", captured=[], cancelled=True, hours=200),
    Order("W-7", refunded=[100], cancelled=True),
    Order("W-8", refunded=[10]),
    Order("W-9", currency="jpy", lines=[("A-1", 1, 1000)], total=1000, captured=[1000]),
    Order("W-10", shipped_goods=False, address="", postcode=""),
    Order("W-11", failed=3),  # the fourth try went through
    Order("W-12", returns=[ASKED]),
    Order("W-13", returns=[{**ASKED, "hours": 90, "status": "received"}]),
]
WRONG = [
    Order("F-over", lines=[("A-1", 1, 90)]),
    Order("F-under", lines=[("A-1", 2, 55)]),
    Order("F-kept", cancelled=True),
    Order("F-yen", currency="jpy", lines=[("A-1", 1, 1000)], total=1001, captured=[1001]),
    Order("F-not-booked"),
    Order("F-stuck", hours=49),
    Order("F-waits", captured=[], hours=25),
    Order("F-first", customer="cus_hasty", hours=6),
    Order("F-again", customer="cus_hasty", hours=5.95),
    Order("F-street", address=""),
    Order("F-postcode", postcode=""),
    Order("F-none"),
    *(Order(f"F-refused-{n}", captured=[], failed=2) for n in range(5)),
    Order("F-back-twice", refunded=[10, 10]),
    Order("F-twice", returns=[ASKED, {**ASKED, "hours": 2}]),
    Order("F-overdue", returns=[{**ASKED, "hours": 80}]),
    Order("F-why", returns=[{**ASKED, "note": None}]),
    Order("F-late", fulfilled=["delivered_at"], hours=40 * 24, returns=[ASKED]),
]
NOW_REFUSED = [Order(f"N-{n}", captured=[], failed=1, hours=0.02) for n in range(12)]
LOST = [
    {"name": "L-1", "currency": "eur", "total": 55, "captured": [55], "refunded": [], "hours": 5}
]
ARTICLES = [
    {"sku": "A-1", "there": 5, "promised": 5, "backorder": False, "left": 5},
    {"sku": "A-2", "there": 5, "promised": 4, "backorder": False, "left": 2},
    {"sku": "A-3", "there": 1, "promised": 4, "backorder": True, "left": 1},
]

REFUSED = {f"F-refused-{n}" for n in range(5)}
PLANTED: Found = {
    "amounts": {"orders:amount": {"F-over", "F-under", "F-kept", "F-yen"}},
    "stuck": {"orders:paid": {"F-stuck"}, "orders:awaiting_payment": {"F-waits"}},
    "card": {"channel:pp_system_default": {f"N-{n}" for n in range(12)}},
    "payment-not-booked": {"payment-not-booked": {"F-not-booked"}},
    "payment-without-order": {"payment-without-order": {"L-1"}},
    "payment-failed": {"payment-failed": REFUSED},
    "order-duplicate": {"order-duplicate": {"F-again"}},
    "address-incomplete": {"address-incomplete=shipping_address_error": {"F-street", "F-postcode"}},
    "order-impossible": {"order-impossible": {"F-none"}},
    "return-twice": {"return-twice": {"F-twice"}},
    "return-overdue": {"return-overdue": {"F-overdue"}},
    "return-without-reason": {"return-without-reason": {"F-why"}},
    "return-too-late": {"return-too-late": {"F-late"}},
    "refund-twice": {"refund-twice": {"F-back-twice"}},
    "stock-short": {"stock-short=A-2": {"A-2"}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The shop's programs; some 700 MB, which go again at the end."""
    lacks = missing()
    if lacks is not None:
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail(f"{lacks}, and MUSTER_REQUIRE_ALL is set")
        pytest.skip(f"not run: {lacks}")
    made = tmp_path_factory.mktemp("medusa") / "shop"
    installed(made)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def shop(folder: Path, pg_server: str) -> Iterator[MedusaShop]:
    """The shop with empty tables of its own making."""
    socket = Path(str(make_url(pg_server).query["host"])) / ".s.PGSQL.5432"
    with forwarded(socket) as port, pg_database(pg_server) as url:
        made = MedusaShop(folder, url, port)
        made.migrated()
        yield made


def written(shop: MedusaShop, before: Sequence[Order] = ()) -> dict[str, str]:
    """Orders that are in order, and all that is wrong; what people call each, by its name."""
    named = shop.written([*before, *IN_ORDER, *WRONG, *NOW_REFUSED], LOST, ARTICLES)
    order = '(select id from "order" where display_id = :number)'
    shop.changed(
        "update payment_collection set status = 'authorized', completed_at = null where id = "
        f"(select payment_collection_id from order_payment_collection where order_id = {order})",
        number=int(named["F-not-booked"]),
    )
    shop.changed(
        f"update order_item set quantity = 0 where order_id = {order}",
        number=int(named["F-none"]),
    )
    return named


def by_name(found: Found, named: dict[str, str]) -> Found:
    """What was found, by the names of the plan."""
    names = {number: name for name, number in named.items()}
    return {
        check: {
            subject: {names.get(key, key) for key in keys} for subject, keys in by_subject.items()
        }
        for check, by_subject in found.items()
    }


def test_each_planted_fault_is_found_and_nothing_else(shop: MedusaShop, tmp_path: Path) -> None:
    """Among orders that are in order, with the mapping as it comes."""
    named = written(shop)
    looker = Looker(tmp_path, shop.url, "EUR", recognised(shop.url).mapping, CHECKS)
    assert "paid orders hold what they cost" in looker.verified()
    assert by_name(looker.found(), named) == PLANTED
