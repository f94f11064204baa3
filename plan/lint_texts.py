"""Lint of the texts: both languages, no code words, no stray emoji, within Slack's sizes.

Texts are measured as they will be read: rendered with the sample scopes of `plan.samples`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from plan import expressions, languages, samples
from plan.model import Plan, Section
from plan.outline import Entry
from plan.problem import Problem
from plan.walk import Found, actions_of, walk

Outline = Mapping[str, Entry]

# Slack: button text 75, modal title and submit 24, confirm 100/300/30, option 75, section 3000.
# Ours are tighter where a phone shows less (thread-examples: labels 24 and 8, lock screen 110, 55).
_SIZES: Mapping[tuple[str, str], tuple[int, int]] = {
    ("Form", "title"): (24, 24),
    ("Form", "submit"): (24, 24),
    ("Form", "intro"): (300, 300),
    ("FormField", "label"): (48, 48),
    ("FormField", "hint"): (150, 150),
    ("Option", "label"): (75, 75),
    ("Confirm", "title"): (24, 24),  # it heads the preview, which is a modal
    ("CustomerMessage", "opening"): (200, 150),
    ("CustomerMessage", "order"): (500, 300),
    ("CustomerMessage", "closing"): (300, 200),
    ("Confirm", "text"): (300, 300),
    ("Confirm", "confirm"): (30, 30),
    ("Confirm", "deny"): (30, 30),
    ("CardWords", "title"): (120, 80),
    ("CardWords", "figures"): (300, 200),
    ("CardWords", "affected"): (300, 200),
    ("CardWords", "looks_like"): (300, 200),
    ("Step", "title"): (60, 40),
    ("Step", "do"): (300, 200),
    ("Step", "next"): (200, 150),
    ("IncidentType", "ring"): (110, 55),
    ("IncidentType", "ring_mitigated"): (110, 55),
    ("IncidentType", "case_label"): (24, 24),
    ("Section", "short"): (30, 20),
    ("DeskWords", "title"): (200, 150),
    ("DeskWords", "say"): (600, 400),
    ("DeskWords", "order"): (400, 250),
    ("Precondition", "problem"): (300, 200),
}
_LABELS = frozenset({("Button", "label"), ("Action", "undo_label")})
_LABEL_SIZE, _LABEL_UNITS = 24, 8

_CODE = re.compile(r"\b[a-z0-9]+_[a-z0-9_]+\b|\bundefined\b|\{\{|\}\}|\bfacts\.")
_EMOJI = re.compile(r"[\U0001F300-\U0001FAFF☀-➿⭐✀-➿]")
_SEVERITIES = frozenset("🔴🟠🟡⚪")
_UNIT = re.compile(r"[A-Za-z0-9$.,'’-]+|[^\sA-Za-z0-9]")


def language_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """Every language is there, differs, and is written in their own script."""
    for owner, found in _words(plan):
        assert found.words is not None  # noqa: S101 - _words yields nothing else
        first = found.words.in_(languages.DEFAULT).strip()
        for language, text in found.words.items():
            at, reads = (*found.keys, language), languages.row(language)
            said = "".join(literals(text))
            if not text.strip():
                yield Problem(owner, at, "the text is empty.")
            elif language != languages.DEFAULT and text.strip() == first:
                yield Problem(owner, at, f"is the {languages.ROWS[0].called} text once more.")
            if said.strip() and reads.script is not None and not reads.script.search(text):
                yield Problem(owner, at, f"has no {reads.called} in it.")
            for what, script in reads.foreign.items():
                strange = "".join(sorted(set(script.findall(said))))
                if strange:
                    yield Problem(owner, at, f"“{strange}” is {what}.")


def wording_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """No name of code, no emoji but the severity's, no mention and no link in a text."""
    for owner, found in _words(plan):
        assert found.words is not None  # noqa: S101 - _words yields nothing else
        for language, text in found.words.items():
            said = " ".join(literals(text))
            code = _CODE.search(said)
            if code:
                sentence = f"“{code.group()}” is a name of code, not a word."
                yield Problem(owner, (*found.keys, language), sentence)
            allowed = _SEVERITIES if found.name in ("ring", "ring_mitigated") else frozenset()
            strange = sorted(set(_EMOJI.findall(said)) - allowed)
            if strange:
                sentence = f"“{''.join(strange)}” has no place in a text."
                yield Problem(owner, (*found.keys, language), sentence)
            if re.search(r"<[!@#h]", said):
                yield Problem(
                    owner, (*found.keys, language), "mentions and links are made by the messages."
                )


def shown_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """Every text as it will be read: nothing unknown printed, its form kept, its size too."""
    for rendered in _rendered(plan):
        where = (*rendered.found.keys, rendered.language)
        for sentence in (*_said(rendered), *_form(rendered), *_size(rendered)):
            yield Problem(rendered.owner, where, sentence)


