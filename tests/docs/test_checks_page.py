"""The page of checks says what there is: its example runs, its table is the entities'."""

from __future__ import annotations

from pathlib import Path

from checks.queries.detections_page import detections_page
from checks.queries.entities_page import entities_page

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
EXAMPLE = Path(__file__).parents[1] / "plan/own/sections/11.2/checks/not-closed.yaml"


def test_the_example_is_the_one_that_is_drilled() -> None:
    assert f"```yaml\n{EXAMPLE.read_text('utf-8').rstrip()}\n```" in PAGE.read_text("utf-8")


def test_every_entity_stands_there_as_it_is() -> None:
    assert PAGE.read_text("utf-8").endswith("\n".join(entities_page()).rstrip() + "\n")


def test_every_detection_stands_there_with_what_it_asks_of() -> None:
    assert "\n" + "\n".join(detections_page()) + "\n" in PAGE.read_text("utf-8")
