"""Walks a plan: every text, every expression and every parameter template, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from plan.model import Action, Plan, Section, Step, Words

# Fields that hold an expression, by model; the other strings are ids, codes or templates.
_EXPRESSIONS: dict[str, frozenset[str]] = {
    "Button": frozenset({"when", "completes_when"}),
    "Branch": frozenset({"condition"}),
    "Step": frozenset({"optional_when", "first_when"}),
    "Guard": frozenset({"holds"}),
    "SeverityRule": frozenset({"when"}),
    "Later": frozenset({"condition"}),
    "Precondition": frozenset({"holds"}),
    "Verification": frozenset({"holds", "fails"}),
    "Action": frozenset({"cases", "case_state", "case_outcome", "undo_when"}),
    "Reading": frozenset({"due"}),
    "Earlier": frozenset({"found"}),
    "Standing": frozenset({"holds"}),
    "Hold": frozenset({"enough"}),
    "IncidentType": frozenset({"felt"}),
}
_TEMPLATES: dict[str, frozenset[str]] = {
    "Button": frozenset({"params"}),
    "Action": frozenset({"params", "facts", "case_facts", "tells"}),
    "Standing": frozenset({"facts"}),
}


@dataclass(frozen=True)
class Found:
    """A text, expression or template: where it stands, and what it stands in."""

    keys: tuple[str | int, ...]  # ("steps", 1, "next")
    kind: Literal["words", "expression", "template"]
    words: Words | None
    source: str | None
    within: tuple[BaseModel, ...]  # from the section or action down to what holds it

    @property
    def name(self) -> str:
        return str(self.keys[-1])

    @property
    def holder(self) -> BaseModel:
        return self.within[-1]

    @property
    def step(self) -> Step | None:
        return next((one for one in self.within if isinstance(one, Step)), None)

    def sources(self) -> tuple[str, ...]:
        if self.words is not None:
            return tuple(text for _, text in self.words.items())
        return (self.source or "",)


def walk(root: BaseModel, keys: tuple[str | int, ...] = ()) -> Iterator[Found]:
    """Everything under a section, an action or a cause."""
    yield from _model(root, keys, ())


def _model(
    model: BaseModel, keys: tuple[str | int, ...], above: tuple[BaseModel, ...]
) -> Iterator[Found]:
    within = (*above, model)
    kind = type(model).__name__
    for name in type(model).model_fields:
        value: Any = getattr(model, name)
        at = (*keys, name)
        if name in _EXPRESSIONS.get(kind, ()) and isinstance(value, str):
            yield Found(at, "expression", None, value, within)
        elif name in _TEMPLATES.get(kind, ()) and isinstance(value, str):
            yield Found(at, "template", None, value, within)
        elif name in _TEMPLATES.get(kind, ()):
            for key, template in (value or {}).items():
                yield Found((*at, key), "template", None, template, within)
        else:
            yield from _value(value, at, within)


def _value(
    value: Any, keys: tuple[str | int, ...], within: tuple[BaseModel, ...]
) -> Iterator[Found]:
    if isinstance(value, Words):
        yield Found(keys, "words", value, None, within)
    elif isinstance(value, BaseModel):
        yield from _model(value, keys, within)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _value(item, (*keys, index), within)


def actions_of(plan: Plan, section: Section) -> dict[str, Action]:
    """The actions that the section's buttons reach, with what follows and their ways back."""
    named = [b.action for step in section.steps for b in step.buttons if b.action]
    named += [b.action for later in section.later for b in later.buttons if b.action]
    found: dict[str, Action] = {}
    while named:
        name = named.pop()
        action = plan.actions.get(name)
        if name in found or action is None:
            continue
        found[name] = action
        named += [follow for follow in (action.then, action.undo) if follow]
    return found
