"""Nouns of an incident's cases: what they are, and what their states are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from incidents.read.reader import Reader
from plan import engine_texts
from plan.model import IncidentType, Words


def case_label(reader: Reader) -> Words:
    """“41 orders”, as the type says it; after another section was chosen, as its cases are."""
    kinds = {case.kind for case in reader.cases}
    if kinds <= {reader.kind.case_kind}:
        return reader.kind.case_label
    if len(kinds) > 1:
        return engine_texts.text("lists.cases")
    theirs = next((one for one in _types(reader) if one.case_kind in kinds), None)
    return theirs.case_label if theirs is not None else engine_texts.text("lists.cases")


def state_words(reader: Reader) -> Mapping[str, Words]:
    """The states of a case by their name; empty where the plan says nothing."""
    words = reader.kind.case_words
    if words is None or {case.kind for case in reader.cases} - {reader.kind.case_kind}:
        return {}
    return {name: getattr(words, name) for name in type(words).model_fields}


def _types(reader: Reader) -> Iterator[IncidentType]:
    for section in reader.plan.sections.values():
        yield from section.types
