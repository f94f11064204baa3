"""Action outcomes: what follows from how the attempts of a press ended, cases, facts, the step, the
log line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy import func, select

from incidents import case_totals, people, restoration
from incidents import facts as facts_of
from incidents import scope as scopes
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.lifecycle import mitigation
from incidents.runbooks import follow_up_prompts, step_completion, undo
from incidents.runbooks.places import Place
from incidents.runbooks.press_conflicts import PENDING
from incidents.shop_actions import approval_requests, effects, requests, thread_answers, told_orders
from plan import expressions
from plan.expressions import ExpressionError
from plan.model import Action, Button
from plan.walk import walk
from storage.models import ActionAttempt, AttemptState, Case, CaseState, StepState, TimelineEntry

log = structlog.get_logger(__name__)
_STATES = frozenset(CaseState)
REDRAWN_EVERY = timedelta(seconds=1)  # of a press that is under way, for its counts


def attempts_of(change: Change, press: str) -> list[ActionAttempt]:
    return list(
        change.session.scalars(
            select(ActionAttempt).where(ActionAttempt.press == press).order_by(ActionAttempt.id)
        )
    )


def attempt_scope(change: Change, attempt: ActionAttempt) -> dict[str, Any]:
    """What the words and expressions of an action see of its attempt."""
    return {
        "attempt": {
            "at": scopes.iso(attempt.requested_at),
            "sent_at": scopes.iso(attempt.sent_at),
            "verified_at": scopes.iso(attempt.settled_at),
            "settled_at": scopes.iso(attempt.settled_at),
            "state": str(attempt.state),
        },
        "before": dict(attempt.before or {}),
        "after": dict(attempt.after or {}),
        "response": dict(attempt.response or {}),
        "params": dict(attempt.params),
        "form": dict((attempt.hidden or {}).get("form", {})),
        "actor": people.plain_name(change.session, attempt.requested_by),
    }


def look_against(attempt: ActionAttempt) -> Mapping[str, Any]:
    """What was seen that speaks against it: before it was sent, or after."""
    response = dict(attempt.response or {})
    if attempt.problem == "effect_failed":
        return dict(attempt.after or response)
    found = response.get("look", response)
    return found if isinstance(found, Mapping) else {"value": found}


def case_lines(change: Change, attempt: ActionAttempt) -> tuple[CaseLine, ...]:
    """The cases that the attempt stands for, the one that it is named after first."""
    if attempt.case_id is None:
        return ()
    mine = case_totals.read_some(change.session, {attempt.case_id, *_covered(attempt)})
    return tuple(sorted(mine, key=lambda case: case.id != attempt.case_id))


def scope_for(change: Change, action: Action) -> dict[str, Any]:
    """The scope that the action's own expressions see. All cases are read only where one asks:
    each attempt of a bulk press has this done once, and must not cost what the whole press has."""
    verify = (action.verify.holds, action.verify.fails or "") if action.verify else ()
    expressions_of = [*verify, action.case_state or "", action.case_outcome or ""]
    expressions_of += [condition.holds for condition in action.preconditions]
    templates = [*action.params.values(), *action.facts.values(), *action.case_facts.values()]
    asked = any("cases" in expressions.names(one, expression=True) for one in expressions_of if one)
    asked |= any("cases" in expressions.names(one, expression=False) for one in templates)
    asked |= action.message is not None and _asks_for_cases(action.message)
    return change.scope if asked else change.scope_over(())


def _asks_for_cases(model: BaseModel) -> bool:
    return any(
        "cases" in expressions.names(source, expression=found.kind == "expression")
        for found in walk(model)
        for source in found.sources()
    )


def apply_done(change: Change, attempt: ActionAttempt, action: Action) -> None:
    """Facts and cases after one done attempt. What cannot be worked out is left out."""
    seen = {**scope_for(change, action), **attempt_scope(change, attempt)}
    if attempt.covers:
        for case in change.session.scalars(
            select(Case).where(Case.id.in_([int(one) for one in attempt.covers]))
        ):
            left = _apply_case(change, case, action, seen)
            if action.tells is not None:
                kept = {"facts": left, "state": str(case.state)}
                told_orders.keep_facts(change.session, attempt, case.key, kept)
    if action.solution:
        _note_solution(change)
    for path, template in action.facts.items():
        value = _worked_out(template, seen)
        if value is not None:
            change.incident.facts = facts_of.put(change.incident.facts, path, value)


def _note_solution(change: Change) -> None:
    """The first solution that a customer was offered, with its limit as it is now (1.2.1)."""
    incident = change.incident
    if (incident.facts.get("solution") or {}).get("at"):
        return
    limit = change.house.first_solution.get(incident.severity)
    kept = {
        "at": scopes.iso(change.now),
        "limit_seconds": limit.total_seconds() if limit is not None else None,
    }
    incident.facts = {**incident.facts, "solution": kept}


def _apply_case(
    change: Change, case: Case, action: Action, seen: Mapping[str, Any]
) -> dict[str, Any]:
    """The case as the action leaves it. What it left among the facts."""
    left: dict[str, Any] = {}
    facts = dict(case.facts)
    scope = {
        **seen,
        "case": {
            "kind": case.kind,
            "key": case.key,
            "state": str(case.state),
            "amount": case.amount.as_json() if case.amount else None,
            "outcome": case.outcome,
            "facts": facts,
        },
    }
    for path, template in action.case_facts.items():
        value = _worked_out(template, scope)
        if value is not None:
            facts = facts_of.put(facts, path, value)
            left = facts_of.put(left, path, value)
    if action.case_state is not None:
        state = _evaluated(action.case_state, scope)
        if state in _STATES:
            case.state = str(state)
    if action.patience_hours is not None and case.state == CaseState.WAITING:
        until = change.now + timedelta(hours=action.patience_hours)
        facts = facts_of.put(facts, facts_of.WAITS_UNTIL, until.isoformat())
    case.facts = facts
    if action.case_outcome is not None:
        outcome = _evaluated(action.case_outcome, scope)
        if isinstance(outcome, str) and outcome:
            case.outcome = outcome
    case.updated_at = change.now
    return left


def _worked_out(template: str, scope: Mapping[str, Any]) -> object | None:
    try:
        return expressions.value(template, scope)
    except ExpressionError:
        return None


def _evaluated(expression: str, scope: Mapping[str, Any]) -> object | None:
    try:
        return expressions.evaluate(expression, scope)
    except ExpressionError as error:
        log.warning("plan_expression_failed", expression=expression, error=str(error))
        return None


def batch_of(change: Change, attempts: Sequence[ActionAttempt]) -> dict[str, Any]:
    """What the log line of an action done per case sees as `batch`."""
    cases = {case.id: case for case in change.cases}
    done = [one for one in attempts if one.state == AttemptState.DONE]
    reached = [cases[number] for one in done for number in _covered(one) if number in cases]
    counts: dict[str, Counter[str]] = {}
    for one in done:
        for name, value in (one.response or {}).items():
            if isinstance(value, str | int | bool):
                counts.setdefault(name, Counter())[str(value)] += 1
    return {
        "total": len(attempts),
        "done": len(done),
        "failed": sum(one.state in (AttemptState.FAILED, AttemptState.REFUSED) for one in attempts),
        "unknown": sum(one.state == AttemptState.UNKNOWN for one in attempts),
        "customers": case_totals.customers(reached) or len(reached),
        "amount": case_totals.total(reached),
        "outcomes": dict(Counter(case.outcome for case in reached if case.outcome)),
        "counts": {name: dict(values) for name, values in counts.items() if len(values) <= 5},
    }


def _covered(attempt: ActionAttempt) -> Iterable[int]:
    return [int(number) for number in attempt.covers or ()]


def show_asked(change: Change, asked: Sequence[ActionAttempt]) -> None:
    """What needed no shop is done already; for the rest the runner goes to work."""
    if any(attempt.state not in PENDING for attempt in asked):
        settle_press(change, asked[0].press)
    change.show()


def ask_about(change: Change, attempt: ActionAttempt) -> None:
    """After a restore: once the shop was looked at for all of a press, the thread asks whether it
    was done; the buttons stand under its step."""
    session = change.session
    session.flush()
    looking = select(ActionAttempt.id).where(
        ActionAttempt.press == attempt.press, ActionAttempt.problem == restoration.LOOKING
    )
    if session.scalar(looking.limit(1)) is not None:
        return
    data = {
        "action": attempt.action,
        "attempt_id": attempt.id,
        "press": attempt.press,
        "step": attempt.step_id,
        "problem": restoration.ASKED,
    }
    entry = change.entry("restored_asked", data, actor=attempt.requested_by)
    notifications.announce(change, Event.STATUS, entry)


def settle_press(change: Change, press: str) -> None:
    """Called after each attempt: while one is pending the step runs; then it ends."""
    counts = _counts(change, press)
    if not counts:
        return
    if any(counts.get(state) for state in PENDING):
        _goes_on_running(change, press, unknown=bool(counts.get(AttemptState.UNKNOWN)))
        return
    attempts = attempts_of(change, press)
    action = change.plan.actions[attempts[0].action]
    place = _place(change, attempts[0])
    change.moved()
    request = approval_requests.of_press(change, press)
    if request is not None:
        approval_requests.show(change, request)
    done = [one for one in attempts if one.state == AttemptState.DONE]
    if action.kind == "internal":  # it is done with its press: no runner has brought its facts
        for attempt in done:
            apply_done(change, attempt, action)
    if not done:
        _nothing_done(change, action, attempts, place)
        return
    _some_done(change, action, attempts, done, place)


def _counts(change: Change, press: str) -> dict[str, int]:
    """How many attempts of the press stand in each state, from the index alone."""
    rows = change.session.execute(
        select(ActionAttempt.state, func.count())
        .where(ActionAttempt.press == press)
        .group_by(ActionAttempt.state)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def _goes_on_running(change: Change, press: str, *, unknown: bool) -> None:
    """Some are still on their way: the step says so, and is drawn once a second at most."""
    one = change.session.scalars(
        select(ActionAttempt).where(ActionAttempt.press == press).limit(1)
    ).one()
    place = _place(change, one)
    wanted = StepState.UNKNOWN if unknown else StepState.RUNNING
    if place is not None and one.undoes_id is None and place.row.state != wanted:
        place.row.state = wanted
        change.moved()
        change.show()
        return
    change.show(after=REDRAWN_EVERY)


def _place(change: Change, attempt: ActionAttempt) -> Place | None:
    if attempt.step_id is None or attempt.run_id is None:
        return None
    found = change.place(attempt.step_id)
    return found if found is not None and found.run.id == attempt.run_id else None


def _button(place: Place | None, attempt: ActionAttempt) -> Button | None:
    if place is None:
        return None
    return next((one for one in place.plan.buttons if one.id == attempt.button), None)


def _data(
    change: Change, action: Action, attempts: Sequence[ActionAttempt], place: Place | None
) -> dict[str, Any]:
    """The references and the snapshot of an action's log line."""
    shown = next((one for one in attempts if one.state == AttemptState.DONE), attempts[0])
    per_case = action.cases is not None
    seen = change.scope_with(**attempt_scope(change, shown))
    if per_case:
        seen["batch"] = batch_of(change, attempts)
    took = place is not None and bool((place.row.figures or {}).get("took"))
    if took and place is not None:
        place.row.figures = {**place.row.figures, "took": False}  # said once, in one line
    return {
        "action": action.id,
        "attempt_id": shown.id,
        "press": shown.press,
        "step": place.plan.id if place is not None else None,
        "took": took,
        "verified_at": scopes.iso(shown.settled_at)
        if action.verify is not None and not by_word(shown)
        else None,
        "scope": scopes.snapshot(seen),
        "form": seen["form"],
        **({"restored": True} if by_word(shown) else {"words": {"action": action.id}}),
    }