def named_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """What a type's subject is called stands in its card's titles and on the lock screen: of three
    services that are down nobody may get three times the same card."""
    for section in plan.sections.values():
        for at, kind in enumerate(section.types):
            if kind.named_by is None:
                continue
            titles = {
                name: getattr(kind.card, name).title for name in ("active", "mitigated", "ended")
            }
            rings = {"ring": kind.ring, "ring_mitigated": kind.ring_mitigated}
            for place, words in {**titles, **rings}.items():
                keys = ("card", place, "title") if place in titles else (place,)
                for language, text in words.items():
                    if kind.named_by not in text:
                        where = ("types", at, *keys, language)
                        sentence = f"does not say what it is about: {kind.named_by}."
                        yield Problem(f"section {section.id}", where, sentence)


def _said(rendered: Rendered) -> Iterator[str]:
    """No text prints a fact that is not known, or shows a code where a word belongs."""
    if rendered.failure:
        yield f"{rendered.scope_name}: {rendered.failure}."
    elif not rendered.text.strip() and rendered.found.name != "do_not_say":
        yield f"{rendered.scope_name}: says nothing."
    elif _CODE.search(rendered.text) and type(rendered.found.holder).__name__ != "Action":
        yield f"shows a code: “{rendered.text[:60]}”."


def _form(rendered: Rendered) -> Iterator[str]:
    """The lock screen: severity first, the number last, no markup."""
    if rendered.found.name != "ring" or rendered.failure:
        return
    incident = rendered.scope["incident"]
    mark = "🔴🟠🟡⚪"[incident["severity"] - 1]
    if not rendered.text.startswith(f"{mark} SEV{incident['severity']} "):
        yield "begins with the severity's mark and its name."
    if not rendered.text.endswith(incident["reference"]):
        yield "ends with the incident's number."
    if "*" in rendered.text or "_" in rendered.text:
        yield "has no markup."


def _size(rendered: Rendered) -> Iterator[str]:
    """It fits where it is shown, also when little is known."""
    place = (type(rendered.found.holder).__name__, rendered.found.name)
    length = len(rendered.text)
    if place in _LABELS:
        units = len(_UNIT.findall(rendered.text))
        if length > _LABEL_SIZE:
            yield f"“{rendered.text}” has {length} characters; a label has {_LABEL_SIZE}."
        elif languages.row(rendered.language).dense and units > _LABEL_UNITS:
            limits = f"a {languages.row(rendered.language).called} label is {_LABEL_UNITS}"
            yield f"“{rendered.text}” is {units} long; {limits}."
    elif place in _SIZES:
        limit = _SIZES[place][languages.row(rendered.language).dense]
        if length > limit:
            yield f"“{rendered.text[:40]}…” has {length} characters; {limit} fit."


@dataclass(frozen=True)
class Rendered:
    owner: str
    found: Found
    language: str
    scope_name: str
    scope: Mapping[str, Any]
    text: str
    failure: str | None = None


def _rendered(plan: Plan) -> Iterator[Rendered]:
    """Every text in every sample scope that it can be read in."""
    for section in plan.sections.values():
        everything = list(walk(section))
        for kind in section.types:
            for name in ("typical", "at_opening", "relapsed", "minimal"):
                scope = getattr(samples, name)(section, kind.id)
                yield from _section(section, everything, kind.id, name, scope)
        actions = [(one, list(walk(one))) for one in actions_of(plan, section).values()]
        kind_id = section.types[0].id
        for name in ("typical", "at_opening"):
            scope = getattr(samples, name)(section, kind_id)
            for action, texts in actions:
                seen = samples.of_action(action, scope)
                for found in texts:
                    yield from _one(f"action {action.id}", found, name, seen)
    for cause in plan.causes.values():
        for found in walk(cause):
            yield from _one(f"cause {cause.id}", found, "typical", {})


def _section(
    section: Section, everything: Sequence[Found], kind: str, name: str, scope: samples.Scope
) -> Iterator[Rendered]:
    for found in everything:
        others = [one for one in found.within if type(one).__name__ == "IncidentType"]
        if others and getattr(others[0], "id", kind) != kind:
            continue
        seen = samples.seen_by(found, scope)
        yield from _one(f"section {section.id}", found, name, seen)


def _one(owner: str, found: Found, name: str, scope: samples.Scope) -> Iterator[Rendered]:
    if found.kind != "words":
        return
    assert found.words is not None  # noqa: S101 - words are of this kind
    for language, text in found.words.items():
        try:
            said = expressions.fill(text, scope)
        except expressions.ExpressionError as error:
            yield Rendered(owner, found, language, name, scope, "", str(error)[:120])
            continue
        # Slack's date element shows "03:07"; only the plain filter of the samples names the zone.
        yield Rendered(owner, found, language, name, scope, said.replace(" UTC", ""))


def _words(plan: Plan) -> Iterator[tuple[str, Found]]:
    for kind, models in (
        ("section", plan.sections),
        ("action", plan.actions),
        ("cause", plan.causes),
    ):
        for name, model in models.items():
            for found in walk(model):
                if found.kind == "words":
                    yield f"{kind} {name}", found


@lru_cache(maxsize=8192)
def literals(text: str) -> tuple[str, ...]:
    """What the template says itself, without what it fills in."""
    try:
        tree = expressions.parsed(text)
    except jinja2.TemplateSyntaxError:
        return ()
    return tuple(data.data for data in tree.find_all(nodes.TemplateData))


RULES = (language_rule, wording_rule, shown_rule, named_rule)
