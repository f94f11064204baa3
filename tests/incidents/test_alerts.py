"""What other systems say, in whatever order: the last word about each key counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from checks.alerts.model import Alert
from checks.model import CheckResult, Finding
from incidents.detection.alerts import take_alerts
from incidents.detection.findings import Taken
from incidents.read.card import card
from incidents.read.resolve import resolve_view
from storage import work
from storage.forgetting import forget_alerts
from storage.models import AlertState, CheckState, Incident, Status, WorkItem, WorkState
from storage.restore_marks import mark_restored
from tests.incidents.world import DAY, World

T0 = DAY - timedelta(hours=1)
SUBJECT = "service:search"
FIRES: dict[str, Any] = {
    "key": "k", "subject": SUBJECT, "incident_type": "system_crash", "facts": {"service": "search"},
}  # fmt: skip


def fires(**given: Any) -> Alert:
    return Alert(**{**FIRES, **given})


def over(**given: Any) -> Alert:
    return Alert(**{"key": "k", "over": True, **given})


def hears(
    world: World, *alerts: Alert, after: float = 60, received: datetime | None = None
) -> Taken:
    world.now += timedelta(seconds=after)
    at = received or world.now
    return world.write(lambda s: take_alerts(s, world.house, "ids", alerts, at, world.now))


def recovered(world: World, number: int = 1) -> bool:
    return world.incident(number).recovered_at is not None


@pytest.fixture
def door(world: World) -> World:
    world.now = DAY
    return world


def test_a_body_that_is_worked_on_again_changes_nothing(either: World) -> None:
    """As after a crash amid the work: on both engines."""
    either.now = DAY
    alert = fires(started=T0, says="It does not answer.")
    assert hears(either, alert).opened == (1,)
    before = either.kinds()
    hears(either, alert, after=0)
    assert either.kinds() == before
    assert hears(either, over(started=T0)).recovered == (1,)
    hears(either, over(started=T0), after=0)
    assert either.kinds().count("recovered") == 1
    assert either.incident().status == Status.MITIGATED


@pytest.mark.parametrize(
    ("words", "after", "ends"),
    [
        # of the same outage a straggler does nothing; what comes later is believed
        ([fires(started=T0), over(started=T0), fires(started=T0)], 60, True),
        ([fires(started=T0), over(started=T0), fires(started=T0)], 400, False),
        # an older outage, a newer one
        ([fires(started=T0), over(started=T0 - timedelta(hours=1))], 60, False),
        ([fires(started=T0), over(started=T0), fires(started=T0 - timedelta(hours=1))], 400, True),
        ([fires(started=T0), over(started=T0), fires(started=T0 + timedelta(hours=1))], 60, False),
        # of one without a time the order counts
        ([fires(), over(), fires()], 60, False),
        ([fires(), over()], 60, True),
        ([over(), fires()], 60, False),
        ([fires(started=T0), over()], 60, True),
    ],
)
def test_the_last_word_counts(door: World, words: list[Alert], after: float, ends: bool) -> None:
    for alert in words:
        hears(door, alert, after=after)
    assert recovered(door) is ends
    assert len(door.all(Incident)) == 1


def test_a_word_that_came_in_before_the_last_one_does_nothing(door: World) -> None:
    """Of two replicas the second was the quicker."""
    hears(door, fires())
    hears(door, over())
    hears(door, fires(), after=1, received=door.now - timedelta(seconds=30))
    assert recovered(door)


def test_what_began_and_was_over_in_one_body_is_told_and_over(door: World) -> None:
    """The other way round it goes on."""
    taken = hears(door, fires(), over())
    assert (taken.opened, taken.recovered) == ((1,), (1,))
    hears(door, over(), fires())
    assert not recovered(door)


def test_what_is_over_before_it_was_told_opens_nothing(door: World) -> None:
    hears(door, over(started=T0))
    assert door.all(Incident) == []
    assert door.read(lambda s: s.get(AlertState, ("ids", "k"))) is None


def test_it_is_not_over_while_a_check_fails_on_the_same_subject(door: World) -> None:
    """Two who watch one subject are one incident, and both have to be content."""
    finding = Finding(SUBJECT, "system_crash", {"service": "search", "error": "refused"})

    def looks(**seen: Any) -> Taken:
        door.now += timedelta(seconds=60)
        return door.check(CheckResult("search", door.now, **seen))

    hears(door, fires())
    looks(findings=(finding,))
    assert len(door.all(Incident)) == 1
    hears(door, over())
    assert not recovered(door)
    assert looks(healthy_subjects=(SUBJECT,)).recovered == (1,)
    looks(findings=(finding,))
    hears(door, fires())
    looks(healthy_subjects=(SUBJECT,))
    assert not recovered(door), "the other system has not said that it is over"
    assert hears(door, over()).recovered == (1,)


def test_a_check_that_is_configured_no_more_keeps_nothing_open(tmp_path: Any) -> None:
    world = World.create(tmp_path, checks=frozenset({"ids"}))
    world.now = DAY
    finding = Finding(SUBJECT, "system_crash", {"service": "search"})
    world.check(CheckResult("gone", world.now, findings=(finding,)))
    hears(world, fires())
    assert hears(world, over()).recovered == (1,)
    world.close()


def test_a_key_that_moves_to_another_subject_leaves_the_first(door: World) -> None:
    hears(door, fires())
    hears(door, fires(subject="service:basket", facts={"service": "basket"}))
    assert recovered(door, 1)
    assert not recovered(door, 2)


def test_two_of_one_subject_in_one_body_are_one(door: World) -> None:
    """The more severe leads; what either knows is known."""
    both = (
        fires(key="a", severity=3, facts={"part": True, "service": "x"}, started=T0),
        fires(key="b", severity=1, says="No answer."),
    )
    assert hears(door, *both).opened == (1,)
    incident = door.incident()
    assert (incident.severity, incident.facts["part"]) == (1, True)
    assert (incident.facts["service"], incident.started_at) == ("search", T0)
    assert incident.description is not None
    assert incident.description.reveal() == "No answer."


def test_what_looks_personal_is_not_shown_and_tells_one_from_another(door: World) -> None:
    one, other = "ids:+886 912 345 678", "ids:+886 912 345 679"
    hears(door, fires(key="a", subject=one, says="by wang@example.com"))
    rule = {"rule": "of +886 912 345 678"}
    hears(door, fires(key="b", subject=other, incident_type="security_anomaly", facts=rule))
    subjects = {incident.subject for incident in door.all(Incident)}
    assert len(subjects) == 2
    assert all("912" not in subject for subject in subjects)
    said = door.incident(1).description
    assert said is not None
    assert said.reveal() == "by •••"
    assert door.incident(2).facts["rule"] == "of •••"


def test_the_card_says_whose_word_it_is(door: World) -> None:
    hears(door, fires())
    assert shown(door).said_over is None
    hears(door, over(ended=T0))
    assert shown(door).said_over == ("ids", door.now)
    assert (shown(door).door, shown(door).unwatched) == ("ids", None)
    hears(door, fires(), after=600)
    assert shown(door).said_over is None


def shown(world: World) -> Any:
    number = world.incident().id
    return world.read(lambda s: card(s, world.house, number, world.now))


def test_who_resolves_is_told_that_the_source_has_not_said_so(door: World) -> None:
    """Not that a check still fails: nobody of ours looks."""
    hears(door, fires())
    view = door.read(lambda s: resolve_view(s, door.house, 1, door.now, None))
    assert view.failing_door == "ids"


def test_after_it_was_resolved_by_a_person_it_comes_anew(door: World) -> None:
    hears(door, fires())
    door.write(lambda s: _close(door, s))
    assert hears(door, fires(), after=3600).opened == (2,)
    assert door.incident(2).follows == door.incident(1).id


def _close(world: World, session: Any) -> None:
    incident = session.get_one(Incident, 1)
    incident.status, incident.resolved_at = Status.RESOLVED, world.now


def test_what_was_answered_before_a_backup_is_worked_on_after_it(door: World) -> None:
    """Not set aside as a press is: what it says is held against what is known by then."""

    def unit(session: Any) -> str:
        for key in ("alert:ids:1", "event:Ev1"):
            work.enqueue(session, kind="intake", key=key, payload={}, due=door.now, now=door.now)
        session.flush()
        assert mark_restored(session, door.now).presses == 1
        rows = select(WorkItem.state).where(WorkItem.key == "alert:ids:1")
        return str(session.scalar(rows))

    assert door.write(unit) == WorkState.PENDING


def test_what_nobody_speaks_of_any_more_is_forgotten(door: World) -> None:
    hears(door, fires())
    door.now += timedelta(days=29)
    assert door.write(lambda s: forget_alerts(s, door.now)) == 0
    door.now += timedelta(days=2)
    assert door.write(lambda s: forget_alerts(s, door.now)) == 1
    assert door.read(lambda s: list(s.scalars(select(CheckState.subject)))) == [""]
