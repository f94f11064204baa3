"""Faults that the machine finds: each mend is taken out once, and the machine must not pass.

In the full run only: a fault may need a hundred lives before somebody walks into it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from incidents.detection import findings, recovery, relapse, silence
from incidents.lifecycle import hold
from incidents.runbooks import step_completion
from incidents.shop_actions import effects, told_orders
from storage.models import StepState
from tests.drills.sabotaged_bot import (
    approval_per_attempt,
    skip_mitigates,
    told_per_incident,
)
from tests.truth import test_truth
from tests.truth.test_truth import Truth

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("MUSTER_FULL"), reason="part of .ci/full only"),
]
_LIVES = 150
Patch = pytest.MonkeyPatch


def skip_is_done(patch: Patch) -> None:
    """A skipped step mitigates as one that was done."""
    patch.setattr(step_completion, "after", step_completion.after)  # put back afterwards
    skip_mitigates()


def done_without_a_hold(patch: Patch) -> None:
    """Green as soon as the shop says yes, and what comes back changes nothing."""
    patch.setattr(hold, "begin", lambda *_: False)
    patch.setattr(relapse, "consider", lambda *_: False)


def effect_never_looked_at(patch: Patch) -> None:
    """What was undone, or has gone, leaves its step done."""
    patch.setattr(effects, "taken_back", lambda *_: [])
    patch.setattr(effects, "take", lambda *_: [])
    patch.setattr(relapse, "consider", lambda *_: False)


def relapse_rings_nobody(patch: Patch) -> None:
    """It comes back, and whoever must act is not told."""
    patch.setattr(relapse, "ring", lambda *_: None)


def dismissed_for_ever(patch: Patch) -> None:
    """*Not an incident* silences its subject without an end."""
    patch.setattr(silence, "holds", lambda *_, **__: True)


def settled_for_ever(patch: Patch) -> None:
    """A case that is found again stays settled."""
    patch.setattr(findings, "reopen_found", lambda *_, **__: None)


def skipped_for_ever(patch: Patch) -> None:
    """A step that was left out stays so when the fault comes back."""
    patch.setattr(relapse, "ENDS_IT", (StepState.DONE,))


def recovered_is_deaf(patch: Patch) -> None:
    """A check that fails after the mitigation is not listened to."""
    patch.setattr(recovery, "failed_again", lambda *_, **__: False)


def approved_by_attempt(patch: Patch) -> None:
    """A second person is asked for one large amount alone."""
    from incidents.shop_actions import approval_rules

    patch.setattr(approval_rules, "broken", approval_rules.broken)  # put back afterwards
    approval_per_attempt()


def told_by_incident(patch: Patch) -> None:
    """What another incident has told is not looked at."""
    for name in ("of_incidents", "claim", "give", "inherit", "keep_facts", "follow"):
        patch.setattr(told_orders, name, getattr(told_orders, name))  # put back afterwards
    told_per_incident()


# What is taken out, and by which of the machine's invariants it is found.
_FAULTS: Mapping[Callable[[Patch], None], frozenset[str]] = {
    skip_is_done: frozenset({"never_green_while_it_is_felt"}),
    done_without_a_hold: frozenset({"never_green_while_it_is_felt"}),
    effect_never_looked_at: frozenset(
        {"no_step_is_done_without_its_effect", "never_green_while_it_is_felt"}
    ),
    relapse_rings_nobody: frozenset({"who_must_act_is_rung"}),
    dismissed_for_ever: frozenset({"what_was_called_no_incident_is_not_forgotten"}),
    settled_for_ever: frozenset({"never_green_while_it_is_felt"}),
    skipped_for_ever: frozenset({"what_was_left_out_is_offered_again"}),
    recovered_is_deaf: frozenset({"never_green_while_it_is_felt"}),
    approved_by_attempt: frozenset({"no_money_past_its_limit"}),
    told_by_incident: frozenset({"nobody_is_told_twice"}),
}
_SETTINGS: Mapping[str, Any] = {
    "max_examples": _LIVES,
    "stateful_step_count": 40,
    "deadline": None,
    "database": None,
    "phases": (Phase.generate,),
    "report_multiple_bugs": False,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.__name__)
def test_the_machine_finds(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """The first thing that is found untrue is what the fault makes untrue."""
    fault(monkeypatch)
    test_truth.UNTRUE.clear()
    # Whatever is raised: a life is lived again to show it, and keys by chance may turn it.
    with contextlib.suppress(Exception):
        run_state_machine_as_test(Truth, settings=settings(**_SETTINGS))
    assert test_truth.UNTRUE, "every life was true"
    assert test_truth.UNTRUE[0] in _FAULTS[fault]
