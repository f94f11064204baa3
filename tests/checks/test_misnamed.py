"""A name of the mapping that the shop's database does not have is a sentence, and no outage."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bot.cli.check import run_once
from bot.cli.doctor import _shop
from bot.cli.shop import _verify
from bot.settings import Settings, parse_settings
from checks.shop.source import DATABASE
from tests.checks.conftest import ENGINES, address_of
from tests.checks.foreign_shop import MAPPING, ForeignShop

AMOUNTS = {"name": "amounts", "kind": "amount_mismatch"}
REFUNDS = {
    "name": "refunds",
    "kind": "query",
    "incident_type": "refund_stuck",
    "subject": "refunds",
    "find": "select r.order_key as number from refunds r where r.amount > 5",
}
ORDERS, PAYMENTS = "shop.mapping.orders", "shop.mapping.payments"


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> ForeignShop:
    found = ForeignShop(address_of(request, tmp_path))
    found.create()
    found.order("bezahlt")
    found.close()
    return found


def settings(shop: ForeignShop, mapping: dict[str, Any]) -> Settings:
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "Laden", "currency": "EUR", "database_url": shop.url, "mapping": mapping,
            },
            "detections": {"off": ["payment-without-order"]},
            "checks": [AMOUNTS, REFUNDS],
        }
    )  # fmt: skip


def misspelt(entity: str, **changed: Any) -> dict[str, Any]:
    mapping = deepcopy(MAPPING)
    fields = {k: v for k, v in changed.items() if k != "from"}
    mapping[entity] |= {k: v for k, v in changed.items() if k == "from"}
    mapping[entity]["fields"] |= fields
    return mapping


_JOIN = {"from": "kunden", "on": {"nr": "kunde"}, "column": "sprachee"}
FAULTS = [
    pytest.param(
        misspelt("orders", total="bruto"),
        f"{ORDERS}.fields.total",
        "bestellungen has no column “bruto”; the nearest is “brutto”",
        id="column",
    ),
    pytest.param(
        misspelt("payments", **{"from": "zahlung"}),
        f"{PAYMENTS}.from",
        "the database has no table “zahlung”; the nearest is “zahlungen”",
        id="table",
    ),
    pytest.param(
        misspelt("orders", language={"join": _JOIN}),
        f"{ORDERS}.fields.language.join.column",
        "kunden has no column “sprachee”; the nearest is “sprache”",
        id="join",
    ),
    pytest.param(
        misspelt("orders", customer={"sql": "coalesce(kundee, 0)"}),
        f"{ORDERS}.fields.customer.sql",
        "the database does not take it: ",
        id="sql",
    ),
]


@pytest.mark.parametrize(("mapping", "place", "sentence"), FAULTS)
def test_each_command_names_the_place_and_what_is_near(
    shop: ForeignShop,
    mapping: dict[str, Any],
    place: str,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = settings(shop, mapping)
    amounts, refunds = asyncio.run(run_once(found, ("amounts", "refunds")))
    assert str(amounts.error).startswith(f"{place}: {sentence}"), amounts.error
    assert amounts.cause == place != DATABASE  # an alarm of its own, and none of an outage
    assert refunds.error is None  # it asks of nothing that is misspelt
    assert asyncio.run(_verify(found)) == 1
    assert f"{place}: {sentence}" in capsys.readouterr().out
    told = [said for mark, said in asyncio.run(_shop(found)) if mark == "wrong"]
    assert any(f"cannot look: {place}: {sentence}" in said for said in told), told


def test_a_right_that_is_missing_is_none_of_it(pg_url: str) -> None:
    """The database's own word stands, and no name is called wrong."""
    shop = ForeignShop(pg_url)
    shop.create()
    shop.close()
    engine = create_engine(pg_url)
    with engine.begin() as connection:
        connection.execute(text("drop role if exists blind"))
        connection.execute(text("create role blind login"))
    engine.dispose()
    shop.url = engine.url.set(username="blind").render_as_string(hide_password=False)
    [amounts] = asyncio.run(run_once(settings(shop, MAPPING), ("amounts",)))
    assert "permission denied for table" in str(amounts.error)
    assert amounts.cause == DATABASE
