"""What rings whom: the escalation with a driven clock, Do Not Disturb, the night."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks.model import CaseFound, CheckResult, Finding
from incidents import read
from incidents.alerting.notifications import TABLE, Event
from incidents.lifecycle import commands
from message_templates.engine import Templates
from storage.models import Status, TimelineEntry
from tests.incidents.world import DAY, JO, KAI, LIN, MEI, NIGHT, World, channel_down, money


def sent(world: World) -> list[tuple[str, str, str | None]]:
    """Direct messages and pages in their order: what, template, to whom."""
    return [
        (m.payload["do"], m.payload["template"], m.payload.get("person"))
        for m in world.messages()
        if m.payload["do"] in ("direct", "page")
    ]


def test_every_event_has_its_row() -> None:
    assert set(TABLE) == set(Event)
    for row in TABLE.values():
        assert (row.how == "edit") == (not row.where)


def test_nobody_takes_it_then_duty_deputy_and_page_are_rung_in_turn(world: World) -> None:
    world.channel_fails(3, every=0)
    world.advance(299)
    assert sent(world) == []
    world.advance(2)
    assert sent(world) == [("direct", "remind", MEI)]
    world.advance(300)
    assert sent(world)[1:] == [("direct", "escalation", KAI)]
    world.advance(300)
    assert sent(world)[2:] == [("page", "page", None)]
    world.advance(24 * 3600)
    assert len(sent(world)) == 3
    params = next(m.payload["params"] for m in world.messages("direct"))
    card, filled = world.read(lambda s: read.notice(s, world.house, 1, params, world.now))
    assert (filled["minutes"], filled["next"].name) == (5, "Kai")
    for language in ("en", "zh-Hant"):
        drawn = Templates().render("remind", card, language=language, params=filled)
        assert "Kai" in repr(drawn.blocks)


def test_taking_it_ends_the_escalation_and_the_page(world: World) -> None:
    world.channel_fails(3)
    world.advance(901)
    assert ("page", "page", None) in sent(world)
    assert world.take(KAI).ok
    assert [m.payload["action"] for m in world.messages("page")] == ["trigger", "acknowledge"]
    count = len(sent(world))
    world.advance(3600)
    assert len(sent(world)) == count


def test_do_not_disturb_is_passed_over_at_once_and_the_card_says_so(world: World) -> None:
    world.presence[MEI] = NIGHT + timedelta(hours=5)
    world.channel_fails(3)
    world.advance(1)
    assert sent(world) == [("direct", "escalation", KAI)]
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    assert [(who.name, until) for who, until in view.passed_over] == [
        ("Mei", NIGHT + timedelta(hours=5))
    ]
    assert view.rung_instead is not None
    assert view.rung_instead.name == "Kai"
    assert "Kai was rung at once" in repr(Templates().render("card", view, language="en").blocks)
    world.advance(301)
    assert sent(world)[1:] == [("direct", "remind", KAI)]  # Mei still sleeps


def test_nobody_in_line_can_be_rung_so_the_page_goes_out(world: World) -> None:
    world.presence = {MEI: NIGHT + timedelta(hours=5), KAI: NIGHT + timedelta(hours=5)}
    world.channel_fails(3)
    world.advance(301)
    assert sent(world) == [("page", "page", None)]


def small(world: World, subject: str = "orders:amounts", severity: int | None = None) -> None:
    """A SEV3 of the order family."""
    finding = Finding(
        subject,
        "payment_amount_mismatch",
        facts={"orders": 1, "over": {"orders": 1}},
        cases=(
            CaseFound("order", f"FG-{subject}", money(1), "c", facts={"delta": money(1).as_json()}),
        ),
        severity=severity,
    )
    world.check(CheckResult("amounts", world.now, findings=(finding,), open_after=1))


def test_a_sev3_at_night_rings_nobody_until_the_morning(world: World) -> None:
    small(world)
    small(world, "orders:other")
    assert world.incident().severity == 3
    assert world.messages("post")[0].payload["ring"] == []
    assert world.rings() == []
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    assert view.ring_group is None
    world.advance(4 * 3600)  # 07:07
    assert sent(world) == []
    world.advance(3600)  # 08:07
    direct = [m for m in world.messages("direct") if m.key.startswith("message:morning/")]
    assert len(direct) == 1
    card, params = world.read(
        lambda s: read.notice(s, world.house, 1, direct[0].payload["params"], world.now)
    )
    text = Templates().render("your_turn", card, language="en", params=params).text
    assert "INC-1" in text
    assert "INC-2" in text


def test_a_sev3_by_day_rings_its_role(world: World) -> None:
    world.now = DAY
    small(world)
    assert world.messages("post")[0].payload["ring"] == ["S0CSDESK"]
    assert [ring.target for ring in world.rings(LIN)] == ["S0CSDESK"]


def test_severity_raised_by_hand_starts_the_escalation(world: World) -> None:
    world.now = DAY
    small(world)
    outcome = world.write(
        lambda s: commands.change_severity(s, world.house, 1, world.actor(JO), 1, world.now)
    )
    assert outcome.ok
    world.advance(301)
    assert ("direct", "remind", LIN) in sent(world)


@pytest.mark.parametrize("who", [JO, LIN, None])
def test_worse_and_owned_by_nobody_rings_at_once(world: World, who: str | None) -> None:
    """A SEV3 of the night rang nobody; as a SEV1 it rings, by a person or by the check."""
    small(world)
    assert world.rings() == []
    if who is None:
        small(world, severity=1)
    else:
        world.write(
            lambda s: commands.change_severity(s, world.house, 1, world.actor(who), 1, world.now)
        )
    worse = [m.payload["person"] for m in world.messages("direct")]
    assert worse == ([] if who == LIN else [LIN])  # who did it knows
    world.advance(301)
    assert ("direct", "remind", LIN) in sent(world)


def test_twice_as_many_cases_is_told_to_the_owner(world: World) -> None:
    few = [CaseFound("order", f"FG-{n}", money(1), f"c{n}") for n in range(10)]
    many = [CaseFound("order", f"FG-{n}", money(1), f"c{n}") for n in range(25)]
    for _ in range(3):
        world.check(channel_down(world.now, cases=few))
    world.take(MEI)
    world.check(channel_down(world.now, cases=few))
    assert "got_worse" not in world.kinds()
    world.check(channel_down(world.now, cases=many))
    [worse] = [one for one in world.entries() if one.kind == "got_worse"]
    assert (worse.data["before_cases"], worse.data["after_cases"]) == (10, 25)
    [direct] = [m for m in world.messages("direct") if m.payload["template"] == "worse"]
    assert direct.payload["person"] == MEI
    assert worse.data["broadcast"]
    world.check(channel_down(world.now, cases=many))
    assert world.kinds().count("got_worse") == 1


def test_waiting_silences_reminders_until_its_day(world: World) -> None:
    world.channel_fails(3)
    until = world.now + timedelta(hours=2)
    assert world.write(
        lambda s: commands.wait_until(
            s, world.house, 1, world.actor(MEI), until, "Northpay calls back", world.now
        )
    ).ok
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    assert (view.quiet_until, view.quiet_reason) == (until, "Northpay calls back")
    assert view.next.kind == "quiet"
    world.advance(7100)
    assert "wait_over" not in world.kinds()
    world.advance(200)
    assert world.kinds(posted=True).count("wait_over") == 1
    assert world.incident().quiet_until is None


def test_escalate_rings_the_next_in_line(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)

    def escalate() -> str:
        return world.write(
            lambda s: commands.escalate(s, world.house, 1, world.actor(MEI), world.now)
        ).code

    assert escalate() == "escalated"
    assert sent(world) == [("direct", "escalation", KAI)]
    assert escalate() == "escalated"
    assert sent(world)[1:] == [("direct", "escalation", JO)]
    assert escalate() == "escalated"  # nobody is left: the page goes out
    assert sent(world)[2:] == [("page", "page", None)]


def test_the_vendor_is_late(world: World) -> None:
    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    world.run_actions()
    due = (world.now + timedelta(minutes=20)).isoformat()
    assert world.press(
        MEI, "3.3.2.s1", "answer", values={"cause": "Certificates", "expected_recovery_time": due}
    ).ok
    world.advance(1201)
    reminders = [
        m for m in world.messages("direct") if m.payload["params"].get("step") == "3.3.2.s1"
    ]
    assert [m.payload["person"] for m in reminders] == [MEI]


def test_flapping_stays_one_incident_with_few_lines(world: World) -> None:
    world.channel_fails(3)
    for _ in range(6):
        world.channel_healthy(3)
        world.channel_fails(3)
    assert world.incident().status == Status.OPEN
    assert world.kinds().count("recovered") == 6
    assert world.kinds().count("relapsed") == 6
    assert world.kinds(posted=True).count("relapsed") == 1  # the others: the card alone
    assert world.kinds(posted=True).count("recovered") == 2
    assert world.kinds(posted=True).count("came_back") == 0
    assert len(world.all(TimelineEntry)) < 60


@pytest.mark.parametrize("severity", [1, 2, 3, 4])
def test_the_loudness_follows_the_severity(world: World, severity: int) -> None:
    for _ in range(3):
        world.check(channel_down(world.now, severity=severity))
    assert bool(world.rings(MEI)) == (severity <= 2)