def by_word(attempt: ActionAttempt) -> bool:
    """Whether it is done by the word of a person, who says that it was before the restore."""
    return attempt.state == AttemptState.DONE and attempt.problem == restoration.ASKED


def _nothing_done(
    change: Change, action: Action, attempts: Sequence[ActionAttempt], place: Place | None
) -> None:
    """Nothing has changed in the shop: said to who pressed, and under the step."""
    first = attempts[0]
    problem = {"attempt": first.id, "action": action.id, "code": first.problem}
    if place is not None and first.undoes_id is None:
        step_completion.pending_again(change.incident, place.row)
        step_completion.mark_problem(place.row, problem)
    if first.button is not None and first.button.startswith("later:"):
        follow_up_prompts.reopen(change, first.button.split(":")[1])
    data = _data(change, action, attempts, place) | {"problem": first.problem}
    data.pop("words", None)  # those say that it was done
    entry = change.entry("action_failed", data, actor=first.requested_by)
    if first.problem == "effect_failed":  # the shop has done something: it stands in the thread
        notifications.announce(change, Event.STATUS, entry)
    thread_answers.tell_failed(change, action, first)
    change.show()


def _some_done(
    change: Change,
    action: Action,
    attempts: Sequence[ActionAttempt],
    done: Sequence[ActionAttempt],
    place: Place | None,
) -> None:
    first = done[0]
    entry: TimelineEntry
    if _goes_on(change, action, done, place):
        # Where the plan says so, the last action of the chain speaks for both, unless some failed.
        entry = change.entry(
            "action_done",
            _data(change, action, attempts, place),
            actor=first.requested_by,
        )
        if len(done) < len(attempts) or not action.quiet_in_chain:
            notifications.announce(change, Event.STATUS, entry)
        _say_what_failed(change, action, attempts, place)
        change.show()
        return
    data = _data(change, action, attempts, place)
    kind = "action_undone" if first.undoes_id is not None else "action_done"
    entry = change.entry(kind, data, actor=first.requested_by)
    if place is None:
        notifications.announce(change, Event.STATUS, entry)
        undo.taken_back(change, None, first)
        step_completion.settle_runs(change)
        follow_up_prompts.ask_due(change)
        change.show()
        return
    if first.undoes_id is not None:
        undo.taken_back(change, place, first)
        step_completion.after(change, place, entry, posted=True)
        return
    undo.taken_back(change, None, first)  # what one step does may take back what another did
    step_completion.note_button(place.row, first.button)
    button = _button(place, first)
    if _completes(change, button, attempts, first):
        branch_id = (place.row.figures or {}).get("branch")
        branch = next((one for one in place.plan.branches if one.id == branch_id), None)
        step_completion.mark_problem(place.row, None)
        step_completion.mark_done(
            change,
            place,
            actor=first.requested_by,
            verified=action.verify is not None and not by_word(first),
            branch=branch,
        )
        effects.keep(change, place, done)
        step_completion.after(change, place, entry, posted=True)
        mitigation.look_regularly(change)
        return
    step_completion.pending_again(change.incident, place.row)
    _say_what_failed(change, action, attempts, place)
    step_completion.after(change, place, entry, posted=True)


