"""Of a shop whose names say nothing, inspect proposes what verify accepts and checks find by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import MetaData

from bot.cli.check import run_once
from bot.cli.shop import _verify
from bot.settings import Settings, parse_settings
from checks.shop.inspect import propose
from tests.checks import foreign_shop, whole_shop
from tests.checks.renamed_shop import RenamedShop, answered, differences
from tests.checks.shop_life import Life, plant

NOW = datetime.now(UTC).replace(microsecond=0)
CHECKS = [
    {"name": "amounts", "kind": "amount_mismatch"},
    {"name": "late", "kind": "stuck_orders", "limits": {"paid": 24}},
]


def settings(url: str, mapping: Mapping[str, Any]) -> Settings:
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "S", "currency": "EUR", "database_url": url,
                "mapping": yaml.safe_load(yaml.safe_dump(dict(mapping))),
            },
            # What is written in `checks` needs its fields; detections are off where they lack one.
            "checks": CHECKS if "state_since" in mapping["orders"]["fields"] else [],
        }
    )  # fmt: skip


def found_by(config: Settings) -> dict[str, set[str]]:
    results = asyncio.run(run_once(config, ()))
    assert {one.name: one.error for one in results if one.error} == {}
    found = {one.name: {c.key for f in one.findings for c in f.cases} for one in results}
    return {name: cases for name, cases in found.items() if cases}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'laden.db'}"
    fixture = "pg_url" if request.param == "postgresql" else "mariadb_url"
    return str(request.getfixturevalue(fixture))


def _with_placed_at() -> dict[str, Any]:
    mapping = yaml.safe_load(yaml.safe_dump(foreign_shop.MAPPING))
    mapping["orders"]["fields"]["placed_at"] = "angelegt"
    return dict(mapping)


# A schema with its own mapping, and how many questions at most are left to a person.
SCHEMAS: Mapping[str, tuple[MetaData, Mapping[str, Any], int]] = {
    "foreign": (foreign_shop.metadata, _with_placed_at(), 1),
    "whole": (whole_shop.metadata, whole_shop.mapped(), 9),
}


@pytest.mark.parametrize("declared", [True, False], ids=["foreign-keys", "no-foreign-keys"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_names_that_say_nothing_leave_only_what_cannot_be_known(
    url: str, schema: str, declared: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is open is answered, the rest is as proposed: verified, and every planted fault found."""
    metadata, mapping, questions = SCHEMAS[schema]
    shop = RenamedShop(url, metadata, mapping, declared=declared)
    life = Life(NOW)
    life.whole()
    planted = list(plant(life, declared=declared))
    shop.write(life.rows)
    proposal = propose(url)
    assert differences(proposal, shop.truth) == {}
    assert len(proposal.open) <= questions, proposal.of("open")
    config = settings(url, answered(proposal, shop.truth))
    assert asyncio.run(_verify(config)) == 0, capsys.readouterr().out
    watched = {check.name for check in config.checks}
    assert watched == {check.name for check in settings(url, shop.truth).checks}
    wanted: dict[str, set[str]] = {}
    for check, case in planted:
        if check in watched:
            wanted.setdefault(check, set()).add(case)
    assert found_by(config) == wanted
    shop.close()
