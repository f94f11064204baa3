"""Rights in the particular: user groups, asking, whose a payload is, and what a refusal shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from handlers import gate, sent_forms
from handlers.identity import Identity
from handlers.registry import Asks, NotNow
from handlers.sent_forms import SentForm
from incidents.lifecycle import asking
from incidents.people import Standing
from incidents.rights import Right
from storage.models import Approval, AuditEntry, TimelineEntry, WorkItem
from tests.incidents.world import JO, KAI, LIN, MEI, SAM
from tests.rights.attack import CARD, FORGED, HONEST, Kind, body_of, chosen, presses
from tests.rights.count import Count
from tests.rights.scene import (
    APP,
    BY_GROUP,
    LEFT,
    PAYMENTS,
    PRIVATE,
    REFUNDS,
    TEAM,
    Result,
    Scene,
)

APPROVE = ("action", "approval.grant")


def code(result: Result, who: str) -> str:
    """What the one who pressed is told."""
    [said] = [item for item in result.told if item.payload.get("person") == who]
    return str(params(said)["code"])


def params(item: WorkItem) -> dict[str, Any]:
    """What is said stands encrypted until it is sent."""
    found: dict[str, Any] = item.secret["params"]
    return found


# --- a right that comes from a user group


@pytest.fixture
def asked(scene: Scene) -> list[bool]:
    """Each time that Slack was asked who is in the groups, with what it said."""
    asked: list[bool] = []

    async def confirm() -> bool:
        asked.append(scene.says_groups)
        return scene.says_groups

    object.__setattr__(scene.desk, "confirm", confirm)
    return asked


def test_where_money_moves_slack_is_asked_who_is_in_the_group(
    scene: Scene, asked: list[bool]
) -> None:
    scene.says_groups = True
    result = scene.press(body_of(APPROVE, HONEST[APPROVE], BY_GROUP))
    assert (asked, result.refusals) == ([True], [])
    assert [one.state for one in scene.world.all(Approval)] == ["granted"]


def test_and_is_refused_where_slack_cannot_say(scene: Scene, asked: list[bool]) -> None:
    result = scene.press(body_of(APPROVE, HONEST[APPROVE], BY_GROUP))
    assert (asked, code(result, BY_GROUP)) == ([False], "right_unknown")
    assert (result.changes, len(result.refusals)) == ([], 1)


def test_and_where_they_are_in_it_no_more(scene: Scene, asked: list[bool]) -> None:
    """Who left a moment ago has the right in memory still, and not after it was asked."""

    async def confirm() -> bool:
        known = dict(scene.world.house.roles)
        for name in ("approver", "finance"):
            role = known[name]
            kept = tuple(one for one in role.people if one != BY_GROUP)
            scene.world.house.roles[name] = replace(  # type: ignore[index]
                role, people=kept, members=frozenset()
            )
        return True

    object.__setattr__(scene.desk, "confirm", confirm)
    result = scene.press(body_of(APPROVE, HONEST[APPROVE], BY_GROUP))
    assert (code(result, BY_GROUP), result.changes) == ("no_right", [])


def test_whom_the_configuration_names_waits_for_no_slack(scene: Scene, asked: list[bool]) -> None:
    """Kai is an approver by name: a Slack that is away keeps nobody from approving."""
    result = scene.press(body_of(APPROVE, HONEST[APPROVE], KAI))
    assert (asked, result.refusals) == ([], [])


def test_nor_does_what_moves_no_money(scene: Scene, asked: list[bool]) -> None:
    entry = ("action", "step.run")
    scene.press(body_of(entry, HONEST[entry], MEI))
    assert asked == []


# --- what belongs together


def test_a_private_incident_is_kept_from_who_has_every_other_right(scene: Scene) -> None:
    """Lists, reviews, cases, forms, steps: on-call reads and does nothing of it."""
    count = Count()
    everybody = (Kind("on-call, before a private incident", MEI),)
    forged = {"a private incident": FORGED["a private incident"]}
    for kind, entry, forgery, body in presses(everybody, forged):
        count.take(kind, entry, forgery, body, scene.press(body))
    count.judge()
    assert count.pressed > 30
    words = scene.press(body_of(("command", "incident"), replace(HONEST["command", "incident"],
                                text=f"show {PRIVATE}"), MEI))  # fmt: skip
    assert code(words, MEI) == "not_found"


@pytest.mark.parametrize("entry", [("action", "step.run"), ("action", "incident.dismiss")])
def test_a_button_changes_the_incident_in_whose_message_it_stands(
    scene: Scene, entry: tuple[str, str]
) -> None:
    honest = replace(HONEST[entry], ts=CARD[REFUNDS])
    result = scene.press(body_of(entry, honest, MEI))
    assert (code(result, MEI), result.changes, result.opened) == ("other_message", [], [])
    shown = replace(HONEST["action", "incident.show"], ts=CARD[REFUNDS])
    assert scene.press(body_of(("action", "incident.show"), shown, MEI)).refusals == []


def test_an_approval_is_of_its_own_incident(scene: Scene) -> None:
    honest = replace(HONEST[APPROVE], value=f"INC-{PAYMENTS}:1:1:1")
    result = scene.press(body_of(APPROVE, honest, KAI))
    assert (code(result, KAI), result.changes) == ("approval_gone", [])
    old = replace(HONEST[APPROVE], value=f"INC-{REFUNDS}:12:1:0")
    assert scene.press(body_of(APPROVE, old, SAM)).changes == []


def test_who_may_no_more_gets_no_form_back_but_their_words(scene: Scene) -> None:
    """The right went between opening and sending: nothing of the incident is drawn again."""
    entry = ("submission", "form.note")
    result = scene.press(body_of(entry, HONEST[entry], LEFT))
    [item] = [item for item in result.told if item.payload["do"] == "view"]
    assert params(item)["closed"] is True
    sent = SentForm.of(params(item), item.secret["data"])
    house, now = scene.world.house, scene.world.now
    assert scene.world.read(lambda s: sent_forms.again(s, house, sent, now)) is None
    assert sent.as_result()["typed"] == ("They call back",)


def test_a_line_that_is_a_complaint_asks_for_the_right_to_one(scene: Scene) -> None:
    line = replace(HONEST["command", "incident"], text="7.2 the box was empty")
    result = scene.press(body_of(("command", "incident"), line, SAM))
    assert (code(result, SAM), result.changes) == ("no_right", [])
    form = HONEST["submission", "form.complaint"]
    disguised = scene.press(body_of(("submission", "form.declare"), form, SAM))
    assert (disguised.changes, disguised.shop) == ([], 0)


@pytest.mark.parametrize("how", ["merge", "link"])
def test_who_joins_two_incidents_has_the_right_to_both(scene: Scene, how: str) -> None:
    """The service desk's own incident cannot be poured into one of the payment channel."""
    entry = ("submission", "form.merge")
    state = {**chosen("other", str(PAYMENTS)), **chosen("how", how)}
    honest = replace(HONEST[entry], memory={"incident": REFUNDS, "version": 12}, state=state)
    result = scene.press(body_of(entry, honest, LIN))
    assert (code(result, LIN), result.changes) == ("no_right", [])


