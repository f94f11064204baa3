"""Quorum signal: what one of them says, in one of four words, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from checks.kinds.base import CheckContext, CheckSettings, LookFailed
from checks.kinds.quorum_settings import LookSignal
from checks.model import CheckResult

Standing = Literal["failing", "degraded", "well", "unknown"]


@dataclass(frozen=True)
class Signal:
    """`unknown`: it could not look, and speaks neither for nor against."""

    name: str
    standing: Standing
    problem: str | None = None  # a word of the catalogue, where it fails; why it could not look
    title: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)  # of what it found
    felt: bool = True

    def as_fact(self) -> dict[str, Any]:
        shown = {code: self.title.get(code) or self.name.replace("-", " ") for code in _CODES}
        return {"name": self.name, "title": shown, "state": self.standing, "problem": self.problem}


_CODES = ("en", "zh-Hant")


def of_check(settings: CheckSettings, result: CheckResult) -> Signal:
    """Of another check: what it finds counts, whatever it would open by itself."""
    if result.error is not None:
        return Signal(settings.name, "unknown", result.error, settings.title)
    if result.findings:
        worst = next((f for f in result.findings if not f.facts.get("degraded")), None)
        finding = worst or result.findings[0]
        problem = finding.facts.get("error")
        return Signal(
            settings.name,
            "degraded" if worst is None else "failing",
            problem if isinstance(problem, str) else None,
            settings.title,
            finding.facts,
            finding.felt,
        )
    standing: Standing = "well" if result.healthy_subjects else "unknown"
    return Signal(settings.name, standing, None, settings.title)


async def of_look(asked: LookSignal, context: CheckContext) -> list[Signal]:
    """Of a prober outside: its own word, or that of each of its reporters. A prober that does not
    answer, or in another form, says nothing of what it watches."""
    try:
        answer = await context.look(asked.look, {})
    except LookFailed as error:
        return [Signal(asked.look, "unknown", error.code, asked.title)]
    said = answer if isinstance(answer, list) else [answer]
    return list(_reported(said, asked)) or [Signal(asked.look, "unknown", "body", asked.title)]


def _reported(said: list[Any], asked: LookSignal) -> Iterator[Signal]:
    heard: set[str] = set()
    for one in said:
        report = one if isinstance(one, Mapping) else {}
        ok, own, problem = report.get("ok"), report.get("name"), report.get("problem")
        name = f"{asked.look} {own}" if isinstance(own, str) and own else asked.look
        if name in heard:  # one is one voice
            continue
        heard.add(name)
        title = {code: f"{text} {own}" if own else text for code, text in asked.title.items()}
        if not isinstance(ok, bool):
            yield Signal(name, "unknown", "body", title)
        else:
            why = problem if isinstance(problem, str) else "not_ok"
            yield Signal(name, "well" if ok else "failing", None if ok else why, title)
