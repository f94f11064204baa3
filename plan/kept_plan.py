"""Kept plan: the content by which an incident goes on with the plan that it began with."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from plan.languages import DEFAULT, LANGUAGES
from plan.model import Plan


def restore_plan(content: str) -> Plan:
    """The plan from the content that an incident keeps by hash.

    A language that came later reads the plans of old in their first one.
    """
    try:
        return Plan.model_validate_json(content)
    except ValidationError:
        return Plan.model_validate(_in_every_language(json.loads(content)))


def _in_every_language(kept: Any) -> Any:
    if isinstance(kept, list):
        return [_in_every_language(one) for one in kept]
    if not isinstance(kept, dict):
        return kept
    if isinstance(kept.get(DEFAULT), str) and kept.keys() <= set(LANGUAGES):
        return dict.fromkeys(LANGUAGES, kept[DEFAULT]) | kept
    return {key: _in_every_language(value) for key, value in kept.items()}
