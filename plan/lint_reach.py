"""Reach of a plan: what nobody could ever come to, and words that nothing ever is.

A step that waits for itself, a button whose condition holds in no case, a state that there is not:
each would be found at 3 a.m., by a runbook that ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice, product
from typing import Any

import jinja2
from jinja2 import nodes

from plan import expressions
from plan import scope as texts
from plan.facts import facts_of
from plan.lint_scope import paths
from plan.model import Fact, Plan, Section
from plan.outline import Entry
from plan.problem import Problem
from plan.walk import Found, walk

Outline = Mapping[str, Entry]
_TRIED = 20_000  # combinations of values that a condition is tried with
_MOMENTS = ("2026-11-11T03:00:00+00:00", "2026-11-12T03:00:00+00:00")
_WORKED_OUT = (
    nodes.Filter,
    nodes.Call,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Pow,
    nodes.Neg,
)
_OFFERED = frozenset(
    {
        ("Button", "when"),
        ("Branch", "condition"),
        ("Step", "first_when"),
        ("Step", "optional_when"),
        ("Later", "condition"),
        ("SeverityRule", "when"),
    }
)
_PART = nodes.Getattr | nodes.Getitem
_STATES: Mapping[tuple[str, str], frozenset[str]] = {
    ("case", "state"): texts.CASE_STATES,
    ("steps", "state"): texts.STEP_STATES,
    ("incident", "status"): texts.STATUSES,
}


def needs_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """No step waits for itself, or in the plan's order for one that comes after it."""
    for section in plan.sections.values():
        places = {step.id: place for place, step in enumerate(section.steps)}
        ordered = {step.id for step in section.steps if step.ordered}
        for index, step in enumerate(section.steps):
            at = ("steps", index, "needs")
            circle = _circle(section, step.id)
            if circle:
                yield Problem(f"section {section.id}", at, f"{' → '.join(circle)}: it never opens.")
                continue
            for name in step.needs:
                if step.ordered and name in ordered and places[name] > index:
                    yield Problem(
                        f"section {section.id}",
                        at,
                        f"{name} comes after {step.id}, so neither opens; use “ordered: false”.",
                    )


def _circle(section: Section, start: str) -> list[str]:
    """The way from a step through what it needs back to itself; empty if there is none."""
    needs = {step.id: step.needs for step in section.steps}
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in needs.get(way[-1], ()):
            if name == start and len(way) > 1:
                return [*way, name]
            if name not in seen and name != way[-1]:
                seen.add(name)
                ways.append([*way, name])
    return []


def offered_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """No condition that nothing fulfils, whatever is known."""
    for section in plan.sections.values():
        facts = {name: fact for kind in section.types for name, fact in facts_of(kind).items()}
        for found in walk(section):
            place = (type(found.holder).__name__, found.name)
            if place in _OFFERED and found.source and not can_hold(found.source, facts):
                yield Problem(
                    f"section {section.id}",
                    found.keys,
                    f"“{found.source}” holds in no case, so it is never offered.",
                )


def can_hold(source: str, facts: Mapping[str, Fact]) -> bool:
    """Whether some values of what the expression names make it true.

    Tried with nothing, true, numbers, the facts' samples and every value it is compared with; True
    where the expression cannot be read (another rule says so) or names too much to try it all.
    """
    try:
        text = "{{ " + source + " }}"
        tree, read = expressions.parsed(text), expressions.undeclared(text)
    except jinja2.TemplateSyntaxError:
        return True
    if any(tree.find_all(_WORKED_OUT)):
        return True  # what a filter, a call or a sum makes of the values is not tried
    compared = [one.value for one in tree.find_all(nodes.Const)]
    dotted = set(paths(tree))
    bare = read - {path[0] for path in dotted}
    names = sorted(dotted | {(name,) for name in bare})
    numbers = [value + by for value in compared if _number(value) for by in (-1, 1)]
    common = [None, True, False, 0, 1, *_MOMENTS, *compared, *numbers]
    values = [[*common, *_samples(name, facts)] for name in names]
    for chosen in islice(product(*values), _TRIED):
        scope: dict[str, Any] = {}
        for name, value in zip(names, chosen, strict=True):
            _put(scope, name, value)
        if expressions.holds(source, scope):
            return True
    size = 1
    for one in values:
        size *= len(one)
    return size > _TRIED


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _samples(name: tuple[str, ...], facts: Mapping[str, Fact]) -> list[Any]:
    fact = facts.get(".".join(name[1:])) if name[0] == "facts" else None
    return [] if fact is None or fact.sample is None else [fact.sample]


