"""A replica is frozen (SIGSTOP) past its lease and wakes: it changes nothing and doubles nothing.

The first replica is frozen with one thing in hand at each point, and another is killed with one in
hand. A third takes over what they had, all within one lease; later the first goes on where it
stood, with its requests about to leave.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field

import pytest

from bot.cli.stack import Program
from sandbox.drills.hands import Json, elements, wait_for, words
from tests.journeys.invariants import attempts, each_message_once, kill, one_effect_a_key
from tests.journeys.workspace import INCIDENTS, MEI, Workspace
from tests.replicas.conftest import channel_card
from tests.replicas.freezing_bot import Point

pytestmark = [pytest.mark.postgres, pytest.mark.kills]

MOVED_WITHIN = 45.0  # seconds: a lease of 30 s by the server's clock, and the time to notice
LATE, QUEUED, AMID, KILLED, MEANWHILE = (
    "frozen before it left",
    "frozen in the queue",
    "frozen amid its transaction",
    "killed before it left",
    "said to the frozen one",
)
PLACES = {KILLED: 1, LATE: 2, QUEUED: 3, MEANWHILE: 3, AMID: 4}  # incidents, by number
DECLARED = ("9.1", "2.2", "3.2")  # the numbers 2 to 4


class Replica:
    """One that holds at a point when it is told to."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._folder = workspace.stack.folder / f"points-{name}"
        self._folder.mkdir()
        module = ("tests.replicas.freezing_bot", str(self._folder))
        self.bot: Program = workspace.restart(name, module=module)

    def arm(self, name: str, text: str = "") -> None:
        (self._folder / name).write_text(text, encoding="utf-8")

    def wait_until_held(self, name: str) -> None:
        wait_for(lambda: self._point(name).held.exists() or None, f"the point “{name}”")

    def let_go(self) -> None:
        for held in self._folder.glob("*.held"):
            held.unlink()

    def _point(self, name: str) -> Point:
        return Point(self._folder / name)


@dataclass
class Scene:
    """What came of it, in the order in which it happened."""

    workspace: Workspace
    moved: float = 0.0  # seconds from the kill until everything was done by the third
    posted: dict[str, int] = field(default_factory=dict)  # calls of it before the first one woke
    meanwhile: list[Json] = field(default_factory=list)  # answers to what the frozen one was told

    def lines(self, text: str) -> int:
        """Messages of its thread that say this."""
        ts = self.workspace.one(
            "select m.ts from slack_messages m join incidents i on i.id = m.incident_id"
            " where i.number = ? and m.key like '%/card'",
            PLACES[text],
        )
        thread = self.workspace.at(str(ts)).thread()
        return sum(text in words(m.get("blocks") or []) for m in thread)

    def calls(self, text: str) -> int:
        """Calls of chat.postMessage with this in them, whatever became of them."""
        log = self.workspace.hand.get("/hand/log", params={"method": "chat.postMessage"}).json()
        return sum(text in str(call["args"]) for call in log["requests"])

    def note(self, text: str) -> Json:
        said = f"note {PLACES[text]} {text}"
        return self.workspace.slack.command(MEI, INCIDENTS, "/incident", said)

    def all_done(self) -> bool:
        said = all(self.lines(text) for text in (LATE, QUEUED, AMID, KILLED))
        return said and attempts(self.workspace)["done"] > 0


def calm(workspace: Workspace, seconds: int) -> None:
    """Time passes, and everything that becomes due is done."""
    for _ in range(0, seconds, 10):
        workspace.advance(10)
    workspace.settled()


def freeze(scene: Scene, first: Replica, card: Json) -> None:
    """The first replica stands still: a post, a queued post, an action and a transaction."""
    workspace = scene.workspace
    first.arm("post", LATE)
    assert scene.note(LATE)["ok"]
    first.wait_until_held("post")
    first.arm("token")
    assert scene.note(QUEUED)["ok"]
    first.wait_until_held("token")
    first.arm("act")
    message, element = wait_for(lambda: workspace.at(card).find("3.3.1.s2", "switch"), "the switch")
    assert workspace.slack.click(MEI, message, INCIDENTS, element)["ok"]
    first.wait_until_held("act")
    first.arm("unit")
    assert scene.note(AMID)["ok"]
    wait_for(lambda: first.bot.frozen or None, "the freeze")