# --- asking


def ask(scene: Scene, who: str, person: str, what: str, number: int = PAYMENTS) -> Result:
    honest = replace(HONEST["action", "ask.role"], value=f"INC-{number}:1:{person}:{what}")
    return scene.press(body_of(("action", "ask.role"), honest, who))


def test_one_person_asks_so_often_in_an_hour(scene: Scene) -> None:
    """Over all incidents and people; then somebody else may, and the next hour may."""
    for person, number, what in ((MEI, 1, "3.3.1.s2"), (KAI, 1, "3.3.1.s2"), (MEI, 4, "3.3.2.s1")):
        assert ask(scene, SAM, person, what, number).refusals == []
    refused = ask(scene, SAM, KAI, "3.3.2.s1", 4)
    assert (code(refused, SAM), len(refused.refusals)) == ("asked_enough", 1)
    rung = scene.world.all(TimelineEntry, TimelineEntry.kind == asking.ASKED)
    assert len(rung) == asking.BY_ONE
    assert ask(scene, LIN, KAI, "3.3.2.s1", 4).refusals == []
    scene.world.now += asking.HOUR
    assert ask(scene, SAM, KAI, "3.3.2.s1", 4).refusals == []


def test_one_person_is_asked_so_often_in_an_hour(scene: Scene) -> None:
    """However many press: a phone does not ring for ever."""
    numbers = [one.number for one in _open_more(scene, asking.OF_ONE)]
    for count, number in enumerate(numbers):
        asker = (SAM, LIN, JO)[count // 2]
        assert ask(scene, asker, MEI, "3.3.1.s2", number).refusals == []
    refused = ask(scene, LEFT, MEI, "3.3.1.s2")
    assert code(refused, LEFT) == "asked_enough"


def _open_more(scene: Scene, count: int) -> list[Any]:
    from incidents.lifecycle.opening import Opening, open_incident

    house, now = scene.world.house, scene.world.now

    def unit(session: Any) -> list[Any]:
        return [
            open_incident(
                session, house, Opening("payment_channel_down", f"channel:{n}", "check:x"), now
            ).incident
            for n in range(count)
        ]

    return scene.world.write(unit)


@pytest.mark.parametrize(
    ("person", "what"),
    [
        (LIN, "3.3.1.s2"),  # who may not do it either
        (SAM, "3.3.1.s2"),
        ("U0NOBODY", "3.3.1.s2"),
        (MEI, "Call me at 0912-345-678"),  # no step and no action: words of the presser's own
        (MEI, ""),
    ],
)
def test_nobody_is_rung_for_what_there_is_not(scene: Scene, person: str, what: str) -> None:
    result = ask(scene, SAM, person, what)
    assert (len(result.refusals), result.changes) == (1, [])
    assert [item for item in result.told if item.payload.get("person") == person != SAM] == []


def test_nobody_is_rung_for_what_they_may_not_see(scene: Scene) -> None:
    """An action's role alone does not open a private incident to who is asked."""
    house = scene.world.house
    theirs = house.roles_of(KAI)
    what = next(one.id for one in house.plan.actions.values() if theirs & set(one.roles))
    assert ask(scene, LIN, KAI, what, number=PAYMENTS).refusals == []
    result = ask(scene, LIN, KAI, what, number=PRIVATE)
    assert len(result.refusals) == 1
    assert [item for item in result.told if item.payload.get("person") == KAI] == []


# --- whose it is


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ({"team": {"id": TEAM}, "api_app_id": APP}, True),
        ({"team_id": TEAM, "api_app_id": APP}, True),
        ({"team": {"id": TEAM}}, True),  # Slack leaves it out of some shortcuts
        ({"team": {"id": "T0OTHER"}, "api_app_id": APP}, False),
        ({"team": {"id": TEAM}, "api_app_id": "A0OTHER"}, False),
        ({"team": None, "enterprise": {"id": "E0"}, "api_app_id": APP}, False),
        ({"api_app_id": APP}, False),
        ({}, False),
    ],
)
def test_team_and_app_are_ours(body: dict[str, Any], ours: bool) -> None:
    assert Identity(TEAM, app_id=APP).is_ours(body) is ours


