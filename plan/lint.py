"""`muster plan lint`: what is wrong with the plan's files, each in one sentence with its place.

The rules stand in four modules: what hangs together (`lint_structure`), what the texts may name
(`lint_scope`), how they read and how long they are (`lint_texts`), and limits (`lint_limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from plan import lint_limits, lint_scope, lint_structure, lint_texts
from plan.lint_limits import LIMITS
from plan.loader import PlanError, Source, build, read_sources
from plan.model import Plan
from plan.outline import Entry, load_outline
from plan.problem import Problem

Rule = Callable[[Plan, Mapping[str, Entry]], Iterator[Problem]]
RULES: tuple[Rule, ...] = (*lint_structure.RULES, *lint_scope.RULES, *lint_texts.RULES)


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: file and line, the key, and the sentence that says what to do."""

    file: str
    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.sentence}"


def lint_plan(plan: Plan, outline: Mapping[str, Entry]) -> list[Problem]:
    """The problems of a plan that is loaded, without their places in files."""
    return [problem for rule in RULES for problem in rule(plan, outline)]


def lint(extra: Path | None = None, limits: Collection[str] = LIMITS) -> list[Fault]:
    """Every fault of the product's plan with a shop's own files over it, in reading order.

    `limits`: names that the configuration gives an amount.

    Raises PlanError if a file cannot be read at all.
    """
    return lint_sources(read_sources(extra), load_outline(), limits)


def lint_sources(
    sources: list[Source], outline: Mapping[str, Entry], limits: Collection[str] = LIMITS
) -> list[Fault]:
    """As `lint`, of files that are read already. Raises PlanError."""
    plan, where = build(sources)
    by_name = {source.shown: source for source in sources}
    problems = [*lint_plan(plan, outline), *lint_limits.limit_rule(plan, limits)]
    return sorted({_placed(p, where, by_name) for p in problems})


def placed(problems: Iterable[Problem], sources: list[Source]) -> set[Fault]:
    """These problems with their places in files that are read already. Raises PlanError."""
    _, where = build(sources)
    by_name = {source.shown: source for source in sources}
    return {_placed(problem, where, by_name) for problem in problems}


def _placed(problem: Problem, where: Mapping[str, str], sources: Mapping[str, Source]) -> Fault:
    source = sources.get(where.get(problem.owner, ""))
    key = problem.key or problem.owner
    if source is None:
        return Fault("plan", 1, key, problem.sentence)
    return Fault(source.shown, source.line(problem.path), key, problem.sentence)


__all__ = ["Fault", "PlanError", "lint", "lint_plan", "lint_sources", "placed"]
