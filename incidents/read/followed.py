"""Followed: verdict on whether the plan was followed, from the steps, the actions and the end that
was seen.

Nothing is taken for granted (rule 12): a step that nobody did is open, an end that no look and no
check showed is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from incidents.read.reader import Reader
from incidents.runbooks.places import Place
from plan.model import Words
from storage.models import ActionAttempt, AttemptState, StepState

End = Literal["seen", "failing", "not_seen"]
_LEFT = frozenset({StepState.PENDING, StepState.RUNNING, StepState.UNKNOWN})


@dataclass(frozen=True)
class Followed:
    """`end`: seen to work again, failing by the check when it was closed, or seen by nobody."""

    touched: bool  # somebody did something of it
    end: End
    needed: int  # steps that were to be done, without not needed ones
    left: tuple[tuple[Words, dict[str, Any]], ...]  # of these, neither done nor skipped


def followed(reader: Reader) -> Followed:
    places = [place for run in reader.runs for place in reader.places(run)]
    needed = [place for place in places if not _not_needed(reader, place)]
    return Followed(
        touched=any(True for _ in _touches(reader.attempts, places)),
        end=_end(reader),
        needed=len(needed),
        left=tuple(
            (place.plan.title, dict(reader.scope)) for place in needed if place.row.state in _LEFT
        ),
    )


def _not_needed(reader: Reader, place: Place) -> bool:
    pending = place.row.state == StepState.PENDING
    if place.plan.in_review:
        return pending  # resolving asks for it, it is in nobody's way
    return place.row.state == StepState.NOT_NEEDED or (pending and place.optional(reader.scope))


def _touches(attempts: Sequence[ActionAttempt], places: Sequence[Place]) -> Iterator[str]:
    """What a person did of the runbook. The opening is no step that anybody took."""
    for attempt in attempts:
        if _person(attempt.requested_by):
            yield attempt.action
    for place in places:
        ended = place.row.state in (StepState.DONE, StepState.SKIPPED)
        if ended and not place.plan.done_by_opening and _person(place.row.actor):
            yield place.plan.id


def _person(actor: str | None) -> bool:
    return actor is not None and actor.startswith(("U", "W"))


def _end(reader: Reader) -> End:
    incident = reader.incident
    if incident.mitigated_at is not None:
        return "seen"
    watched = bool((incident.facts.get("check") or {}).get("name"))
    return "failing" if watched and incident.recovered_at is None else "not_seen"


def looked_at(reader: Reader, attempts: Sequence[ActionAttempt]) -> bool:
    """Whether every attempt of a press was seen in the shop: the answer alone is no look."""
    action = reader.plan.actions[attempts[0].action]
    return action.verify is not None and all(one.state == AttemptState.DONE for one in attempts)
