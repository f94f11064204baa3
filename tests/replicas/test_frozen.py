"""A replica is frozen (SIGSTOP) past its lease and wakes: it changes nothing and doubles nothing.

The first replica freezes itself at a chosen point, the second takes its work over; later the first
goes on where it stood, with its request about to leave.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from bot.cli.stack import Program
from sandbox.drills.hands import Json, wait_for, words
from tests.journeys.invariants import attempts, each_message_once, one_effect_a_key
from tests.journeys.workspace import INCIDENTS, MEI, Workspace
from tests.replicas.conftest import channel_card

pytestmark = [pytest.mark.postgres, pytest.mark.kills]

MOVED_WITHIN = 45.0  # seconds: a lease of 30 s by the server's clock, and the time to notice


class Freezer:
    """One replica that can be frozen, and one that takes over from it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.file = workspace.stack.folder / "freeze"
        self.bot: Program | None = None

    def start(self, point: str) -> None:
        """Only the first replica runs, and freezes at `point` when told."""
        for bot in self.workspace.stack.bots.values():
            bot.stop()
        module = ("tests.replicas.freezing_bot", point, str(self.file))
        self.bot = self.workspace.restart("one", module=module)
        self.workspace.settled()

    def arm(self) -> None:
        self.file.touch()

    def wait_until_frozen(self) -> None:
        bot = self.bot
        assert bot is not None
        wait_for(lambda: bot.frozen or None, "the freeze")

    def take_over(self) -> float:
        """The second replica starts; the moment."""
        self.workspace.restart("two")
        return time.monotonic()

    def wake(self) -> None:
        assert self.bot is not None
        self.bot.signal(signal.SIGCONT)
        self.workspace.catch_up(self.bot)


@pytest.fixture(scope="module")
def freezer(house: Workspace) -> Iterator[Freezer]:
    found = Freezer(house)
    yield found
    if found.bot is not None and found.bot.running:
        found.wake()


@pytest.fixture(scope="module")
def card(freezer: Freezer) -> Json:
    freezer.workspace.restart("two")
    return channel_card(freezer.workspace)


def lines(workspace: Workspace, card: Json, text: str) -> int:
    """Messages of the thread that say this."""
    return sum(text in words(m.get("blocks") or []) for m in workspace.at(card).thread())


def posted(workspace: Workspace, text: str) -> int:
    """Calls of chat.postMessage with this in them, whatever became of them."""
    calls = workspace.hand.get("/hand/log", params={"method": "chat.postMessage"}).json()
    return sum(text in str(call["args"]) for call in calls["requests"])


def note(workspace: Workspace, text: str) -> Json:
    return workspace.slack.command(MEI, INCIDENTS, "/incident", f"note 1 {text}")


def calm(workspace: Workspace, seconds: int) -> None:
    """Time passes, and everything that becomes due is done."""
    for _ in range(0, seconds, 10):
        workspace.advance(10)
    workspace.settled()


def test_a_post_that_leaves_after_its_twin_is_taken_back(freezer: Freezer, card: Json) -> None:
    """Two looked for it, posted it and looked again; only then the first one's request leaves."""
    workspace = freezer.workspace
    freezer.start("post")
    freezer.arm()
    assert note(workspace, "frozen before it left")["ok"]
    freezer.wait_until_frozen()
    began = freezer.take_over()
    wait_for(
        lambda: lines(workspace, card, "frozen before it left") or None,
        "the other's post",
        within=MOVED_WITHIN,
    )
    assert time.monotonic() - began < MOVED_WITHIN
    calm(workspace, 80)  # the second one's later look for a twin is over
    assert posted(workspace, "frozen before it left") == 1
    freezer.wake()
    wait_for(lambda: posted(workspace, "frozen before it left") == 2 or None, "the late request")
    calm(workspace, 80)
    assert lines(workspace, card, "frozen before it left") == 1
    each_message_once(workspace)


def test_what_has_not_left_yet_is_not_sent_any_more(freezer: Freezer, card: Json) -> None:
    """Frozen while it waited for its turn: it looks at its lease, and leaves it to the other."""
    workspace = freezer.workspace
    freezer.start("token")
    freezer.arm()
    assert note(workspace, "frozen in the queue")["ok"]
    freezer.wait_until_frozen()
    freezer.take_over()
    acknowledged, failed = notes_until_two_fail(workspace)
    wait_for(
        lambda: lines(workspace, card, "frozen in the queue") or None,
        "the other's post",
        within=MOVED_WITHIN,
    )
    freezer.wake()
    calm(workspace, 80)
    assert posted(workspace, "frozen in the queue") == 1
    # What reached it while it was away was shown as failed, and so it is not done either.
    assert failed == 2
    assert lines(workspace, card, "a note meanwhile") == acknowledged
    each_message_once(workspace)


def notes_until_two_fail(workspace: Workspace) -> tuple[int, int]:
    """Slack gives some to the frozen replica's sockets: (acknowledged, shown as failed)."""
    acknowledged = failed = 0
    while failed < 2 and acknowledged < 10:
        answer = note(workspace, f"a note meanwhile, {acknowledged} {failed}")
        if answer.get("ok"):
            acknowledged += 1
        else:
            assert answer["error"] == "operation_timeout", answer
            failed += 1
    return acknowledged, failed


def test_a_late_request_under_the_same_key_has_no_second_effect(
    freezer: Freezer, card: Json
) -> None:
    """The second replica looked at the shop, found nothing and sent it; then the first one does."""
    workspace = freezer.workspace
    freezer.start("act")
    freezer.arm()
    message, element = wait_for(lambda: workspace.at(card).find("3.3.1.s2", "switch"), "the switch")
    assert workspace.slack.click(MEI, message, INCIDENTS, element)["ok"]
    freezer.wait_until_frozen()
    freezer.take_over()
    wait_for(lambda: attempts(workspace)["done"] or None, "the switch", within=MOVED_WITHIN)
    freezer.wake()
    calm(workspace, 80)
    assert attempts(workspace) == {"done": 1}
    assert workspace.shop.look("/routing/card")["channel"] == "harborpay"
    one_effect_a_key(workspace)
    each_message_once(workspace)
