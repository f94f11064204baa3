"""Lint of the scope: what a text or expression may name, it compiles, and every fact, step and
field exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import jinja2
from jinja2 import nodes

from plan import expressions, scope
from plan.facts import facts_of, money_parts
from plan.model import Action, Fact, Form, Plan, Section
from plan.outline import Entry
from plan.problem import Problem
from plan.walk import Found, actions_of, walk

Outline = Mapping[str, Entry]
_ENVIRONMENT = expressions.environment()
_SHALLOW: Mapping[str, frozenset[str]] = {
    "incident": scope.INCIDENT,
    "target": scope.TARGET,
    "batch": scope.BATCH,
    "attempt": scope.ATTEMPT,
    "case": scope.CASE,
    "message": scope.MESSAGE,
}


@dataclass(frozen=True)
class Names:
    """What may follow each name of the scope, at one place of the plan."""

    facts: frozenset[str]
    cases: frozenset[str]
    steps: Mapping[str, frozenset[str]]  # step id → the fields of its form
    form: frozenset[str] | None  # None: anything
    params: frozenset[str] | None


def scope_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    reached: dict[str, list[Section]] = {}
    for section in plan.sections.values():
        for name in actions_of(plan, section):
            reached.setdefault(name, []).append(section)
    for section in plan.sections.values():
        names = _names(plan, [section])
        for found in walk(section):
            yield from _check(f"section {section.id}", found, names)
    for action in plan.actions.values():
        sections = reached.get(action.id) or list(plan.sections.values())
        names = _names(plan, sections)
        for found in walk(action):
            yield from _check(f"action {action.id}", found, names)


def _names(plan: Plan, sections: list[Section]) -> Names:
    types = [kind for one in sections for kind in one.types]
    facts = {name: fact for kind in types for name, fact in facts_of(kind).items()}
    actions = [action for one in sections for action in actions_of(plan, one).values()]
    left = {name: Fact(kind="group", says="") for action in actions for name in action.facts}
    declared = {
        field.fact or field.id: Fact(kind="money" if field.kind == "money" else "text", says="")
        for one in sections
        for kind in one.types
        if kind.declare is not None
        for field in kind.declare.fields
    }
    return Names(
        facts=money_parts({**left, **declared, **facts}),
        cases=scope.CASES | _marks(actions),
        steps={step.id: _fields(step.form) for one in sections for step in one.steps},
        form=None,
        params=None,
    )


def _marks(actions: list[Action]) -> frozenset[str]:
    """Facts and outcomes that actions leave on cases: `cases.told`, `cases.charged`."""
    marks = {name for action in actions for name in action.case_facts}
    for action in actions:
        if action.case_outcome:
            try:
                body = expressions.parsed("{{ " + action.case_outcome + " }}")
            except jinja2.TemplateSyntaxError:
                continue
            marks |= {str(one.value) for one in body.find_all(nodes.Const)}
    return frozenset(marks)


def _fields(form: Form | None) -> frozenset[str]:
    return frozenset(field.id for field in form.fields) if form is not None else frozenset()


@dataclass(frozen=True)
class Read:
    """What one text or expression names, found by reading it once."""

    fault: str | None = None
    undeclared: tuple[str, ...] = ()
    helpers: tuple[tuple[str, str], ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()


@lru_cache(maxsize=8192)
def _read(source: str, *, expression: bool) -> Read:
    text = "{{ " + source + " }}" if expression else source
    try:
        expressions.check(source, expression=expression)
        tree = expressions.parsed(text)
    except (expressions.ExpressionError, jinja2.TemplateSyntaxError) as error:
        return Read(fault=str(error))
    return Read(
        undeclared=tuple(sorted(expressions.undeclared(text))),
        helpers=tuple(sorted(_helpers(tree))),
        paths=tuple(sorted(set(paths(tree)))),
    )


def _check(owner: str, found: Found, names: Names) -> Iterator[Problem]:
    names = _nearer(found, names)
    for source in found.sources():
        read = _read(source, expression=found.kind == "expression")
        if read.fault:
            yield Problem(owner, found.keys, f"{read.fault}.")
        for name in read.undeclared:
            if name not in scope.SCOPE and name not in _ENVIRONMENT.globals:
                yield Problem(owner, found.keys, f"“{name}” is not in the scope of the texts.")
        for kind, name in read.helpers:
            yield Problem(owner, found.keys, f"there is no {kind} “{name}”.")
        for path in read.paths:
            sentence = _unknown(path, names)
            if sentence:
                yield Problem(owner, found.keys, sentence)


def _helpers(tree: nodes.Template) -> set[tuple[str, str]]:
    """Filters and tests that do not exist; inside a condition Jinja tells only when it runs."""
    filters = {node.name for node in tree.find_all(nodes.Filter)} - _ENVIRONMENT.filters.keys()
    tests = {node.name for node in tree.find_all(nodes.Test)} - _ENVIRONMENT.tests.keys()
    return {("filter", name) for name in filters} | {("test", name) for name in tests}


def _nearer(found: Found, names: Names) -> Names:
    """`form` and `params` are those of the step or action that the text stands in."""
    action = next((one for one in found.within if isinstance(one, Action)), None)
    if action is not None:
        return Names(
            names.facts,
            names.cases,
            names.steps,
            None if action.form is None and action.kind == "internal" else _fields(action.form),
            frozenset(action.params),
        )
    step = found.step
    if step is not None:
        return Names(names.facts, names.cases, names.steps, _fields(step.form), names.params)
    return Names(names.facts, names.cases, names.steps, scope.RESOLVE_FORM, names.params)


def paths(tree: nodes.Template) -> Iterator[tuple[str, ...]]:
    """`facts.channel.name` as ("facts", "channel", "name"); the longest chain of each place."""
    inner = set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if id(node) in inner:
            continue
        parts: list[str] = []
        at: nodes.Node = node
        while isinstance(at, (nodes.Getattr, nodes.Getitem)):
            inner.add(id(at))
            if isinstance(at, nodes.Getattr):
                parts.append(at.attr)
            elif isinstance(at.arg, nodes.Const) and isinstance(at.arg.value, str):
                parts.append(at.arg.value)
            else:
                parts.clear()  # what follows a computed key is not known here
            at = at.node
        if isinstance(at, nodes.Name) and parts:
            yield (at.name, *reversed(parts))


def _unknown(path: tuple[str, ...], names: Names) -> str | None:
    root, rest = path[0], path[1:]
    shown = ".".join(path)
    if root == "facts" and ".".join(rest) not in names.facts:
        return f"“{shown}” is no fact that a check, a form or an action gives here."
    if root == "cases" and rest[0] not in names.cases:
        return f"“{shown}” is nothing that is counted over cases here."
    if root in _SHALLOW and rest[0] not in _SHALLOW[root]:
        return f"“{shown}” is not known; {root} has {', '.join(sorted(_SHALLOW[root]))}."
    if root == "steps":
        return _unknown_step(rest, names)
    if root == "form" and names.form is not None and rest[0] not in names.form:
        return f"“{shown}” is no field of the form here."
    if root == "params" and names.params is not None and rest[0] not in names.params:
        return f"“{shown}” is no parameter of this action."
    return None


def _unknown_step(rest: tuple[str, ...], names: Names) -> str | None:
    step, what = rest[0], rest[1:]
    if step not in names.steps:
        return f"there is no step {step} here."
    if what and what[0] not in scope.STEP:
        return f"a step has no “{what[0]}”; it has {', '.join(sorted(scope.STEP))}."
    if len(what) > 1 and what[0] == "fields" and what[1] not in names.steps[step]:
        return f"the form of step {step} has no field “{what[1]}”."
    return None


RULES = (scope_rule,)