def _say_what_failed(
    change: Change, action: Action, attempts: Sequence[ActionAttempt], place: Place | None
) -> None:
    """What of a press was not done stands under the step, and who pressed hears of a failure."""
    failed = next((one for one in attempts if one.state != AttemptState.DONE), None)
    if place is not None and failed is not None:
        problem = {"attempt": failed.id, "action": action.id, "code": failed.problem}
        step_completion.mark_problem(place.row, problem)
    elif place is not None:
        before = (place.row.figures or {}).get("problem") or {}
        if before.get("action") == action.id:
            step_completion.mark_problem(place.row, None)
    if failed is not None and failed.problem == "effect_failed":
        thread_answers.tell_failed(change, action, failed)


def _goes_on(
    change: Change, action: Action, done: Sequence[ActionAttempt], place: Place | None
) -> bool:
    """Whether the next action of the chain was asked for, by the same person (Action.then).

    It reaches the cases of this press alone: who pressed was shown no other.
    """
    if action.then is None:
        return False
    attempt = done[0]
    only = frozenset(number for one in done for number in _covered(one))
    following = change.plan.actions[action.then]
    asker = change.house.actor(attempt.requested_by)
    next_change = Change(change.session, change.house, change.incident, asker, change.now)
    wish = requests.Wish(
        following, place, attempt.button, approved_by=attempt.approved_by, only=only or None
    )
    asked = requests.request_action(next_change, wish)
    if not isinstance(asked, list):
        return False
    settle_press(next_change, asked[0].press)
    return True


def _completes(
    change: Change,
    button: Button | None,
    attempts: Sequence[ActionAttempt],
    first: ActionAttempt,
) -> bool:
    """Whether the step is finished by it."""
    if button is None or not button.completes:
        return False
    if button.completes_when is not None:
        seen = change.scope_with(**attempt_scope(change, first))
        return expressions.holds(button.completes_when, seen)
    return all(one.state == AttemptState.DONE for one in attempts)
