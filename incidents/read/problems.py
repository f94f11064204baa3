"""Problems: why an action was not done, in the plan's words where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.read.reader import Reader
from incidents.shop_actions import action_outcomes
from plan import engine_texts
from plan.model import Words
from storage.models import ActionAttempt

EFFECT_FAILED = "effect_failed"


def words_of(code: str) -> Words | None:
    """The fixed words of a problem code."""
    return engine_texts.found(f"problems.{code.partition(':')[0]}")


def problem_of(reader: Reader, problem: Mapping[str, Any] | None) -> Words | None:
    """The words under a step whose last try did not happen."""
    if not problem or not problem.get("code"):
        return None
    code = str(problem["code"])
    action = reader.plan.actions.get(str(problem.get("action")))
    head, _, index = code.partition(":")
    if head == EFFECT_FAILED and action is not None and action.verify is not None:
        return action.verify.failed or words_of(code)
    known = action.preconditions if action is not None else ()
    if head == "precondition" and index.isdigit() and int(index) < len(known):
        return known[int(index)].problem
    return words_of(code)


def problem_scope(reader: Reader, attempt: ActionAttempt) -> dict[str, Any]:
    """What the words of a problem see: the attempt, and the look that spoke against it."""
    return {
        **reader.scope,
        **reader.attempt_scope(attempt),
        "look": action_outcomes.look_against(attempt),
    }
