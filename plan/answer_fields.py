"""Answer fields: names of the shop's answers that the plan speaks of, nothing else of an answer is
kept.

An action's texts and expressions see `before`, `after` and `response`. A field that none of them
names is forgotten as soon as the action is settled: a customer's name, phone and address are in
many answers and in no text. A plan's action declares further ones by `keeps`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plan.model import Plan

_NAMED = re.compile(r"\b(?:before|after|response|counts)(?:\.|\[\s*['\"\\]+)([A-Za-z_]\w*)")
# A look's own answer in a precondition's words: `look.orders`.
_LOOKED = re.compile(r"\blook(?:\.|\[\s*['\"\\]+)([A-Za-z_]\w*)")
# What the shop shows since a restore, one by one (Earlier).
_EACH = re.compile(r"\bone\.([A-Za-z_]\w*)")
# Of the answer itself, not of what it is about.
_OURS = frozenset({"status", "code", "told", "asked", "found", "since", "shows"})


def names(*sources: Any) -> frozenset[str]:
    """The fields that a plan, or the configuration's looks and actions, speak of."""
    found = set(_OURS)
    for source in sources:
        text = json.dumps(source, ensure_ascii=False, default=str)
        found.update(_NAMED.findall(text), _LOOKED.findall(text), _EACH.findall(text))
    return frozenset(found)


_known: dict[int, tuple[Plan, frozenset[str]]] = {}  # a plan is not changed once it is loaded


def names_of(plan: Plan) -> frozenset[str]:
    """Those of a plan's actions and sections."""
    found = _known.get(id(plan))
    if found is None or found[0] is not plan:
        found = _known[id(plan)] = (plan, _read(plan))
    return found[1]


def _read(plan: Plan) -> frozenset[str]:
    actions = {name: action.model_dump() for name, action in plan.actions.items()}
    sections = {name: section.model_dump() for name, section in plan.sections.items()}
    declared = {name for action in plan.actions.values() for name in action.keeps}
    return names(actions, sections) | declared


def only(answer: Mapping[str, Any] | None, kept: frozenset[str]) -> dict[str, Any] | None:
    """The answer with these fields alone; what a precondition saw under `look` likewise."""
    if answer is None:
        return None
    made = {name: value for name, value in answer.items() if name in kept}
    if isinstance(answer.get("look"), Mapping):
        made["look"] = {name: value for name, value in answer["look"].items() if name in kept}
    elif isinstance(answer.get("look"), str):
        made["look"] = answer["look"]
    return made
