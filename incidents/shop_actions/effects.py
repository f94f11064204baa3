"""Effects of actions: what was seen to stand in the shop, and whether it still does.

A step is done while its effect stands (rule 12). The evidence is kept: what was looked at, when,
and what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import facts as facts_of
from incidents.change import Change
from incidents.runbooks.places import Place
from incidents.shop_actions.looks import GuardLooks, WantedLook, problem_of
from plan import answer_fields, expressions
from plan.expressions import ExpressionError
from plan.model import Standing
from storage.models import ActionAttempt, Effect, EffectState, Incident


def keep(change: Change, place: Place, attempts: Sequence[ActionAttempt]) -> None:
    """The attempts that finished the step are its effects from now on, instead of earlier ones."""
    for earlier in standing(change.session, change.incident):
        if (earlier.run_id, earlier.step_id) == (place.run.id, place.plan.id):
            _end(change, earlier, EffectState.UNDONE)
    for attempt in attempts:
        how = change.plan.actions[attempt.action].standing
        if how is None:
            continue
        change.session.add(
            Effect(
                incident_id=change.incident.id,
                run_id=place.run.id,
                step_id=place.plan.id,
                attempt_id=attempt.id,
                action=attempt.action,
                state=EffectState.STANDS,
                look=how.look,
                seen=_evidence(how, attempt.after),
                seen_at=change.now,
                looked_at=change.now,
                first_at=change.now,
            )
        )
    change.session.flush()


def standing(session: Session, incident: Incident) -> list[Effect]:
    """Those that stood when they were last looked at, oldest first."""
    return list(
        session.scalars(
            select(Effect)
            .where(Effect.incident_id == incident.id, Effect.state == EffectState.STANDS)
            .order_by(Effect.id)
        )
    )


def of_step(session: Session, place: Place) -> list[Effect]:
    """All that the step has had, oldest first."""
    return list(
        session.scalars(
            select(Effect)
            .where(Effect.run_id == place.run.id, Effect.step_id == place.plan.id)
            .order_by(Effect.id)
        )
    )


def mitigating(change: Change) -> bool:
    """Whether the effect of a step that mitigates stands."""
    return any(
        place is not None and place.plan.mitigates
        for place in (place_of(change, one) for one in standing(change.session, change.incident))
    )


def place_of(change: Change, effect: Effect) -> Place | None:
    """The step of the effect; None where its run was replaced."""
    found = change.place(effect.step_id)
    return found if found is not None and found.run.id == effect.run_id else None


def wanted(change: Change) -> tuple[WantedLook, ...]:
    """What is to be looked at to know whether they stand."""
    effects = standing(change.session, change.incident)
    if not effects:
        return ()
    seen = change.scope
    found: list[WantedLook] = []
    for effect in effects:
        how = _how(change, effect)
        if how is not None:
            scope = {**seen, **attempt_scope(change.session, effect)}
            found.append(WantedLook(_name(effect), how.look, None, scope))
    return tuple(found)


def take(change: Change, looks: GuardLooks) -> list[Effect]:
    """Takes over what the looks showed; those that are gone. A look without an answer ends none."""
    gone: list[Effect] = []
    for effect in standing(change.session, change.incident):
        how = _how(change, effect)
        if how is None:
            continue
        look = looks.of(_name(effect), None, change.now)
        effect.problem = problem_of(look)
        if effect.problem is not None:
            continue
        effect.looked_at = looks.at
        seen = {**change.scope, **attempt_scope(change.session, effect), "look": look}
        learn(change, how, seen)
        if expressions.holds(how.holds, seen):
            effect.seen, effect.seen_at = _evidence(how, look), looks.at
        else:
            _end(change, effect, EffectState.GONE)
            gone.append(effect)
    return gone


def learn(change: Change, how: Standing, seen: dict[str, Any]) -> None:
    """What the incident knows by the look: where the traffic goes, whoever sent it there."""
    for path, template in how.facts.items():
        try:
            value = expressions.value(template, seen)
        except ExpressionError:
            continue
        change.incident.facts = facts_of.put(change.incident.facts, path, value)


def taken_back(change: Change, action: str) -> list[Effect]:
    """Ends those that the action is the way back of; they are undone."""
    found = [
        effect
        for effect in standing(change.session, change.incident)
        if (own := change.plan.actions.get(effect.action)) is not None and own.undo == action
    ]
    for effect in found:
        _end(change, effect, EffectState.UNDONE)
    return found


def failed(change: Change, place: Place) -> None:
    """The step's effects stood, and the fault is felt all the same."""
    for effect in of_step(change.session, place):
        if effect.state == EffectState.STANDS:
            _end(change, effect, EffectState.FAILED)


def attempt_scope(session: Session, effect: Effect) -> dict[str, Any]:
    """What the expressions and templates of a look see of the attempt."""
    attempt = session.get_one(ActionAttempt, effect.attempt_id)
    return {
        "params": {**attempt.params, **(attempt.hidden or {}).get("params", {})},
        "before": dict(attempt.before or {}),
        "after": dict(attempt.after or {}),
        "response": dict(attempt.response or {}),
        "key": attempt.key,
    }


def _evidence(how: Standing, look: Any) -> dict[str, Any] | None:
    """Of what was seen, the fields that the effect is judged by: nothing else is kept."""
    if not look:
        return None
    shown = look if isinstance(look, Mapping) else {"value": look}
    return answer_fields.only(shown, answer_fields.names(how.model_dump()))


def _end(change: Change, effect: Effect, state: EffectState) -> None:
    effect.state, effect.ended_at = state, change.now
    change.audit("effect", effect.action, result=str(state), data={"effect": effect.id})


def _how(change: Change, effect: Effect) -> Standing | None:
    action = change.plan.actions.get(effect.action)
    return action.standing if action is not None else None


def _name(effect: Effect) -> str:
    return f"effect:{effect.id}"
