"""Screening of what the shop's own texts bring along: a payment's stage, a reason, an error.

Such fields are free text to whoever fills them, and Muster shows them in a channel. Identifiers
are left alone: they are looked up by, and look like many things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from checks.model import CaseFound, CheckResult, Finding
from incidents import privacy

_TEXTS = frozenset({"stage", "reason", "error", "message", "detail", "note", "comment"})


def screened(result: CheckResult) -> CheckResult:
    """The result with the shop's sentences as they may be posted."""
    return replace(
        result,
        findings=tuple(_finding(one) for one in result.findings),
        error=privacy.masked(result.error) if result.error else result.error,
        figures=_facts(result.figures),
        recovered_facts={name: _facts(facts) for name, facts in result.recovered_facts.items()},
    )


def _finding(finding: Finding) -> Finding:
    cases = finding.cases
    if any(_TEXTS & case.facts.keys() for case in cases):
        cases = tuple(_case(case) for case in cases)
    return replace(finding, facts=_facts(finding.facts), cases=cases)


def _case(case: CaseFound) -> CaseFound:
    return replace(case, facts=_facts(case.facts)) if _TEXTS & case.facts.keys() else case


def _facts(facts: Mapping[str, Any], *, inside: bool = False) -> dict[str, Any]:
    return {name: _value(value, inside or name in _TEXTS) for name, value in facts.items()}


def _value(value: Any, is_text: bool) -> Any:
    if isinstance(value, str):
        return privacy.masked(value) if is_text else value
    if isinstance(value, Mapping):
        return _facts(value, inside=is_text)
    if isinstance(value, list | tuple):
        return [_value(one, is_text) for one in value]
    return value
