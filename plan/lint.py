"""`muster plan lint`: what is wrong with the plan's files, each in one sentence with its place.

The rules stand in seven modules: what hangs together (`lint_structure`), what the texts may name
(`lint_scope`), what can be come to (`lint_reach`), how the texts read and how long they are
(`lint_texts`), one word for one thing (`lint_glossary`), what customers read
(`lint_customers`), and limits (`lint_limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plan import (
    lint_customers,
    lint_glossary,
    lint_limits,
    lint_reach,
    lint_scope,
    lint_structure,
    lint_texts,
)
from plan.check_files import check_files
from plan.drill_files import stories
from plan.lint_limits import LIMITS
from plan.loader import build
from plan.model import Plan
from plan.outline import Entry, load_outline
from plan.problem import Problem
from plan.sources import DATA, PlanError, Source, read_sources

_Checks = list[tuple[Source, Mapping[str, Any]]]
Rule = Callable[[Plan, Mapping[str, Entry]], Iterator[Problem]]
RULES: tuple[Rule, ...] = (
    *lint_structure.RULES,
    *lint_scope.RULES,
    *lint_reach.RULES,
    *lint_texts.RULES,
)
# How we write; a shop is warned, and may write otherwise.
STYLE: tuple[Rule, ...] = (*lint_glossary.RULES, *lint_customers.RULES)


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: file and line, the key, and the sentence that says what to do."""

    file: str
    line: int
    key: str
    sentence: str
    warning: bool = False  # it runs all the same

    def __str__(self) -> str:
        mark = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}: {mark}{self.key}: {self.sentence}"


def lint_plan(plan: Plan, outline: Mapping[str, Entry]) -> list[Problem]:
    """The problems of a plan that is loaded, without their places in files."""
    return [problem for rule in RULES for problem in rule(plan, outline)]


def lint(
    extra: Path | None = None,
    limits: Collection[str] = LIMITS,
    opened: Collection[str] | None = None,
) -> list[Fault]:
    """Every fault of the product's plan with a shop's own files over it, in reading order.

    `limits`: names that the configuration gives an amount. `opened`: incident types that its checks
    open; None: there is no configuration to ask.

    Raises PlanError if a file cannot be read at all.
    """
    sources = read_sources(extra)
    plan, where = build(sources)
    faults = _linted(plan, where, sources, load_outline(), limits)
    checks = list(check_files(extra))
    lived = _lived(sources, stories(extra))
    shut = _opened(plan, sources, opened, _found(checks))
    return sorted({*faults, *lived, *shut, *_nowhere(plan, checks)})


def _found(checks: _Checks) -> set[str]:
    return {kind for _, check in checks for kind in _types(check)}


def _types(check: Mapping[str, Any]) -> list[str]:
    """The incident types that a check opens: one, or those of which a row says which."""
    named = check.get("incident_type")
    of = named.get("of") if isinstance(named, Mapping) else [named]
    return [str(one) for one in of] if isinstance(of, list) else []


def _nowhere(plan: Plan, checks: _Checks) -> Iterator[Fault]:
    """A check in a folder that opens an incident of a type that there is not."""
    known = {kind.id for section in plan.sections.values() for kind in section.types}
    for source, check in checks:
        for kind in _types(check):
            if kind in known:
                continue
            sentence = f"“{kind}” is no incident type of the plan: its findings could open nothing."
            key = ("check", "incident_type")
            yield Fault(source.shown, source.line(key), ".".join(key), sentence)


def _lived(sources: list[Source], drilled: Collection[str]) -> Iterator[Fault]:
    """A section that nobody has lived through: ours must be, a shop's own had better."""
    for source, number in _sections(sources):
        watched = source.data["section"].get("handling") == "watch"
        if number not in drilled and not watched:
            yield Fault(
                source.shown,
                source.line(("section", "id")),
                "section.id",
                f"no drill lives through {number}; write one in drills/main.yaml beside it.",
                warning=not source.path.is_relative_to(DATA),
            )


