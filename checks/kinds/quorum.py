"""Quorum: so many signals must fail at the same time before it is an incident (9.1, 9.2).

Its signals are other checks, which it runs itself so that all look at the same moment, and probers
outside. From several places they are the vantage points of one target. One that could not look
speaks neither for nor against; what fails below the quorum is noted and opens nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from checks.kinds.base import Check, CheckContext
from checks.kinds.quorum_settings import LookSignal, QuorumSettings
from checks.kinds.quorum_signal import Signal, of_check, of_look
from checks.model import CaseFound, CheckResult, Finding
from checks.runner import run_check

_OF_DEADLINE = 0.9  # for the signals, so that a slow one does not silence the others


class Quorum:
    """Asks all its signals at once and counts their voices."""

    def __init__(self, settings: QuorumSettings, checks: Sequence[Check]) -> None:
        self.settings = settings
        self._checks = {check.settings.name: check for check in checks}

    async def run(self, context: CheckContext) -> CheckResult:
        settings = self.settings
        spoken = await asyncio.gather(*(self._ask(one, context) for one in settings.signals))
        signals = [signal for several in spoken for signal in several]
        counted = {"failing", "degraded"} if settings.counts_degraded else {"failing"}
        against = [one for one in signals if one.standing in counted]
        unknown = [one for one in signals if one.standing == "unknown"]
        figures = {
            "needed": settings.at_least,
            "signals": {one.name: _shown(one) for one in signals},
        }
        name, subject = settings.name, f"service:{settings.service}"
        if len(against) >= settings.at_least:
            finding = self._finding(subject, against, signals)
            return CheckResult(name, context.now, (finding,), figures=figures)
        noted = (self._finding(subject, against, signals),) if against else ()
        if len(against) + len(unknown) < settings.at_least:
            return CheckResult(
                name, context.now, healthy_subjects=(subject,), noted=noted, figures=figures
            )
        blind = "; ".join(f"{one.name}: {one.problem or 'nothing to look at'}" for one in unknown)
        error = f"{len(signals) - len(unknown)} of {len(signals)} signals could look ({blind})"
        return CheckResult(name, context.now, noted=noted, figures=figures, error=error)

    async def _ask(self, signal: str | LookSignal, context: CheckContext) -> Sequence[Signal]:
        within = self.settings.deadline * _OF_DEADLINE
        try:
            async with asyncio.timeout(within):
                if isinstance(signal, LookSignal):
                    return await of_look(signal, context)
                check = self._checks[signal]
                # Its own turns keep its mark: here it says how the whole stands.
                whole = replace(context, following=None)
                return [of_check(check.settings, await run_check(check, whole))]
        except TimeoutError:
            known = signal.look if isinstance(signal, LookSignal) else signal
            return [Signal(known, "unknown", f"it did not end within {within:g} s")]

    def _finding(self, subject: str, against: list[Signal], signals: list[Signal]) -> Finding:
        settings = self.settings
        down = [one for one in against if one.standing == "failing"]
        problems = Counter(one.problem for one in down or against if one.problem)
        known: dict[str, Any] = {}
        for one in reversed(down):
            known |= one.facts
        configured = {"incident_type", "severity"} & settings.model_fields_set
        degraded = len(down) < settings.at_least and settings.counts_degraded
        return Finding(
            subject=subject,
            incident_type=settings.incident_type,
            facts={
                **_of_service(known),
                "service": settings.service,
                "error": problems.most_common(1)[0][0] if problems else None,
                "degraded": degraded,
                "part": degraded or (not configured and known.get("part") is not False),
                "signals": [one.as_fact() for one in signals],
                "signals_needed": settings.at_least,
            },
            cases=(CaseFound(kind="server", key=settings.service),),
            severity=None if degraded else settings.severity,
            felt=any(one.felt for one in against),
        )


_OF_SERVICE = (
    "latency_ms", "standby", "traffic",
    "window_minutes", "orders_per_minute_usual", "orders_last_minutes",
)  # fmt: skip


def _of_service(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a signal knows of the service itself, whatever else its own incident would say."""
    return {name: facts[name] for name in _OF_SERVICE if name in facts}


def _shown(signal: Signal) -> str:
    return signal.standing if signal.problem is None else f"{signal.standing}: {signal.problem}"
