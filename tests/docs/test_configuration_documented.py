"""Every configuration key, check kind and environment variable stands in docs/configuration.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from bot import strict_yaml
from bot.name_resolution import sentences
from bot.settings import Settings, parse_settings
from checks.calendar.settings import CalendarSettings
from handlers.rights_page import rights_page
from plan.loader import load_plan

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def keys(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    """Every key of the model and of the models within it."""
    if model in seen:
        return set()
    seen.add(model)
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for inner in models(field.annotation):
            found |= keys(inner, seen)
    return found


def models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in get_args(annotation) for m in models(arg)]


@pytest.mark.parametrize("key", sorted(keys(Settings, set())))
def test_every_key_is_documented(key: str) -> None:
    """A key that nobody can read about does not exist for its users."""
    assert f"`{key}`" in PAGE or f"`{key}." in PAGE or f".{key}`" in PAGE or f"{key}:" in PAGE, key


def test_the_table_of_rights_is_the_one_that_is_asked() -> None:
    assert "\n" + "\n".join(rights_page()) + "\n" in PAGE


def test_the_smallest_that_is_shown_is_one() -> None:
    """It starts, and lacks no role and no channel that the plan names."""
    (block,) = re.findall(r"^## The smallest\n.*?^```yaml\n(.*?)^```", PAGE, re.S | re.M)
    settings = parse_settings(strict_yaml.read(block), environ={})
    assert sentences(load_plan().plan, settings, None) == []


def test_the_calendar_that_is_shown_is_one() -> None:
    (block,) = re.findall(r"^```yaml\n(calendar:\n.*?)^```", PAGE, re.S | re.M)
    shown = CalendarSettings.model_validate(strict_yaml.read(block)["calendar"])
    assert shown.model_fields_set == set(CalendarSettings.model_fields)
