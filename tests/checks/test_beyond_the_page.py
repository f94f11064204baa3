"""More is found than is shown: figures are whole, and what is not shown is not called well."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks import large_shop
from benchmarks.sweep import REFERENCE
from bot.wiring.check_connections import open_checks
from checks.kinds.query_look import LISTED
from checks.model import CheckResult, Failed
from checks.registry import build
from checks.runner import run_check
from tests.checks.stamped_shop import Shop, orders, settings

MORE = LISTED + 500


SLOW = [pytest.param(one, marks=pytest.mark.slow) for one in ("pg_url", "mariadb_url")]


@pytest.fixture(params=["", *SLOW])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    given = request.getfixturevalue(request.param) if request.param else None
    found = Shop(given or f"sqlite:///{tmp_path / 'laden.db'}")
    now = int(found.clock.moment.timestamp())
    rows = [
        {
            "id": key, "nr": f"K{key}", "stand": "bezahlt", "seit": now - key, "am": now - key,
            "summe": 100 + key, "kunde": key % 10, "strasse": "", "touched": now,
        }
        for key in range(1, MORE + 1)
    ]  # fmt: skip
    with found.engine.begin() as connection:
        connection.execute(orders.insert(), rows)
    yield found
    found.close()


def run(shop: Shop, name: str, *failed: str, **changed: Any) -> CheckResult:
    async def looks() -> CheckResult:
        found = settings(shop.url, **changed)
        async with open_checks(found) as checking:
            check = build(next(one for one in found.checks if one.name == name))
            now = shop.clock.moment
            before = Failed(now - timedelta(hours=1), now)
            context = checking.context(now, failed=dict.fromkeys(failed, before))
            return await run_check(check, context)

    result = asyncio.run(looks())
    assert result.error is None, result.error
    return result


def test_amounts_are_counted_whole(shop: Shop) -> None:
    """None of them is paid: the largest are named, and all are counted and summed."""
    (finding,) = run(shop, "amounts").findings
    whole = sum(100 + key for key in range(1, MORE + 1))
    assert (len(finding.cases), finding.count, finding.facts["orders"]) == (LISTED, MORE, MORE)
    assert finding.facts["under"] == {
        "orders": MORE,
        "amount": {"minor": whole, "currency": "TWD"},
    }
    assert (finding.facts["over"], finding.facts["customers"]) == ({"orders": 0}, 10)
    assert finding.cases[0].key == f"K{MORE}"
    assert finding.facts["truncated"]


def test_a_subject_that_is_not_on_the_page_is_not_called_well(shop: Shop) -> None:
    """Each address is an incident of its own here, and there are more than are shown."""
    each = {
        "name": "each",
        "kind": "query",
        "incident_type": "shipping_address_error",
        "subject": "each",
        "subject_by": "number",
        "find": "select o.number, o.total, o.currency, o.placed_at as entered_at from orders o"
        " where o.state = 'paid' and o.address is null",
    }
    result = run(shop, "each", "each=K1", checks=[each])
    shown = {finding.subject: finding.count for finding in result.findings}
    assert (len(shown), set(shown.values())) == (LISTED, {1})
    assert (result.not_looked_at, result.healthy_subjects) == (("each=K1",), ())


@pytest.mark.slow
def test_the_reference_of_the_benchmark_finds_the_same_amounts(tmp_path: Path) -> None:
    """In the benchmark's own shop, with each fault planted: too little, too much, given back more
    than came in, kept of a cancelled order, paid in another currency."""
    url = f"sqlite:///{tmp_path / 'large.db'}"
    engine = large_shop.made(url, 3_000)
    recent = large_shop.AT - 86400
    planted = (
        "update charge set amount = amount - 1 where id = 4000",
        f"update shop_order set moved = {recent} where id in (5, 6, 40, 3, 8, 9)",
        "update charge set amount = amount - 1 where id = 5",
        "update charge set amount = amount + 1 where id = 6",
        "update credit set amount = 5000 where order_id = 40",
        "update shop_order set state = 4 where id = 8",
        "update charge set cur = 'EUR' where id = 9",
    )
    with engine.begin() as connection:
        for statement in planted:
            connection.execute(text(statement))
        by_hand = {row[0] for row in connection.execute(text(REFERENCE["amounts"]))}
    engine.dispose()

    async def looks() -> CheckResult:
        found = large_shop.settings(url)
        async with open_checks(found) as checking:
            check = build(next(one for one in found.checks if one.name == "amounts"))
            return await run_check(check, checking.context(large_shop.NOW))

    (finding,) = asyncio.run(looks()).findings
    assert {case.key for case in finding.cases} == by_hand
    assert {"K5", "K6", "K40", "K8", "K9"} <= by_hand
