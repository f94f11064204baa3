"""The incident's life as a machine: whatever people, checks and the shop do, in any order."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from incidents import read
from incidents.lifecycle import commands
from incidents.organisation import QuietHours
from incidents.outcome import Outcome
from incidents.runbooks.press_conflicts import PENDING
from message_templates.catalogue import catalogue
from message_templates.engine import Templates
from plan.expressions import holds
from storage.database import Database
from storage.models import (
    LIVE_STATUSES,
    ActionAttempt,
    AttemptState,
    FollowUp,
    Incident,
    RunbookRun,
    Status,
    Step,
    StepState,
)
from tests.incidents.world import JO, KAI, KEY, LIN, MEI, SAM, World, house, orders

PEOPLE = st.sampled_from([MEI, KAI, LIN, JO, SAM])
OUTCOMES = st.sampled_from(
    [
        (AttemptState.DONE, None),
        (AttemptState.DONE, None),
        (AttemptState.UNKNOWN, "no_answer"),
        (AttemptState.UNKNOWN, "person_decides"),
        (AttemptState.FAILED, "no_effect"),
        (AttemptState.REFUSED, "precondition:0"),
    ]
)
PRESSES = st.sampled_from(
    [
        ("3.3.1.s2", "switch"),
        ("3.3.1.s2", "switch_after_test"),
        ("3.3.1.s2", "undo"),
        ("3.3.1.s2", "happened"),
        ("3.3.1.s2", "not_happened"),
        ("3.3.2.s1", "ask"),
        ("3.3.3.s1", "offer"),
        ("3.3.4.s1", "tell"),
        ("3.3.4.s1", "ask_channel"),
        ("3.3.4.s1", "told"),
        ("9.1.3.s2", "start"),
        ("9.1.3.s2", "switch"),
        ("nonsense", "x"),
    ]
)
TEMPLATES = Templates()
_TEMPLATE: list[Path] = []


def fresh() -> Path:
    """A migrated database with the people, copied from one that was made once."""
    if not _TEMPLATE:
        folder = Path(tempfile.mkdtemp())
        World.create(folder).close()
        _TEMPLATE.append(folder)
    made = Path(tempfile.mkdtemp())
    for file in _TEMPLATE[0].iterdir():
        shutil.copy(file, made / file.name)
    return made


class Life(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = fresh()
        self.world = World(
            Database.open(f"sqlite:///{self.folder}/muster.db", key=KEY),
            house(quiet=QuietHours()),
        )
        for _ in range(3):
            self.fails()
        self.version = 0
        self.codes: set[str] = set()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        assert self.world.broken() is None
        for code in self.codes:
            assert catalogue("en").get(f"answers.{code}") is not None, code
        self.world.close()
        shutil.rmtree(self.folder)

    def took(self, outcome: Outcome) -> Outcome:
        self.codes.add(outcome.code)
        return outcome

    # --- checks and time

    @rule()
    def fails(self) -> None:
        from tests.incidents.world import channel_down

        self.world.check(channel_down(self.world.now, cases=orders(6, 2, 5)))
        self.world.advance(10)

    @rule()
    def passes(self) -> None:
        self.world.channel_healthy(1)

    @rule(seconds=st.sampled_from([1, 61, 400, 4000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.world.advance(seconds)

    # --- people

    @rule(who=PEOPLE, what=PRESSES, behind=st.sampled_from([0, 0, 0, 1, 3]))
    def presses(self, who: str, what: tuple[str, str], behind: int) -> None:
        before = self.world.all(ActionAttempt)
        version = max(1, self.world.incident().version - behind)
        open_before = self.unsettled_before(what[0])
        outcome = self.took(self.world.press(who, what[0], what[1], version=version))
        after = self.world.all(ActionAttempt)
        if not outcome.ok:
            assert len(after) == len(before)
            return
        assert who != SAM
        if what[1] not in ("undo", "happened", "not_happened"):
            assert open_before == [], "a step was taken before the one that comes first"

    def unsettled_before(self, step_id: str) -> list[str]:
        """Ordered steps before this one that are neither settled nor not needed now."""
        found: list[str] = []
        plan, facts = self.world.house.plan, self.world.incident().facts
        for run in self.world.all(RunbookRun, RunbookRun.state != "replaced"):
            known = {one.id: one for one in plan.sections[run.section].steps}
            if step_id not in known or not known[step_id].ordered:
                continue
            for row in self.world.all(Step, Step.run_id == run.id):
                if row.step_id == step_id:
                    break
                settled = row.state in (StepState.DONE, StepState.SKIPPED, StepState.NOT_NEEDED)
                needless = known[row.step_id].optional_when  # the fault is gone by itself
                if needless is not None and holds(needless, {"facts": facts}):
                    settled = True
                if known[row.step_id].ordered and not settled:
                    found.append(row.step_id)
        return found

    @rule(who=PEOPLE)
    def answers_the_vendor(self, who: str) -> None:
        due = (self.world.now + timedelta(minutes=5)).isoformat()
        values = {"cause": "Certificates", "expected_recovery_time": due}
        self.took(self.world.press(who, "3.3.2.s1", "answer", values=values))

    @rule(who=PEOPLE, step=st.sampled_from(["3.3.1.s2", "3.3.2.s1", "3.3.3.s1", "3.3.4.s1"]))
    def skips(self, who: str, step: str) -> None:
        self.took(self.world.press(who, step, "skip", values={"reason": "Not now"}))

    @rule(who=PEOPLE, button=st.sampled_from(["switch_back", "stay"]))
    def answers_the_question(self, who: str, button: str) -> None:
        self.took(self.world.answer(who, "switch_back", button))

    @rule(who=PEOPLE, act=st.sampled_from(["take", "note", "severity", "wait", "escalate"]))
    def controls_it(self, who: str, act: str) -> None:
        world = self.world
        actor, now = world.actor(who), world.now
        units: dict[str, Any] = {
            "take": lambda s: commands.take(s, world.house, 1, actor, now),
            "note": lambda s: commands.note(s, world.house, 1, actor, "Seen", now),
            "severity": lambda s: commands.change_severity(s, world.house, 1, actor, 2, now),
            "wait": lambda s: commands.wait_until(
                s, world.house, 1, actor, now + timedelta(hours=1), "Lunch", now
            ),
            "escalate": lambda s: commands.escalate(s, world.house, 1, actor, now),
        }
        self.took(world.write(units[act]))

    @rule(who=PEOPLE, to=st.sampled_from(["9.1", "3.3"]))
    def changes_the_section(self, who: str, to: str) -> None:
        world = self.world
        self.took(
            world.write(
                lambda s: commands.change_section(
                    s, world.house, 1, world.actor(who), to, world.now
                )
            )
        )

    @rule(who=PEOPLE)
    def resolves(self, who: str) -> None:
        self.took(self.world.resolve(who, prevention="Watch it"))

    @rule(who=PEOPLE)
    def reopens(self, who: str) -> None:
        world = self.world
        self.took(
            world.write(
                lambda s: commands.reopen(s, world.house, 1, world.actor(who), "Again", world.now)
            )
        )

    # --- the shop

    def attempts(self) -> list[ActionAttempt]:
        return self.world.all(ActionAttempt, ActionAttempt.state.in_(PENDING))

    @precondition(lambda self: hasattr(self, "world") and self.attempts())
    @rule(outcome=OUTCOMES, last=st.booleans(), captured=st.booleans())
    def the_shop_answers(
        self, outcome: tuple[AttemptState, str | None], last: bool, captured: bool
    ) -> None:
        attempt = self.attempts()[-1 if last else 0]
        state, problem = outcome
        if attempt.state != AttemptState.WRITTEN and state == AttemptState.REFUSED:
            return  # a precondition is looked at before anything is sent
        response = {"id": "x", "result": "captured" if captured else "not_captured"}
        self.world.settle(attempt, state, problem=problem, response=response)
        # What comes after the end changes nothing.
        if state in (AttemptState.DONE, AttemptState.FAILED, AttemptState.REFUSED):
            version = self.world.incident().version
            self.world.settle(attempt, AttemptState.FAILED, problem="no_effect")
            assert self.world.incident().version == version

    # --- what always holds

    @invariant()
    def the_version_never_goes_back(self) -> None:
        if not hasattr(self, "version"):
            return
        version = self.world.incident().version
        assert version >= self.version
        self.version = version

    @invariant()
    def no_step_is_lost(self) -> None:
        if not hasattr(self, "version"):
            return
        plan = self.world.house.plan
        for run in self.world.all(RunbookRun):
            steps = self.world.all(Step, Step.run_id == run.id)
            wanted = [step.id for step in plan.sections[run.section].steps]
            assert [step.step_id for step in steps] == wanted
            assert [step.position for step in steps] == list(range(1, len(steps) + 1))

    @invariant()
    def one_effect_is_on_its_way_for_each_case(self) -> None:
        if not hasattr(self, "version"):
            return
        keys = [(one.action, one.case_id, one.step_id) for one in self.attempts()]
        assert len(keys) == len(set(keys))
        switches = [one for one in self.attempts() if one.step_id == "3.3.1.s2"]
        assert len(switches) <= 1
        under_way = {one.step_id for one in self.attempts() if one.undoes_id is None}
        for run in self.world.all(RunbookRun, RunbookRun.state != "replaced"):
            for step in self.world.all(Step, Step.run_id == run.id):
                if step.state in (StepState.RUNNING, StepState.UNKNOWN):
                    assert step.step_id in under_way, "running, and nothing is on its way"

    @invariant()
    def the_timeline_has_no_gap(self) -> None:
        if not hasattr(self, "version"):
            return
        numbers = [entry.sequence for entry in self.world.entries()]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def one_open_incident_a_subject(self) -> None:
        if not hasattr(self, "version"):
            return
        live = self.world.all(Incident, Incident.status.in_(LIVE_STATUSES))
        assert len({one.fingerprint for one in live}) == len(live)

    @invariant()
    def what_is_resolved_has_what_it_needs(self) -> None:
        if not hasattr(self, "version"):
            return
        incident = self.world.incident()
        if incident.status == Status.RESOLVED:
            assert incident.cause is not None
            assert incident.resolved_at is not None
            assert not [one for one in self.attempts() if one.problem == "no_answer"]
            for item in self.world.all(FollowUp, FollowUp.incident_id == incident.id):
                assert item.owner is not None
                assert item.kind == "prevention" or item.due is not None
        if incident.owner is not None and incident.live:
            assert incident.status != Status.OPEN

    @invariant()
    def it_can_always_be_drawn(self) -> None:
        if not hasattr(self, "version"):
            return
        world = self.world
        card = world.read(lambda s: read.card(s, world.house, 1, world.now))
        assert len(card.buttons) <= 3
        assert len(card.more) <= 5
        assert sum(button.style == "primary" for button in card.buttons) <= 1
        assert len({button.action_id for button in card.buttons}) == len(card.buttons)
        runbook = world.read(lambda s: read.runbook(s, world.house, 1, world.now))
        for language in ("en", "zh-Hant"):
            TEMPLATES.render("card", card, language=language)
            TEMPLATES.render("runbook", runbook, language=language)


Life.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a step is one line: no shrinking
    suppress_health_check=list(HealthCheck),
)
TestLife = Life.TestCase
