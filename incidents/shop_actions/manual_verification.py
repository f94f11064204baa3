"""Manual verification: an action whose outcome the shop cannot tell, a person looks there and says
what they saw.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from incidents import restoration
from incidents.change import Change
from incidents.lifecycle.closing_state import LEFT_TO_A_PERSON
from incidents.runbooks.places import Place
from incidents.shop_actions import action_outcomes, told_orders
from storage.models import ActionAttempt, AttemptState

HAPPENED, NOT_HAPPENED = "happened", "not_happened"
BUTTONS = (HAPPENED, NOT_HAPPENED)


def left_to_a_person(change: Change, place: Place) -> list[ActionAttempt]:
    """The step's attempts that only a person can settle; none while the shop is still looked at
    for some of them, for one answer is given about all."""
    found = list(
        change.session.scalars(
            select(ActionAttempt)
            .where(
                ActionAttempt.run_id == place.run.id,
                ActionAttempt.step_id == place.plan.id,
                ActionAttempt.state == AttemptState.UNKNOWN,
                ActionAttempt.problem.in_((*LEFT_TO_A_PERSON, restoration.LOOKING)),
            )
            .order_by(ActionAttempt.id)
        )
    )
    return [] if any(one.problem == restoration.LOOKING for one in found) else found


def decide(change: Change, attempts: Sequence[ActionAttempt], *, happened: bool) -> None:
    """Takes the person's word; who said so stands in the audit.

    Of what was looked at after a restore, it is said of those that the shop shows, where it shows
    some and not others.
    """
    shown = [one for one in attempts if restoration.shows(one)]
    for attempt in attempts:
        after_restore = attempt.problem == restoration.ASKED
        was_done = happened and (not after_restore or not shown or attempt in shown)
        attempt.state = AttemptState.DONE if was_done else AttemptState.FAILED
        attempt.settled_at = change.now
        if after_restore and was_done:
            attempt.response = restoration.taken_over(attempt)
        elif after_restore:
            attempt.problem = restoration.NOT_DONE
        change.audit(
            "seen_by_a_person",
            attempt.action,
            result="done" if was_done else "failed",
            data={"attempt": attempt.key, "seen_by": change.actor.user_id},
        )
        told_orders.follow(change.session, attempt, change.now)
        if was_done:
            action_outcomes.apply_done(change, attempt, change.plan.actions[attempt.action])
    change.session.flush()
    for press in dict.fromkeys(attempt.press for attempt in attempts):
        action_outcomes.settle_press(change, press)
