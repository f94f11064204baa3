"""The page of checks says what there is: its example runs, its table is the entities'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot import strict_yaml
from bot.settings import parse_settings
from checks.queries.detections_page import detections_page
from checks.queries.entities_page import entities_page
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.known_shops_page import known_shops_page

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
REST = {
    "slack": {"channels": {"incidents": {"id": "C0INCIDENTS"}}},
    "roles": {"oncall": {"people": ["U0ONCALL"]}},
}
EXAMPLE = Path(__file__).parents[1] / "plan/own/sections/11.2/checks/not-closed.yaml"


def test_the_example_is_the_one_that_is_drilled() -> None:
    assert f"```yaml\n{EXAMPLE.read_text('utf-8').rstrip()}\n```" in PAGE.read_text("utf-8")


def test_every_entity_stands_there_as_it_is() -> None:
    assert PAGE.read_text("utf-8").endswith("\n".join(entities_page()).rstrip() + "\n")


def test_every_detection_stands_there_with_what_it_asks_of() -> None:
    assert "\n" + "\n".join(detections_page()) + "\n" in PAGE.read_text("utf-8")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_example_is_one(number: int) -> None:
    """Each can be copied: the shop's mapping is one, the small file is a whole configuration, and
    checks by themselves are some in a configuration that has the rest."""
    data = strict_yaml.read(BLOCKS[number])
    if "slack" in data:
        assert parse_settings(data).checks
    elif "checks" in data:
        shop = {"name": "Shop", "currency": "EUR", **data.get("shop", {})}
        assert parse_settings({**REST, "shop": shop, "checks": data["checks"]}).checks
    elif "shop" in data:
        EntitiesMapping.model_validate({"entities": data["shop"]["mapping"]})


def test_the_table_of_known_shops_is_the_one_of_their_files() -> None:
    assert "\n" + "\n".join(known_shops_page()) + "\n" in PAGE.read_text("utf-8")