def speak_to_the_frozen(scene: Scene) -> None:
    """Its sockets are open, and nobody reads them; then Slack gives them up."""
    people = [
        threading.Thread(target=lambda: scene.meanwhile.append(scene.note(MEANWHILE)))
        for _ in range(2)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join(15)
    scene.workspace.post("/hand/socket", do="cut")


def _rings(house: Workspace) -> bool:
    """Answers the question of a line that would wake somebody: yes."""
    for message in house.told(MEI):
        for element in elements(message):
            if element["action_id"] == "line.ring":
                return bool(house.slack.click(MEI, message, INCIDENTS, element)["ok"])
    return False


@pytest.fixture(scope="module")
def scene(house: Workspace) -> Scene:
    """The whole story, told once: it waits for a lease."""
    first = Replica(house, "one")
    scene = Scene(house)
    card = channel_card(house)
    for section in DECLARED:
        said = house.slack.command(MEI, INCIDENTS, "/incident", f"{section} to be frozen")
        assert said["ok"], said
        if section == "9.1":  # it would ring somebody, and asks once
            wait_for(lambda: _rings(house) or None, "the question")
        house.settled()
    freeze(scene, first, card)
    speak_to_the_frozen(scene)
    second = Replica(house, "two")
    second.arm("post", KILLED)
    assert scene.note(KILLED)["ok"]
    second.wait_until_held("post")
    kill(house, "two")
    killed = time.monotonic()
    house.restart("three")
    wait_for(lambda: scene.all_done() or None, "the work of the other two", within=MOVED_WITHIN)
    scene.moved = time.monotonic() - killed
    calm(house, 80)  # the third one's later looks for twins are over
    scene.posted = {text: scene.calls(text) for text in PLACES}
    first.let_go()
    first.bot.signal(signal.SIGCONT)
    house.catch_up(first.bot)
    wait_for(lambda: scene.calls(LATE) > scene.posted[LATE] or None, "the late request")
    calm(house, 80)
    return scene


def test_the_work_of_a_frozen_and_of_a_killed_replica_moves(scene: Scene) -> None:
    assert scene.moved < MOVED_WITHIN
    assert {text: scene.lines(text) for text in (LATE, QUEUED, AMID, KILLED)} == {
        LATE: 1, QUEUED: 1, AMID: 1, KILLED: 1,
    }  # fmt: skip
    each_message_once(scene.workspace)


def test_a_post_that_leaves_after_its_twin_is_taken_back(scene: Scene) -> None:
    """The third looked for it, posted it and looked again; only then the first one's left."""
    assert (scene.posted[LATE], scene.calls(LATE)) == (1, 2)
    assert scene.lines(LATE) == 1


def test_what_has_not_left_yet_is_not_sent_any_more(scene: Scene) -> None:
    """Frozen while it waited for its turn: it looks at its lease, and leaves it to the other."""
    assert (scene.posted[QUEUED], scene.calls(QUEUED)) == (1, 1)


def test_what_was_said_to_the_frozen_one_is_shown_as_failed_and_not_done(scene: Scene) -> None:
    assert [answer.get("error") for answer in scene.meanwhile] == ["operation_timeout"] * 2
    assert scene.lines(MEANWHILE) == 0


def test_a_transaction_that_was_frozen_is_done_by_the_other_alone(scene: Scene) -> None:
    """Its rows were locked when it froze: the server let go of them before the lease ended."""
    entries = "select count(*) from timeline t join incidents i on i.id = t.incident_id"
    assert scene.workspace.one(f"{entries} where t.kind = 'note' and i.number = 4") == 1
    assert scene.calls(AMID) == 1


def test_a_late_request_under_the_same_key_has_no_second_effect(scene: Scene) -> None:
    """The third looked at the shop, found nothing and sent it; then the first one does."""
    workspace = scene.workspace
    assert attempts(workspace) == {"done": 1}
    assert workspace.shop.look("/routing/card")["channel"] == "harborpay"
    one_effect_a_key(workspace)