def _put(scope: dict[str, Any], name: tuple[str, ...], value: object) -> None:
    """The value under its dotted name; a name that goes through another's value takes its place."""
    *above, last = name
    at = scope
    for part in above:
        inner = at.get(part)
        if not isinstance(inner, dict):
            inner = at[part] = {}
        at = inner
    if not isinstance(at.get(last), dict):
        at[last] = value


def state_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """A state that a text or expression asks for is one that there is."""
    owners: list[tuple[str, Any]] = [
        *((f"section {one.id}", one) for one in plan.sections.values()),
        *((f"action {one.id}", one) for one in plan.actions.values()),
    ]
    for owner, model in owners:
        for found in walk(model):
            for sentence in sorted(_strange(found)):
                yield Problem(owner, found.keys, sentence)


def _strange(found: Found) -> set[str]:
    said: set[str] = set()
    for source in found.sources():
        text = "{{ " + source + " }}" if found.kind == "expression" else source
        said |= _strange_in(text, makes_state=found.name == "case_state")
    return said


@lru_cache(maxsize=16384)
def _strange_in(text: str, *, makes_state: bool) -> frozenset[str]:
    said: set[str] = set()
    try:
        tree = expressions.parsed(text)
    except jinja2.TemplateSyntaxError:
        return frozenset()
    for compare in tree.find_all(nodes.Compare):
        known = _STATES.get(_asked(compare.expr))
        for value in _values(compare) if known else ():
            if value not in known:  # type: ignore[operator]
                said.add(_no_state(value, known or frozenset()))
    if makes_state:
        known = texts.CASE_STATES
        said |= {_no_state(value, known) for value in _given(tree) - known}
    return frozenset(said)


def _no_state(value: str, known: frozenset[str]) -> str:
    return f"“{value}” is no state; there are {', '.join(sorted(known))}."


def _asked(node: nodes.Node) -> tuple[str, str]:
    """`steps['3.3.1.s2'].state` as ("steps", "state")."""
    if not isinstance(node, nodes.Getattr):
        return ("", "")
    at: nodes.Node = node.node
    while isinstance(at, nodes.Getattr | nodes.Getitem):
        at = at.node
    root = at.name if isinstance(at, nodes.Name) else ""
    within = node.node.node if root == "steps" and isinstance(node.node, _PART) else node.node
    direct = isinstance(within, nodes.Name)  # case.facts.state and a field “state” are the shop's
    return (root, node.attr) if direct else ("", "")


def _values(compare: nodes.Compare) -> Iterator[str]:
    for operand in compare.ops:
        for value in (operand.expr, *operand.expr.find_all(nodes.Const)):
            if isinstance(value, nodes.Const) and isinstance(value.value, str):
                yield value.value


def _given(tree: nodes.Template) -> set[str]:
    """The texts that an expression may give: not those that it compares with or looks up by."""
    compared = {
        id(const)
        for one in tree.find_all((nodes.Compare, nodes.Getitem, nodes.Test, nodes.Call))
        for const in one.find_all(nodes.Const)
    }
    return {
        str(const.value)
        for const in tree.find_all(nodes.Const)
        if isinstance(const.value, str) and id(const) not in compared
    }


def opened_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """What a form's choice opens is an incident type, and a type's own name is a fact of it."""
    types = {kind.id for section in plan.sections.values() for kind in section.types}
    for section in plan.sections.values():
        owner = f"section {section.id}"
        for index, kind in enumerate(section.types):
            at = ("types", index)
            known = facts_of(kind)
            if kind.named_by is not None and kind.named_by.removeprefix("facts.") not in known:
                yield Problem(
                    owner, (*at, "named_by"), f"“{kind.named_by}” is no fact of “{kind.id}”."
                )
            fields = kind.declare.fields if kind.declare is not None else ()
            for number, field in enumerate(fields):
                for place, option in enumerate(field.options):
                    if option.opens is not None and option.opens not in types:
                        keys = (*at, "declare", "fields", number, "options", place)
                        yield Problem(owner, keys, f"there is no incident type “{option.opens}”.")
        for index, guard in enumerate(section.guards):
            if guard.field is not None and guard.field not in texts.RESOLVE_FORM:
                known_fields = ", ".join(sorted(texts.RESOLVE_FORM))
                yield Problem(
                    owner,
                    ("guards", index, "field"),
                    f"the resolve form has no “{guard.field}”; it has {known_fields}.",
                )


RULES = (needs_rule, offered_rule, state_rule, opened_rule)
