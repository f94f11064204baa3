"""Hold of an effect: it works, and is watched for a while before the incident counts as mitigated.

Several looks at the effect, at the checks, and at what the plan names beside them (`Step.hold`).
The looks are made outside of the unit of work, when the timer is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from incidents.alerting.escalation import timer
from incidents.change import Change
from incidents.runbooks.places import Place
from incidents.shop_actions import effects
from incidents.shop_actions.looks import GuardLooks, WantedLook, problem_of
from plan import expressions
from plan.model import Hold
from storage.models import Effect, Incident

TIMER = "hold"
_SELDOM = timedelta(minutes=5)  # looks after it could not be seen whether it works


def begin(change: Change, place: Place) -> bool:
    """Starts watching after a step that mitigates. False: there is nothing that can be watched,
    so the word of who did it stands."""
    incident, plan = change.incident, place.plan.hold
    own = [one for one in effects.standing(change.session, incident) if _of(one, place)]
    watched = bool(own) or incident.checked_at is not None
    if not watched or plan.seconds == 0:
        return False
    incident.works_since = change.now
    incident.watched_until = change.now + timedelta(seconds=plan.seconds)
    incident.failed_runs = 0  # what failed before the effect was seen says nothing about it
    incident.hold = {
        "step": place.plan.id,
        "run": place.run.id,
        "mark": change.now.isoformat(),
        "good": 0,
        "bad": 0,
    }
    _next_look(change, plan)
    change.moved()
    return True


def end(change: Change) -> None:
    """It is watched no more."""
    incident = change.incident
    incident.works_since = incident.watched_until = incident.hold = None


def step_of(change: Change) -> Place | None:
    """The step whose effect is watched."""
    kept = change.incident.hold or {}
    found = change.place(str(kept.get("step")))
    return found if found is not None and found.run.id == kept.get("run") else None


def is_current(change: Change, payload: Any) -> bool:
    """Whether a look belongs to what is watched now, not to an earlier hold."""
    kept = change.incident.hold
    return kept is not None and kept["mark"] == payload.get("mark")


def wanted(change: Change) -> tuple[WantedLook, ...]:
    """What is to be looked at now: the effects, and what the plan names beside them."""
    place = step_of(change)
    if place is None:
        return ()
    scope = _scope(change, place)
    beside = [
        WantedLook(f"{TIMER}:{index}", look.look, None, scope)
        for index, look in enumerate(place.plan.hold.looks)
    ]
    return (*effects.wanted(change), *beside)


def note(change: Change, place: Place, looks: GuardLooks) -> int:
    """Counts one round of looks beside the effect; how many were bad, one after the other."""
    kept = dict(change.incident.hold or {})
    good, bad = bool(place.plan.hold.looks) or effects.mitigating(change), False
    scope = _scope(change, place)
    for index, how in enumerate(place.plan.hold.looks):
        look = looks.of(f"{TIMER}:{index}", None, change.now)
        if problem_of(look) is not None:
            good = False  # nothing was seen: neither good nor bad
            continue
        seen = {**scope, "look": look}
        effects.learn(change, how, seen)
        if not expressions.holds(how.holds, seen):
            good, bad = False, True
    kept["good"] = int(kept.get("good", 0)) + 1 if good else 0 if bad else kept.get("good", 0)
    kept["bad"] = int(kept.get("bad", 0)) + 1 if bad else 0
    change.incident.hold = kept
    return int(kept["bad"])


def enough(change: Change, place: Place) -> bool:
    """Whether the samples suffice to speak of a rate."""
    good = int((change.incident.hold or {}).get("good", 0))
    return expressions.holds(place.plan.hold.enough, change.scope_with(looks=good))


def go_on(change: Change, place: Place) -> bool:
    """Watched further: until the end that was said, for one more look, or where nothing was seen
    by the very end, seldom and without an end. Whether that is so from now on."""
    incident, now, plan = change.incident, change.now, place.plan.hold
    ended = is_over(change)
    if not is_unseen(incident) and ended:
        limit = timedelta(seconds=max(plan.at_most, plan.seconds))
        change.moved()
        if now >= (incident.works_since or now) + limit:
            incident.hold = {**(incident.hold or {}), "unseen": now.isoformat()}
            _next_look(change, plan)
            return True
        incident.watched_until = now + timedelta(seconds=plan.every)
    _next_look(change, plan)
    return False


def is_unseen(incident: Incident) -> bool:
    """Whether it is watched for so long that it was said that nothing could be seen."""
    return bool((incident.hold or {}).get("unseen"))


def is_over(change: Change) -> bool:
    until: datetime | None = change.incident.watched_until
    return until is not None and until <= change.now


def _next_look(change: Change, plan: Hold) -> None:
    until = change.incident.watched_until
    kept = change.incident.hold or {}
    seldom = is_unseen(change.incident) and not kept.get("bad")
    due = change.now + (_SELDOM if seldom else timedelta(seconds=plan.every))
    if until is not None and change.now < until < due + timedelta(seconds=plan.every / 2):
        due = until  # the last look is at the end that was said
    mark = str(kept.get("mark"))
    timer(change, TIMER, due, key=f"{mark}/{due.isoformat()}", mark=mark)


def _of(effect: Effect, place: Place) -> bool:
    return (effect.run_id, effect.step_id) == (place.run.id, place.plan.id)


def _scope(change: Change, place: Place) -> dict[str, Any]:
    seen = change.scope
    own = [one for one in effects.of_step(change.session, place) if _of(one, place)]
    return {**seen, **effects.attempt_scope(change.session, own[-1])} if own else seen
