"""`muster check` on a shop with another schema finds exactly the planted faults (Shows 6)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.conftest import ENGINES, address_of
from tests.checks.foreign_shop import MAPPING, MEANT, ForeignShop


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignShop]:
    """The foreign shop on each engine."""
    found = ForeignShop(address_of(request, tmp_path))
    found.create()
    yield found
    found.close()


def configuration(shop: ForeignShop, folder: Path) -> Path:
    data = {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {
            "name": "Laden",
            "currency": "EUR",
            "database_url": shop.url,
            "mapping": MAPPING,
        },
        "checks": [
            {
                "name": "haengend",
                "kind": "stuck_orders",
                "limits": {"awaiting_payment": 24, "paid": 48},
                "transitions": {
                    "awaiting_payment": ["paid", "cancelled"],
                    "paid": ["dispatched", "cancelled"],
                    "dispatched": [],
                },
            },
            {"name": "betraege", "kind": "amount_mismatch"},
            {
                "name": "karte",
                "kind": "payment_channel",
                "channel": {"id": "karte", "name": "Kartenzahlung"},
            },
        ],
    }
    path = folder / "muster.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def check(config: Path) -> tuple[int, dict[str, Any]]:
    """Runs the real command line."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "check", "--json", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert "Traceback" not in done.stderr, done.stderr
    results = json.loads(done.stdout) if done.stdout else []
    return done.returncode, {result["check"]: result for result in results}


def test_a_shop_in_order_has_no_findings(shop: ForeignShop, tmp_path: Path) -> None:
    """Nothing planted, nothing found, whatever the floats of other shops would say."""
    shop.order("bezahlt", hours=47, came_from="offen")
    shop.order("gezahlt", total="0.30", paid=("0.10", "0.20"), came_from="bezahlt")
    shop.order("entwurf", hours=300, paid=())
    shop.order("offen", hours=23, paid=())
    shop.order("storniert", hours=500, paid=())
    shop.order("erstattet", hours=90, refunded=("100.00",))
    shop.order("bezahlt", total="90.00", paid=("100.00",), refunded=("10.00",))
    code, results = check(configuration(shop, tmp_path))
    assert code == 0, {n: r["findings"] for n, r in results.items() if r["findings"]}
    assert all(not r["findings"] and not r["error"] for r in results.values())


def test_exactly_the_planted_faults_are_found(shop: ForeignShop, tmp_path: Path) -> None:
    """Stuck orders, a wrong transition and amounts that differ, each by its number."""
    shop.order("bezahlt", hours=2)
    stuck = {shop.order("bezahlt", hours=49), shop.order("gezahlt", hours=480)}
    unpaid = shop.order("offen", hours=25, paid=())
    wrong = shop.order("offen", hours=3, paid=(), came_from="versandt")
    over = shop.order("bezahlt", paid=("110.00",))
    under = shop.order("versandt", paid=("60.05", "29.95"))
    code, results = check(configuration(shop, tmp_path))
    assert code == 1
    found = {f["subject"]: f for f in results["haengend"]["findings"]}
    assert set(found) == {
        "orders:paid",
        "orders:awaiting_payment",
        "orders:dispatched>awaiting_payment",
    }
    assert {c["key"] for c in found["orders:paid"]["cases"]} == stuck
    assert [c["key"] for c in found["orders:awaiting_payment"]["cases"]] == [unpaid]
    illegal = found["orders:dispatched>awaiting_payment"]
    assert [c["key"] for c in illegal["cases"]] == [wrong]
    assert illegal["type"] == "order_state_illegal"
    [amounts] = results["betraege"]["findings"]
    deltas = {c["key"]: c["facts"]["delta"] for c in amounts["cases"]}
    assert deltas == {
        over: {"minor": 1000, "currency": "EUR"},
        under: {"minor": -1000, "currency": "EUR"},
    }
    assert amounts["facts"]["over"] == {"orders": 1, "amount": {"minor": 1000, "currency": "EUR"}}
    assert results["karte"]["findings"] == []


def test_the_customers_language_travels_with_every_case(shop: ForeignShop, tmp_path: Path) -> None:
    """By the shop's own words; what is no language of ours is not known, and is not guessed."""
    for _ in range(14):
        shop.order("bezahlt", hours=49, paid=("110.00",))
        shop.order("offen", hours=0.02, result="abgelehnt", paid_hours=0.02)
        shop.order("offen", hours=3, paid=(), came_from="versandt")
    _, results = check(configuration(shop, tmp_path))
    for name, kinds in (("haengend", 2), ("betraege", 1), ("karte", 1)):
        findings = results[name]["findings"]
        assert len(findings) == kinds, name
        for case in (case for finding in findings for case in finding["cases"]):
            customer = int(case["key"][1:]) % 7
            assert case["facts"].get("language") == MEANT[customer], (name, case)


def test_a_failing_channel_is_found_with_its_orders(shop: ForeignShop, tmp_path: Path) -> None:
    """The rolling success rate counts the shop's own words; what has no answer stands apart."""
    for _ in range(9):
        shop.order("bezahlt", hours=0.03, paid_hours=0.03)
    failed = {
        shop.order("offen", hours=0.02, result="abgelehnt", paid_hours=0.02) for _ in range(6)
    }
    unclear = {shop.order("offen", hours=0.02, result="unklar", paid_hours=0.02) for _ in range(2)}
    code, results = check(configuration(shop, tmp_path))
    assert code == 1
    [finding] = results["karte"]["findings"]
    cases = {c["key"]: c["state"] for c in finding["cases"]}
    assert {k for k, state in cases.items() if state == "open"} == failed
    assert {k for k, state in cases.items() if state == "unknown"} == unclear
    assert finding["facts"]["attempts"] == 17
    assert finding["facts"]["failed"] == 6
    assert finding["facts"]["unanswered"] == 2
    assert finding["facts"]["stage"] == {"code": "3ds", "count": 6}


def test_a_database_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    """A check that cannot look says so; it never reports “in order”."""
    shop = ForeignShop(f"sqlite:///{tmp_path / 'weg.db'}")
    config = configuration(shop, tmp_path)
    shop.close()
    code, results = check(config)
    assert code == 2
    assert all("cannot be read" in r["error"] for r in results.values())
