"""Lines (`/incident 3.3 …`): they join what is open, and ask before they wake somebody."""

from __future__ import annotations

import pytest

from checks.model import CheckResult, Finding
from incidents.lifecycle.declaring import Ringing, declare_line
from incidents.lifecycle.opening import Opening, open_incident
from incidents.outcome import Outcome
from storage.models import Incident, WorkItem
from tests.incidents.world import JO, LIN, MEI, World


def line(world: World, who: str, section: str, text: str, ringing: Ringing = "ask") -> Outcome:
    return world.write(
        lambda s: declare_line(
            s, world.house, section, text, world.actor(who), world.now, ringing=ringing
        )
    )


def incidents(world: World) -> list[str]:
    return [one.subject for one in world.all(Incident)]


def test_a_line_joins_what_is_open_in_its_section(world: World) -> None:
    """The check found it before: no second thread, and its words stand in the first."""
    world.channel_fails(3)
    outcome = line(world, LIN, "3.3", "card payments fail since 14:00")
    assert (outcome.code, outcome.params["reference"]) == ("declared_existing", "INC-1")
    assert incidents(world) == ["channel:northpay"]
    said = [e.text.reveal() for e in world.entries() if e.text is not None]
    assert "card payments fail since 14:00" in said


def test_of_several_it_joins_the_one_that_it_names(world: World) -> None:
    for channel in ("northpay", "harborpay"):
        opening = Opening("payment_channel_down", f"channel:{channel}", "check:x")
        world.write(lambda s, o=opening: open_incident(s, world.house, o, world.now))  # type: ignore[misc]
    assert incidents(world) == ["channel:northpay", "channel:harborpay"]
    outcome = line(world, LIN, "3.3", "Harborpay refuses every card")
    assert outcome.params["reference"] == "INC-2"
    assert line(world, LIN, "3.3", "cards are refused").code == "line_asks"


@pytest.mark.parametrize("section", ["3.3", "9.1", "system_crash"])
def test_a_line_that_would_be_sev1_asks_first(world: World, section: str) -> None:
    """Nothing is opened and nobody rung; the words are kept for the buttons, encrypted."""
    outcome = line(world, LIN, section, "nobody can pay")
    assert (outcome.ok, outcome.code) == (False, "line_asks")
    assert outcome.secret == {"line": {"section": section, "text": "nobody can pay"}}
    assert incidents(world) == []


def test_a_line_of_less_opens_at_once(world: World) -> None:
    assert line(world, JO, "2.2", "the packing desk stands still").code == "declared"
    assert world.incident().severity == 3


def test_opened_to_ring(world: World) -> None:
    assert line(world, LIN, "9.1", "nobody can order", "ring").code == "declared"
    assert [ring.target for ring in world.rings()] == ["S0ONCALL"]
    world.advance(600)
    assert len(world.rings(MEI)) > 1, "nobody took it"


def test_opened_quietly(world: World) -> None:
    """It stands in the channel, and rings nobody, not later either."""
    assert line(world, LIN, "9.1", "nobody can order", "quiet").code == "declared"
    world.advance(3600)
    assert world.rings() == []
    [card] = [m for m in world.messages("post") if m.key.endswith("/card")]
    assert card.payload["ring"] == []
    assert [e.data.get("quiet") for e in world.entries() if e.kind == "declared"] == [True]


def shop_down(world: World, times: int = 3) -> None:
    """The check finds what the line declared: the same subject."""
    [subject] = incidents(world)
    for _ in range(times):
        finding = Finding(subject, "system_crash", facts={"error": "refused"})
        world.check(CheckResult("storefront", world.now, (finding,), open_after=3))
        world.advance(10)


def test_what_was_opened_quietly_rings_when_a_check_finds_it(world: World) -> None:
    line(world, LIN, "9.1", "nobody can order", "quiet")
    shop_down(world, 2)
    assert world.rings() == [], "not often enough to open it"
    shop_down(world, 1)
    assert [(ring.event, ring.target) for ring in world.rings()] == [("opened", MEI)]
    shop_down(world, 3)
    assert len(world.rings()) == 1
    world.advance(600)
    assert len(world.rings(MEI)) > 1, "nobody took it"


def test_what_was_opened_quietly_and_is_taken_rings_nobody(world: World) -> None:
    line(world, LIN, "9.1", "nobody can order", "quiet")
    world.take(MEI)
    shop_down(world)
    assert world.rings() == []


def test_a_line_to_what_was_opened_quietly_asks_again(world: World) -> None:
    line(world, LIN, "9.1", "nobody can order", "quiet")
    assert line(world, JO, "9.1", "nobody can order").code == "line_asks"
    assert line(world, JO, "9.1", "nobody can order", "quiet").code == "declared_existing"
    assert world.rings() == []
    assert line(world, JO, "9.1", "nobody can order", "ring").code == "declared_existing"
    assert [ring.target for ring in world.rings()] == [MEI]
    assert line(world, JO, "9.1", "nobody can order").code == "declared_existing"
    assert len(world.rings()) == 1


def test_what_is_pressed_twice_is_opened_once(world: World) -> None:
    line(world, LIN, "9.1", "nobody can order", "ring")
    outcome = line(world, LIN, "9.1", "nobody can order", "ring")
    assert outcome.code == "declared_existing"
    assert len(incidents(world)) == 1
    assert world.all(WorkItem)