def _opened(
    plan: Plan, sources: list[Source], opened: Collection[str] | None, beside: set[str]
) -> Iterator[Fault]:
    """A section that nothing opens: neither a check, of the configuration or in its folder (what
    those open: `beside`), nor a person.
    """
    for source, number in _sections(sources):
        section = plan.sections[number]
        by_check = any(kind.id in {*(opened or ()), *beside} for kind in section.types)
        if by_check or any(kind.declare is not None for kind in section.types):
            continue
        why = "no check of muster.yaml opens it" if opened is not None else "only a check opens it"
        yield Fault(
            source.shown,
            source.line(("section", "types")),
            "section.types",
            f"{why} and no person can (declare).",
            warning=opened is None,
        )


def _sections(sources: list[Source]) -> list[tuple[Source, str]]:
    """The sections with the file that has the last word on each."""
    last = {str(s.data["section"].get("id")): s for s in sources if "section" in s.data}
    return [(source, number) for number, source in last.items()]


def lint_sources(
    sources: list[Source], outline: Mapping[str, Entry], limits: Collection[str] = LIMITS
) -> list[Fault]:
    """As `lint`, of files that are read already. Raises PlanError."""
    plan, where = build(sources)
    return sorted(_linted(plan, where, sources, outline, limits))


def _linted(
    plan: Plan,
    where: Mapping[str, str],
    sources: list[Source],
    outline: Mapping[str, Entry],
    limits: Collection[str],
) -> set[Fault]:
    places = _Places(plan, where, {source.shown: source for source in sources})
    problems = [*lint_plan(plan, outline), *lint_limits.limit_rule(plan, limits)]
    faults = {places.of(problem) for problem in problems}
    shops = {source.shown for source in sources if not source.path.is_relative_to(DATA)}
    style = [problem for rule in STYLE for problem in rule(plan, outline)]
    for problem in (*style, *_unsent(plan, where)):
        fault = places.of(problem)
        faults.add(replace(fault, warning=fault.file in shops))
    return faults


def _unsent(plan: Plan, where: Mapping[str, str]) -> Iterator[Problem]:
    """A notice to customers that no action sends."""
    sent = {one.message.notice for one in plan.actions.values() if one.message is not None}
    for owner in where:
        kind, _, name = owner.partition(" ")
        if kind == "notice" and name not in sent:
            yield Problem(owner, (), "no action sends it (message).")


def placed(problems: Iterable[Problem], sources: list[Source]) -> set[Fault]:
    """These problems with their places in files that are read already. Raises PlanError."""
    plan, where = build(sources)
    places = _Places(plan, where, {source.shown: source for source in sources})
    return {places.of(problem) for problem in problems}


@dataclass(frozen=True)
class _Places:
    """Where what the plan says stands: file and line of a problem."""

    plan: Plan
    where: Mapping[str, str]
    sources: Mapping[str, Source]

    def of(self, problem: Problem) -> Fault:
        return _placed(self._in_notice(problem), self.where, self.sources)

    def _in_notice(self, problem: Problem) -> Problem:
        """A message that an action names stands in the notice's own file."""
        kind, _, name = problem.owner.partition(" ")
        action = self.plan.actions.get(name) if kind == "action" else None
        if action is None or action.message is None or action.message.notice is None:
            return problem
        if problem.keys[:1] != ("message",):
            return problem
        return Problem(f"notice {action.message.notice}", problem.keys[1:], problem.sentence)


def _placed(problem: Problem, where: Mapping[str, str], sources: Mapping[str, Source]) -> Fault:
    source = sources.get(where.get(problem.owner, ""))
    key = problem.key or problem.owner
    if source is None:
        return Fault("plan", 1, key, problem.sentence)
    return Fault(source.shown, source.line(problem.path), key, problem.sentence)


__all__ = ["Fault", "PlanError", "lint", "lint_plan", "lint_sources", "placed"]
