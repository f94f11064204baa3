"""Problems: why an action was not done, in the plan's words where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents import restoration
from incidents.read.reader import Reader
from incidents.shop_actions import action_outcomes
from plan import engine_texts
from plan.model import Action, Words
from storage.models import ActionAttempt

EFFECT_FAILED = "effect_failed"
_WHAT = "{{ look.what }}"  # in the engine's words: where those that say what was seen stand


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
    if head in restoration.QUESTIONS and action is not None:
        return after_restore(action, head)
    known = action.preconditions if action is not None else ()
    if head == "precondition" and index.isdigit() and int(index) < len(known):
        return known[int(index)].problem
    return words_of(code)


def problem_scope(reader: Reader, attempt: ActionAttempt) -> dict[str, Any]:
    """What the words of a problem see: the attempt, and the look that spoke against it."""
    return {
        **reader.scope,
        **reader.attempt_scope(attempt),
        "look": look_of(reader, attempt),
    }


def look_of(reader: Reader, attempt: ActionAttempt) -> Mapping[str, Any]:
    """What was seen that speaks against it; after a restore, by all looks of its press."""
    if attempt.problem not in restoration.QUESTIONS:
        return action_outcomes.look_against(attempt)
    return restoration.seen([one for one in reader.attempts if one.press == attempt.press])


def after_restore(action: Action, code: str) -> Words | None:
    """What the shop shows since, in the action's own words where it has some, and the question."""
    asked = words_of(code)
    what = action.earlier.words if action.earlier else engine_texts.text("restored.effect")
    if asked is None:
        return None
    return asked.each(lambda language, text: text.replace(_WHAT, what.in_(language)))