def test_an_app_of_a_whole_organisation_takes_its_workspaces() -> None:
    identity = Identity(TEAM, app_id=APP, enterprise_id="E0")
    assert identity.is_ours({"team": None, "enterprise": {"id": "E0"}, "api_app_id": APP})
    assert not identity.is_ours({"team": {"id": "T1"}, "enterprise": {"id": "E1"}})


def test_until_slack_says_who_we_are_a_press_waits(scene: Scene) -> None:
    """It is kept, and worked on then: nothing is judged by half."""
    scene.identity.team_id, scene.identity.awaited = None, True
    entry = ("action", "step.run")
    body = body_of(entry, HONEST[entry], MEI)
    assert isinstance(scene.press(body).error, NotNow)
    scene.identity.team_id = TEAM
    assert scene.press(body).refusals == []


def test_who_is_named_is_known_where_slack_cannot_say(scene: Scene) -> None:
    """An on-call engineer whose standing Slack never told works; nobody else does."""

    async def unknown(_: str) -> Standing:
        return Standing.UNKNOWN

    scene.people.standing_of = unknown  # type: ignore[method-assign]
    entry = ("action", "step.run")
    assert scene.press(body_of(entry, HONEST[entry], MEI)).refusals == []
    shown = ("action", "incident.show")
    assert code(scene.press(body_of(shown, HONEST[shown], SAM)), SAM) == "who_unknown"


async def test_what_names_nobody_is_refused_and_told_to_nobody(scene: Scene) -> None:
    entry = ("action", "incident.show")
    body = body_of(entry, HONEST[entry], MEI)
    del body["user"]
    assert not await gate.judge(scene.stored(body), Asks(Right.SHOW, gate.named), scene.desk)
    refused = scene.world.all(AuditEntry, AuditEntry.result == "refused")
    assert (refused[-1].actor, refused[-1].data) == ("", {"why": "form_gone"})
    assert scene.world.read(lambda s: s.scalar(select(AuditEntry.id).limit(1)))
