"""Quorum: so many at the same time; who could not look speaks neither for nor against."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.settings import parse_settings
from bot.settings_errors import SettingsError
from checks.exchange import Exchange, Question
from checks.kinds.base import CheckContext, LookFailed
from checks.model import CheckResult
from checks.registry import AnyCheckSettings, build
from checks.runner import run_check
from tests.checks.test_probing import NOW

ANSWERS = {
    "well": Exchange(None, 200, 20),
    "down": Exchange("refused"),
    "slow": Exchange(None, 200, 4000),
    "blind": Exchange("proxy", asked=False),
}
ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyCheckSettings)


def looked(*answers: str, look: Any = None, **given: Any) -> CheckResult:
    """One run over probes that are so answered, and a prober outside that says `look`."""
    probes = [
        ADAPTER.validate_python(
            {"kind": "http_probe", "name": f"from-{n}", "service": "shop", "url": f"http://{n}/"}
        )
        for n in range(len(answers))
    ]
    signals: list[Any] = [probe.name for probe in probes]
    if look is not None:
        signals.append({"look": "outside", "title": {"en": "Outside", "zh-Hant": "外部"}})
    quorum = ADAPTER.validate_python(
        {"kind": "quorum", "name": "shop-down", "service": "shop", "signals": signals, **given}
    )

    async def ask(question: Question) -> Exchange:
        return ANSWERS[answers[int(question.url.removeprefix("http://").rstrip("/"))]]

    async def answered(name: str, _params: dict[str, Any]) -> Any:
        assert name == "outside"
        if isinstance(look, LookFailed):
            raise look
        return look

    context = CheckContext(ask, None, "TWD", NOW, answered)
    return asyncio.run(run_check(build(quorum, [*probes, quorum]), context))


def word(result: CheckResult) -> str:
    if result.error is not None:
        assert (result.findings, result.healthy_subjects) == ((), ())
        return "unknown"
    return "found" if result.findings else "well" if result.healthy_subjects else "nothing"


@pytest.mark.parametrize(
    ("answers", "at_least", "is_"),
    [
        (("down", "down", "well"), 2, "found"),
        (("down", "well", "well"), 2, "well"),
        (("down", "down", "well"), 3, "well"),
        (("down", "blind", "well"), 2, "unknown"),
        (("well", "blind", "well"), 2, "well"),
        (("down", "down", "blind"), 2, "found"),
        (("blind", "blind", "well"), 2, "unknown"),
        (("blind", "blind", "blind"), 2, "unknown"),
        (("down", "slow", "well"), 2, "well"),
    ],
)
def test_so_many_must_fail_at_the_same_time(
    answers: tuple[str, ...], at_least: int, is_: str
) -> None:
    result = looked(*answers, at_least=at_least)
    assert word(result) == is_
    noted = "down" in answers and is_ != "found"
    assert bool(result.noted) is noted, "what fails below the quorum is noted"


def test_the_finding_names_who_spoke() -> None:
    [finding] = looked("down", "well", look={"ok": False, "problem": "timeout"}).findings
    assert (finding.subject, finding.incident_type) == ("service:shop", "system_crash")
    assert finding.facts["service"] == "shop"
    said = [(one["name"], one["state"], one["problem"]) for one in finding.facts["signals"]]
    assert said == [
        ("from-0", "failing", "refused"),
        ("from-1", "well", None),
        ("outside", "failing", "timeout"),
    ]
    assert finding.facts["signals"][2]["title"] == {"en": "Outside", "zh-Hant": "外部"}


@pytest.mark.parametrize(
    ("look", "is_"),
    [
        ({"ok": False}, "found"),
        ({"ok": "false"}, "unknown"),
        ({}, "unknown"),
        ([], "unknown"),
        (LookFailed("refused"), "unknown"),
        ([{"name": "Tokyo", "ok": False}, {"name": "Paris", "ok": True}], "found"),
        ([{"name": "Tokyo", "ok": True}, {"name": "Tokyo", "ok": False}], "well"),
        ({"ok": True}, "well"),
    ],
)
def test_a_prober_outside_is_a_typed_voice_for_each_of_its_reporters(look: Any, is_: str) -> None:
    assert word(looked("down", "well", look=look)) == is_


def test_slow_ones_count_where_that_is_said() -> None:
    [finding] = looked("down", "slow", "well", counts_degraded=True, severity=1).findings
    assert (finding.facts["degraded"], finding.severity) == (True, None), "one alone is down"
    [finding] = looked("down", "down", "slow", counts_degraded=True, severity=1).findings
    assert (finding.facts["degraded"], finding.severity) == (False, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"signals": ["a", "b"], "at_least": 3}, "no incident would ever open"),
        ({"signals": ["a", "a"]}, "one is one voice"),
    ],
)
def test_a_quorum_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ADAPTER.validate_python({"kind": "quorum", "name": "q", "service": "shop", **given})


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (["store", "nobody"], "“nobody”, which is no check"),
        (["store", "shop-down"], "“shop-down”, which is a quorum itself"),
        (["store", {"look": "outside"}], "“outside”, which is not in shop.looks"),
    ],
)
def test_a_signal_that_leads_nowhere_is_one_sentence(signals: list[Any], said: str) -> None:
    probe = {"kind": "http_probe", "name": "store", "service": "s", "url": "http://x/"}
    quorum = {"kind": "quorum", "name": "shop-down", "service": "s", "signals": signals}
    data = {
        "slack": {"channels": {"incidents": {"id": "C0INCIDENTS"}}},
        "roles": {"oncall": {"people": ["U0ONCALL"]}},
        "shop": {"name": "Shop", "currency": "TWD"},
        "checks": [probe, quorum],
    }
    with pytest.raises(SettingsError, match=said):
        parse_settings(data)
