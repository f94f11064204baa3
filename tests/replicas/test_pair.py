"""Two replicas side by side: the same at both at once, timers, one restart after the other.

Nothing here waits for a lease: nobody dies.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from plan.check_files import check_files
from sandbox.drills.hands import Json, Slack, wait_for, words
from tests.journeys.invariants import attempts, each_message_once, note_count, one_effect_a_key
from tests.journeys.workspace import INCIDENTS, KAI, MEI, Workspace
from tests.replicas.conftest import PAIR, channel_card
from tests.replicas.storm import Storm, nothing_lost_nothing_twice, work_off

pytestmark = pytest.mark.postgres

DRIVEN, STEPS = 60, 12  # seconds at a time: the last stage of the escalation is after 10 minutes
GOODBYES = 2  # presses that may cross with one, of the four sockets that are closed
_RUNS = re.compile(r'^muster_check_runs_total\{check="([^"]+)",outcome="[^"]+"\} (\S+)$', re.M)


@pytest.fixture(scope="module")
def card(pair: Workspace) -> Json:
    return channel_card(pair)


def check_runs(workspace: Workspace) -> Counter[str]:
    """How often each check has run, whichever replica ran it."""
    runs: Counter[str] = Counter()
    for name in PAIR:
        metrics = httpx.get(f"{workspace.stack.bots[name].says['web']}/metrics").text
        for check, count in _RUNS.findall(metrics):
            runs[check] += int(float(count))
    return runs


def test_checks_and_escalations_come_once(pair: Workspace, card: Json) -> None:
    """Each interval has one run of each check; nobody takes the incident, and each is rung once."""
    before, began = check_runs(pair), pair.now()
    for _ in range(STEPS):
        pair.advance(DRIVEN, settle=30.0)
    pair.settled()
    passed = (pair.now() - began).total_seconds()
    runs = check_runs(pair) - before
    found = {source.path.stem: float(check["every"]) for source, check in check_files()}
    driven = STEPS * DRIVEN
    for check, every in {**found, **pair.every}.items():
        # A step that is longer than the interval is made up for by one run; the rest is real time.
        of_steps = STEPS if every <= DRIVEN else driven / every
        least = int(of_steps) if check in pair.every else 0  # not all are mapped here
        assert least <= runs[check] <= of_steps + (passed - driven) / every + 1, check
    assert set(runs) & set(found), "no detection ran"
    rung = pair.rows("select event, target from rings where via = 'direct'")
    assert Counter(tuple(row) for row in rung) == {
        ("no_owner", MEI): 1,
        ("second", KAI): 1,
    }
    for person, said in ((MEI, "has no owner"), (KAI, "is yours to take")):
        direct = pair.slack.messages(person, f"D0{person[2:]}")
        assert sum(said in words(m.get("blocks") or []) for m in direct) == 1


def at_once(*people: Callable[[Slack], None], workspace: Workspace) -> None:
    """Everybody does it in the same moment."""
    ready = threading.Barrier(len(people))

    def work(do: Callable[[Slack], None]) -> None:
        slack = Slack(workspace.stack.slack_url)
        ready.wait(10)
        do(slack)
        slack.close()

    threads = [threading.Thread(target=work, args=(do,)) for do in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_what_both_get_at_once_is_done_once(pair: Workspace, card: Json) -> None:
    """Every payload goes to two connections at once, and several people press the same button."""
    said = pair.post(
        "/hand/say", **{"as": MEI}, channel=INCIDENTS, text="Seen", thread_ts=card["ts"]
    )
    pair.settled()
    notes = note_count(pair)
    for kind, times in (("commands", 6), ("interactive", 6), ("events", 2)):
        pair.post("/hand/delivery", redeliver=kind, twice=True, times=times)
    message, element = wait_for(lambda: pair.at(card).find("3.3.1.s2", "switch"), "the switch")
    texts = [f"said twice {number}." for number in range(6)]
    answers: list[Json] = []

    def press(slack: Slack) -> None:
        answers.append(slack.click(MEI, message, INCIDENTS, element))

    def note(text: str) -> Callable[[Slack], None]:
        return lambda slack: answers.append(
            slack.command(KAI, INCIDENTS, "/incident", f"note 1 {text}")
        )

    def pin(_: Slack) -> None:
        pair.post("/hand/react", **{"as": MEI}, channel=INCIDENTS, ts=said["ts"], name="pushpin")

    at_once(*[press] * 6, *map(note, texts), pin, workspace=pair)
    wait_for(lambda: attempts(pair)["done"] or None, "the switch")
    wait_for(lambda: note_count(pair) >= notes + len(texts) + 1 or None, "the notes and the pin")
    pair.advance(10)
    pair.settled()
    assert [answer for answer in answers if not answer.get("ok")] == []
    assert attempts(pair) == {"done": 1}
    assert note_count(pair) == notes + len(texts) + 1
    shown = [words(m.get("blocks") or []) for m in pair.at(card).thread()]
    assert {text: sum(text in one for one in shown) for text in texts} == dict.fromkeys(texts, 1)
    owners = {row["owner"] for row in pair.rows("select owner from work where kind = 'intake'")}
    assert len(owners - {None}) == len(PAIR), "only one of the two was spoken to"
    one_effect_a_key(pair)
    each_message_once(pair)


def test_one_restart_after_the_other_leaves_no_gap(pair: Workspace, card: Json) -> None:
    """Commands, presses and declarations go on; what is acknowledged is done once.

    Only what Slack writes in the instant in which a socket says goodbye cannot be acknowledged any
    more: it is shown as failed, and nothing of it is done.
    """
    storm = Storm(pair, card, seed=1)
    storm.start()
    for name in PAIR:
        pair.stack.bots[name].stop()
        assert pair.stack.bots[name].process.returncode == 0
        pair.restart(name)
    storm.stop()
    work_off(pair)
    counts = nothing_lost_nothing_twice(pair, storm.tally, "each of two replicas restarted")
    assert counts["said and carried out"] == counts["said and acknowledged"]
    assert storm.tally.not_acknowledged <= GOODBYES
