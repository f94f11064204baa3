"""Attempts of an action: the domain's side of them, as the runner calls it
(`actions.model.Book`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.model import Assignment, Settled
from incidents import loading, privacy, restoration
from incidents.change import Change
from incidents.organisation import House
from incidents.shop_actions import action_outcomes, customer_messages, requests, told_orders
from plan import answer_fields as names
from plan import expressions
from plan.answer_fields import only
from plan.model import Plan
from storage.models import ActionAttempt, AttemptState, Incident
from storage.types import Personal

_FINAL = (AttemptState.DONE, AttemptState.FAILED, AttemptState.REFUSED)


class AttemptBook:
    """Loads attempts for the runner and takes their outcomes, inside transactions."""

    def __init__(self, house: House) -> None:
        self._house = house

    def load(self, session: Session, attempt_id: int) -> Assignment:
        """The attempt with what its expressions see."""
        attempt = session.get_one(ActionAttempt, attempt_id)
        incident = session.get_one(Incident, attempt.incident_id)
        plan = loading.plan_of(session, self._house, incident)
        change = Change(
            session,
            self._house,
            incident,
            self._house.actor(attempt.requested_by),
            attempt.requested_at,
        )
        cases = action_outcomes.case_lines(change, attempt)
        scope: dict[str, Any] = action_outcomes.scope_for(change, plan.actions[attempt.action])
        scope["actor"] = change.actor_name
        scope["form"] = dict((attempt.hidden or {}).get("form", {}))
        if cases:
            scope |= {"case": cases[0].scope(), "group": [case.scope() for case in cases]}
        return Assignment(
            attempt_id=attempt.id,
            key=attempt.key,
            action=plan.actions[attempt.action],
            params={**attempt.params, **(attempt.hidden or {}).get("params", {})},
            state=AttemptState(attempt.state),
            before=attempt.before,
            response=attempt.response,
            sent_at=attempt.sent_at,
            looks=attempt.looks,
            scope=scope,
            kept=self._kept(plan),
            problem=attempt.problem,
            doubt=restoration.doubt_of(session, incident, attempt, plan.actions[attempt.action]),
        )

    def sent(
        self, session: Session, attempt_id: int, before: Mapping[str, Any] | None, now: datetime
    ) -> None:
        """WRITTEN → SENT, with the state before. A repetition keeps the first state before."""
        attempt = self._locked(session, attempt_id)
        if attempt.state in _FINAL:
            return
        if attempt.state == AttemptState.WRITTEN:
            incident = session.get_one(Incident, attempt.incident_id)
            kept = self._kept(loading.plan_of(session, self._house, incident))
            attempt.before = only(before, kept) if before is not None else attempt.before
            attempt.state = AttemptState.SENT
        attempt.sent_at = now
        change = self._change(session, attempt, now)
        change.audit("sent", attempt.action, data={"attempt": attempt.key}, before=before)

    def word(self, session: Session, attempt_id: int, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        """The message written anew from fresh looks at its orders; the attempt's parameters."""
        attempt = self._locked(session, attempt_id)
        assignment = self.load(session, attempt_id)
        action, scope = assignment.action, dict(assignment.scope)
        if action.message is None or attempt.state in _FINAL:
            return assignment.params
        group = [
            customer_messages.read(action.message, case, seen[str(case["key"])], scope)
            for case in scope["group"]
        ]
        letter = customer_messages.write(
            action.message,
            told_orders.kind_of(action, scope) or action.id,
            group,
            scope,
            self._house.customer_language,
        )
        seen_now = {**scope, "case": group[0], "group": group, "message": letter.scope()}
        worded = {
            name: expressions.value(template, seen_now)
            for name, template in action.params.items()
            if "message." in template
        }
        attempt.params = {**attempt.params, **worded}
        return {**assignment.params, **worded}

    def settle(self, session: Session, attempt_id: int, settled: Settled, now: datetime) -> None:
        """Takes an outcome over. A final one is final: what comes after it changes nothing."""
        attempt = self._locked(session, attempt_id)
        if attempt.state in _FINAL:
            return
        change = self._change(session, attempt, now)
        attempt.state = settled.state
        if settled.problem == restoration.AGAIN:  # nothing was sent, and no step can ask about it
            attempt.state = AttemptState.REFUSED
        attempt.problem = settled.problem
        detail = privacy.masked(settled.detail) if settled.detail else None
        attempt.problem_detail = Personal(detail) if detail else None
        kept = self._kept(change.plan)
        for name in ("before", "after", "response"):
            value = getattr(settled, name)
            if value is not None:
                setattr(attempt, name, only(value, kept))
        action = change.plan.actions[attempt.action]
        result = {
            AttemptState.DONE: "done",
            AttemptState.REFUSED: "refused",
            AttemptState.UNKNOWN: "unknown",
        }.get(AttemptState(attempt.state), "failed")
        change.audit(
            "action",
            attempt.action,
            result=result,
            data={"attempt": attempt.key, "problem": settled.problem},
            before=attempt.before,
            after=attempt.after,
        )
        if attempt.state != AttemptState.UNKNOWN:
            attempt.settled_at = now
        elif attempt.problem == restoration.ASKED:
            action_outcomes.ask_about(change, attempt)
        else:
            requests.watch_unknown(change, attempt)
        told_orders.follow(session, attempt, now)
        if settled.state == AttemptState.DONE:
            action_outcomes.apply_done(change, attempt, action)
        session.flush()
        action_outcomes.settle_press(change, attempt.press)

    def _kept(self, plan: Plan) -> frozenset[str]:
        """The fields of the shop's answers that the plan or the configuration speaks of."""
        return names.names_of(plan) | self._house.shop_names

    @staticmethod
    def _locked(session: Session, attempt_id: int) -> ActionAttempt:
        """The incident first, then the attempt: every unit locks in this order."""
        incident_id = session.scalar(
            select(ActionAttempt.incident_id).where(ActionAttempt.id == attempt_id)
        )
        session.get_one(Incident, incident_id, with_for_update=True, populate_existing=True)
        return session.get_one(
            ActionAttempt, attempt_id, with_for_update=True, populate_existing=True
        )

    def _change(self, session: Session, attempt: ActionAttempt, now: datetime) -> Change:
        incident = session.get_one(Incident, attempt.incident_id)
        actor = self._house.actor(attempt.requested_by)
        return Change(session, self._house, incident, actor, now)
