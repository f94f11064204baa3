"""What `muster shop verify` says lies beside what the shop's tables hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.tried_checks import said_of_checks
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.payment_agreement import percent
from checks.shop.source import ShopDatabase
from checks.shop.verification import Tried, verified
from tests.checks.conftest import ENGINES, address_of
from tests.checks.foreign_shop import MAPPING, ForeignShop, bestellungen

NOW = datetime.now(UTC)


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignShop]:
    found = ForeignShop(address_of(request, tmp_path))
    found.create()
    yield found
    found.close()


def said(shop: ForeignShop, mapping: dict[str, Any] = MAPPING) -> dict[str, bool]:
    """Each sentence, and whether it is to be put right."""
    database = ShopDatabase(shop.url, EntitiesMapping.model_validate({"entities": mapping}))
    now = shop.now.replace(tzinfo=UTC)
    try:
        return {one.sentence: one.wrong for one in asyncio.run(verified(database, "EUR", now))}
    finally:
        database.close()


def beginning(told: dict[str, bool], words: str) -> str:
    [found] = [one for one in told if one.strip().startswith(words)]
    return found.strip()


def test_it_is_never_rounded_up(shop: ForeignShop) -> None:
    """Of all but one, whatever their age, it is not all; and who has no payment is said."""
    for _ in range(9):
        shop.order("bezahlt", hours=2000)
    shop.order("versandt", paid=())
    wrong = shop.order("versandt", paid=("90.00",))
    assert beginning(said(shop), "81.8 % of 11 paid") == (
        "81.8 % of 11 paid orders hold what they cost; 1 have no captured payment; "
        f"not {wrong} (a check of kind amount_mismatch watches that)"
    )
    assert percent(9_999, 10_000) == "99.9 %"
    assert percent(29_999, 30_000) == "99.9 %"
    assert percent(7, 7) == "100.0 %"


SWAPPED_PAYMENTS = (
    "0 of 13 orders that were sent hold what they cost, and of 12 the payments that are mapped as "
    "failed add up to it: are the words of payments.state swapped?"
)
SWAPPED_ORDERS = (
    "20 of 20 orders that await their payment hold what they cost: are the words of orders.state "
    "swapped?"
)


@pytest.mark.parametrize(
    ("entity", "words", "sentence"),
    [
        ("payments", {"captured": ["abgelehnt"], "failed": ["ok"]}, SWAPPED_PAYMENTS),
        ("orders", {"awaiting_payment": ["bezahlt"], "paid": ["offen"]}, SWAPPED_ORDERS),
    ],
)
def test_words_that_are_swapped_are_questioned(
    shop: ForeignShop, entity: str, words: dict[str, list[str]], sentence: str
) -> None:
    """Orders that were sent, some that wait, and one that tried twice: by their right words all is
    as it is in any shop."""
    for _ in range(20):
        shop.order("bezahlt")
    for _ in range(12):
        shop.order("versandt")
    shop.order("versandt", paid=())
    for _ in range(9):
        shop.order("offen", paid=())
    shop.order("offen", result="abgelehnt")
    assert not [one for one in said(shop) if "swapped" in one]
    mapping = deepcopy(MAPPING)
    mapping[entity]["fields"]["state"]["words"] |= words
    found = [one for one, wrong in said(shop, mapping).items() if "swapped" in one and wrong]
    assert found == [sentence]


def test_times_ahead_of_now_are_counted_and_a_zone_is_named(shop: ForeignShop) -> None:
    """Taipei's clock on the wall, read as UTC."""
    shop.order("bezahlt", hours=99)
    for hours in (-7.9, -7.5):
        shop.order("bezahlt", hours=hours)
    told = said(shop)
    line = beginning(told, "state_since: 2 lie ahead")
    assert line.startswith("state_since: 2 lie ahead of now, the newest is 7.9 h in the future")
    assert "UTC+8 (as Asia/Taipei, Asia/Singapore) would explain it" in line
    mapping = deepcopy(MAPPING)
    mapping["orders"]["zone"] = mapping["payments"]["zone"] = "Asia/Taipei"
    assert not [one for one in said(shop, mapping) if "lie ahead" in one]


def test_what_no_check_can_judge_is_said_by_its_field(shop: ForeignShop) -> None:
    for _ in range(3):
        shop.order("bezahlt")
    row = {"lfd": 901, "bestellnr": "B901", "kunde": 1, "zustand": "bezahlt", "brutto": 5}
    shop._write((bestellungen, {**row, "zustand_seit": None, "angelegt": None}))
    told = said(shop)
    line = "no state_since that can be read in 1 of 4 orders (B901)"
    assert told[f"  {line}: no check that asks for it can judge them"] is False
    for lfd in (902, 903, 904):
        row = {"lfd": lfd, "bestellnr": "B", "kunde": 1, "zustand": "bezahlt", "brutto": 5}
        shop._write((bestellungen, {**row, "zustand_seit": None, "angelegt": None}))
    found = [one for one, wrong in said(shop).items() if wrong]
    assert any("no state_since that can be read in 4 of 7 orders" in one for one in found), found


def test_a_word_that_is_left_out_is_told_as_a_word(shop: ForeignShop) -> None:
    shop.order("bezahlt")
    for _ in range(2):
        shop.order("entwurf", paid=())
    assert (
        beginning(said(shop), "state: 1 paid") == "state: 1 paid, 2 “entwurf” (left out by ignore)"
    )


def test_checks_stand_on_one_screen_by_what_they_lack() -> None:
    """Thirty names fit a phone; each reason once, and what looks back says how far."""
    since = (NOW - timedelta(days=30)).isoformat()
    rows = {"entity": "orders", "count": 1234, "since": since}
    tries = [
        Tried("one"), Tried("two", rows=rows), Tried("three", "no such thing"),
        Tried("four", "no such thing"),
    ]  # fmt: skip
    off = {
        "five": "“tickets” is not mapped: say where the shop keeps it",
        "six": "“tickets” is not mapped: say where the shop keeps it",
        "seven": "orders.phone is not mapped: say where the shop keeps it",
    }
    assert [(one.sentence, one.wrong) for one in said_of_checks(tries, off, NOW)] == [
        ("Checks that can be asked (2): one, two", False),
        ("  only of late: two (orders of the last 30 days: 1,234 looked at)", False),
        ("Cannot be asked (2): three, four", True),
        ("  no such thing", True),
        ("Off for want of what is not mapped (3):", False),
        ("  tickets: five, six", False),
        ("  orders.phone: seven", False),
    ]
