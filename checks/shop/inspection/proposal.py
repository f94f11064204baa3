"""Proposal of a mapping: each field with how sure it is and why, as YAML with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from sqlalchemy.engine import make_url

from checks.queries.entity import entities

Certainty = Literal["sure", "guess", "open"]


_HEADINGS: Mapping[Certainty, str] = {"open": "To be answered", "guess": "To be looked at"}


@dataclass(frozen=True)
class Judged:
    """How sure one piece of the mapping is, and what that rests on."""

    certainty: Certainty
    reason: str


@dataclass
class Proposal:
    """A mapping that looks right. `judged`: by path (`orders.fields.total`), `zone` and `unit` for
    the whole shop; `questions`: what stands in no field, such as a table that is left over.
    """

    mapping: dict[str, Any] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)

    def judge(self, path: str, certainty: Certainty, reason: str) -> None:
        self.judged[path] = Judged(certainty, reason)

    def of(self, certainty: Certainty) -> dict[str, str]:
        """Every piece that is so sure, with its reason."""
        return {path: one.reason for path, one in self.judged.items() if one.certainty == certainty}

    @property
    def open(self) -> list[str]:
        """What a person has to answer."""
        return list(self.of("open"))


def printed(proposal: Proposal, url: str) -> Iterator[str]:
    """`shop:` with its mapping, line by line; what is to be answered and looked at stands last."""
    yield "shop:"
    yield f"  database_url: {_flow(make_url(url).render_as_string(hide_password=True))}"
    yield "  mapping:" if proposal.mapping else "  mapping: {}"
    told = _Told()
    for entity, one in proposal.mapping.items():
        yield from _entity(entity, one, proposal.judged, told)
    yield from _summary(proposal)


def _summary(proposal: Proposal) -> Iterator[str]:
    levels: tuple[Certainty, ...] = ("sure", "guess", "open")
    yield f"# {', '.join(f'{len(proposal.of(one))} {one}' for one in levels)}."
    for certainty, heading in _HEADINGS.items():
        found = proposal.of(certainty)
        if found:
            yield f"# {heading}:"
        for path, reason in found.items():
            yield f"#   {_place(path)}: {reason}"
    for question in proposal.questions:
        yield f"# {question}"


def _place(path: str) -> str:
    entity = path.partition(".")[0]
    return f"shop.mapping.{path}" if entity in entities() else f"every {path}"


class _Told:
    """What was said once and is meant again: words of a state, the zone (YAML's own anchors)."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}

    def value(self, key: str, value: Any) -> str:
        if key == "words" and not value:
            return "{}"
        place = id(value) if key == "words" else (key, value)
        if place in self._names:
            return f"*{self._names[place]}"
        self._names[place] = f"{key}{len(self._names)}" if key == "words" else f"the_{key}"
        return f"&{self._names[place]} {_flow(value)}"


def _entity(
    name: str, mapped: Mapping[str, Any], judged: Mapping[str, Judged], told: _Told
) -> Iterator[str]:
    yield f"    {name}:{_said(judged.get(name))}"
    for key, value in mapped.items():
        if key == "fields":
            continue
        if _long(value):
            yield from _block(f"      {key}", value)
            continue
        shown = told.value(key, value) if key == "zone" else _flow(value)
        why = None if shown.startswith("*") else judged.get(key)
        yield f"      {key}: {shown}{_said(why)}"
    yield "      fields:"
    fields = mapped["fields"]
    for field_name, one in fields.items():
        why = judged.get(f"{name}.fields.{field_name}")
        spread = isinstance(one, dict) and ("words" in one or any(map(_long, one.values())))
        if not spread:
            yield f"        {field_name}: {_flow(one)}{_said(why)}"
            continue
        yield f"        {field_name}:{_said(why)}"
        for key, value in one.items():
            if _long(value):
                yield from _block(f"          {key}", value)
                continue
            shown = told.value(key, value) if key == "words" else _flow(value)
            of_words = judged.get(f"{name}.fields.{field_name}.words") if key == "words" else None
            yield f"          {key}: {shown}{_said(of_words)}"
    for path, one in judged.items():
        entity, _, rest = path.partition(".fields.")
        if entity == name and rest and "." not in rest and rest not in fields:
            yield f"        # {rest}: ?{_said(one)}"


def _long(value: Any) -> bool:
    """Whether it is text of several lines: SQL as somebody wrote it."""
    return isinstance(value, str) and "\n" in value.strip()


def _block(key: str, text: str) -> Iterator[str]:
    """Such a text under its key, as it was written."""
    yield f"{key}: |"
    margin = " " * (len(key) - len(key.lstrip()) + 2)
    yield from (f"{margin}{line}".rstrip() for line in text.rstrip("\n").split("\n"))


def _said(judged: Judged | None) -> str:
    return "" if judged is None else f"  # {judged.certainty}: {' '.join(judged.reason.split())}"


def _flow(value: Any) -> str:
    """The value on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6
    )
    return text.removesuffix("\n").removesuffix("...").rstrip()
