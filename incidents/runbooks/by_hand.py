"""By hand: a step whose door the shop has not, done in the shop's own systems and said here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents import authorise
from incidents import scope as scopes
from incidents.change import Change
from incidents.doors import Doors
from incidents.lifecycle import ownership
from incidents.outcome import Outcome
from incidents.runbooks import forms, press_conflicts, runbook, step_completion
from incidents.runbooks.places import Place
from incidents.snapshot import Snapshot

BY_HAND = "by_hand"


def lacks(snapshot: Snapshot, place: Place) -> tuple[str, ...]:
    """What muster.yaml would need for the buttons that the step could offer now; empty: nothing."""
    plan, doors = snapshot.plan, snapshot.house.doors
    found = runbook.offers_of(plan, place.plan, snapshot.cases, snapshot.scope, Doors())
    actions = [plan.actions[one.button.action] for one in found if one.button.action is not None]
    return tuple(dict.fromkeys(path for action in actions for path in doors.lacks(action)))


def record(change: Change, place: Place, values: Mapping[str, Any] | None) -> Outcome:
    """The step is done on a person's word, which the log names as such. It mitigates nothing: what
    was not seen is not said, and the check sees what became of it."""
    refused = (
        authorise.refuse_step(change, place.plan)
        or press_conflicts.in_the_way(change, place)
        or _order(change, place)
    )
    if refused is not None:
        return refused
    if not lacks(change, place):
        return Outcome.refused("not_offered")
    what = forms.free_text(change, (values or {}).get("reason"), "reason", maximum=500)
    if isinstance(what, Outcome):
        return what
    took = ownership.take_by_acting(change)
    place.row.figures = {**(place.row.figures or {}), "took": took}
    step_completion.note_button(place.row, BY_HAND)
    step_completion.mark_done(change, place, actor=change.actor.user_id)
    data = {"step": place.plan.id, "took": took, "scope": scopes.snapshot(change.scope)}
    entry = change.entry("done_by_hand", data, text=what.personal)
    change.audit("by_hand", place.plan.id)
    step_completion.after(change, place, entry, posted=True, seen=False)
    return Outcome.done(quiet=True)


def _order(change: Change, place: Place) -> Outcome | None:
    """What must come first."""
    seen = change.scope
    missing = runbook.missing(change.places(place.run), place, seen)
    if missing is None:
        return None
    return Outcome.refused(missing.why, first=missing.place.plan.title, scope=seen)
