"""Loader of the emergency plan: its YAML files become the model.

The files of the product stand in `plan/data`, a folder for each section (`sections/3.3`); a shop's
own folder is read after them and replaces sections, actions, causes and facts of the same id or
adds new ones. What cannot be read is told in one sentence with file, line and key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from plan import defaults, plan_cache
from plan import phrases as phrasing
from plan.kept_plan import restore_plan
from plan.model import Action, Cause, CustomerMessage, Fact, Plan, Section
from plan.sources import DATA, PlanError, Source, files, named, plan_order, read_sources, roots

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True)
class LoadedPlan:
    """The plan, the hash of its content (an incident keeps it) and that content as JSON."""

    plan: Plan
    hash: str
    version: str
    content: str
    sources: Mapping[str, str]  # "section 3.3", "action refund" → the file it stands in


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _model(
    kind: type[_M], data: object, source: Source, at: tuple[str | int, ...], faults: list[str]
) -> _M | None:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        for fault in error.errors():
            keys = at + tuple(fault["loc"])
            faults.append(
                f"{source.shown}:{source.line(keys)}: {named(keys)}: {_sentence(fault['msg'])}."
            )
        return None


def _entries(source: Source, key: str, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = source.data.get(key) or {}
    if not isinstance(entries, dict):
        faults.append(f"{source.shown}:{source.line((key,))}: {key}: must name each entry.")
        return
    for name, entry in entries.items():
        yield name, {"id": name, **entry} if isinstance(entry, dict) else entry


@dataclass
class _Shared:
    """What files share: phrases, and the defaults of what a section need not write."""

    phrases: dict[str, phrasing.Phrase] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    notices: dict[str, Any] = field(default_factory=dict)  # messages to customers, by name

    def take(self, source: Source, faults: list[str]) -> None:
        """Those of a file; they replace those of the same name."""
        for name, phrase in _named_in(source, "phrases", faults).items():
            sentence = phrasing.fault(phrase)
            if sentence is not None:
                place = f"{source.shown}:{source.line(('phrases', name))}: phrases.{name}"
                faults.append(f"{place}: {sentence}.")
            else:
                self.phrases[name] = phrase
        self.defaults = defaults.over(_named_in(source, "defaults", faults), self.defaults)


def _named_in(source: Source, key: str, faults: list[str]) -> dict[str, Any]:
    found = source.data.get(key) or {}
    if isinstance(found, dict):
        return found
    faults.append(f"{source.shown}:{source.line((key,))}: {key}: must name each entry.")
    return {}


def _whole(sources: list[Source], faults: list[str]) -> Iterator[Source]:
    """The files with what they left out and their phrases put in.

    Ours read ours alone, so that a shop's words change none of our sections by accident; a shop's
    read ours with its own over them.
    """
    ours = [source for source in sources if source.path.is_relative_to(DATA)]
    shared = _Shared()
    for source in ours:
        shared.take(source, faults)
    own = _Shared(dict(shared.phrases), dict(shared.defaults))
    for source in sources:
        if source not in ours:
            own.take(source, faults)
    # What customers read a shop may say in its own words, also where our actions send it.
    shared.notices = own.notices = {
        name: notice
        for source in sources
        for name, notice in _notices(source, shared if source in ours else own, faults)
    }
    for source in sources:
        yield _filled(source, shared if source in ours else own, faults)


def _notices(
    source: Source, shared: _Shared, faults: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The messages to customers of a file, whole."""
    told = _teller(source, faults)
    for name, entry in _named_in(source, "notices", faults).items():
        at = ("notices", name)
        whole = phrasing.expanded(defaults.notice(entry, shared.defaults), shared.phrases, told, at)
        if _model(CustomerMessage, whole, source, at, faults) is not None:
            yield name, {**whole, "notice": name}


def _teller(source: Source, faults: list[str]) -> phrasing.Told:
    def told(keys: tuple[str | int, ...], sentence: str) -> None:
        faults.append(f"{source.shown}:{source.line(keys)}: {named(keys)}: {sentence}.")

    return told


def _filled(source: Source, shared: _Shared, faults: list[str]) -> Source:
    told = _teller(source, faults)
    data = dict(source.data)
    if "section" in data:
        data["section"] = defaults.section(data["section"], shared.defaults)
    if isinstance(data.get("actions"), dict):
        data["actions"] = {
            name: defaults.action(entry, shared.defaults) for name, entry in data["actions"].items()
        }
    for key in {"section", "actions", "causes"} & data.keys():
        data[key] = phrasing.expanded(data[key], shared.phrases, told, (key,))
    if isinstance(data.get("actions"), dict):
        data["actions"] = {
            name: _with_notice(entry, shared.notices, ("actions", name), told)
            for name, entry in data["actions"].items()
        }
    return replace(source, data=data)


def _with_notice(
    action: Any, notices: Mapping[str, Any], at: tuple[str, str], told: phrasing.Told
) -> Any:
    """The action with the message that it names."""
    named = action.get("message") if isinstance(action, dict) else None
    if not isinstance(named, str):
        return action
    if named not in notices:
        told((*at, "message"), f"there is no notice “{named}” that can be read")
    return {**action, "message": notices.get(named)}


def build(sources: list[Source]) -> tuple[Plan, dict[str, str]]:
    """The plan of these files; later ones replace earlier ones of the same id. Raises PlanError."""
    faults: list[str] = []
    version = ""
    sections: dict[str, Section] = {}
    actions: dict[str, Action] = {}
    causes: dict[str, Cause] = {}
    facts: dict[str, dict[str, Fact]] = {}
    where: dict[str, str] = {}
    for source in _whole(sources, faults):
        where |= {f"notice {name}": source.shown for name in source.data.get("notices") or ()}
        version = str(source.data.get("version", version))
        if "section" in source.data:
            section = _model(Section, source.data["section"], source, ("section",), faults)
            if section is not None:
                sections[section.id] = section
                where[f"section {section.id}"] = source.shown
        for name, entry in _entries(source, "actions", faults):
            action = _model(Action, entry, source, ("actions", name), faults)
            if action is not None:
                actions[name] = action
                where[f"action {name}"] = source.shown
        for name, entry in _entries(source, "causes", faults):
            cause = _model(Cause, entry, source, ("causes", name), faults)
            if cause is not None:
                causes[name] = cause
                where[f"cause {name}"] = source.shown
        for kind, entry in _entries(source, "facts", faults):
            facts.setdefault(kind, {}).update(_facts(source, kind, entry, faults))
            where[f"facts {kind}"] = source.shown
    types = {kind.id for section in sections.values() for kind in section.types}
    for source in sources if not faults else ():
        for kind in (source.data.get("facts") or {}).keys() - types:
            place = f"{source.shown}:{source.line(('facts', kind))}: facts.{kind}"
            faults.append(f"{place}: no section has this incident type.")
    if faults:
        raise PlanError(faults)
    ordered = {
        number: _with_facts(sections[number], facts) for number in sorted(sections, key=plan_order)
    }
    return Plan(version=version, sections=ordered, actions=actions, causes=causes), where


def _facts(source: Source, kind: str, entry: Any, faults: list[str]) -> Iterator[tuple[str, Fact]]:
    """The facts of one incident type, by their dotted names."""
    at = ("facts", kind)
    if not isinstance(entry, dict):
        faults.append(f"{source.shown}:{source.line(at)}: {named(at)}: must name each fact.")
        return
    for name, said in entry.items():
        fact = _model(Fact, said, source, (*at, name), faults) if name != "id" else None
        if fact is not None:
            yield name, fact


def _with_facts(section: Section, facts: Mapping[str, dict[str, Fact]]) -> Section:
    kinds = (kind.model_copy(update={"facts": facts.get(kind.id, {})}) for kind in section.types)
    return section.model_copy(update={"types": tuple(kinds)})


_CACHE: dict[str, LoadedPlan] = {}


def _fingerprint(extra: Path | None) -> str:
    """What the files say, without parsing them."""
    digest = hashlib.sha256()
    for root in roots(extra):
        for path in files(root):
            digest.update(str(path).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def load_plan(extra: Path | None = None) -> LoadedPlan:
    """The plan, with a shop's own files over it. Parsed once for the same content.

    Raises PlanError naming file, line and key of every fault.
    """
    fingerprint = _fingerprint(extra)
    found = _CACHE.get(fingerprint)
    if found is not None:
        return found
    loaded = _kept(fingerprint) or _parsed(fingerprint, extra)
    _CACHE[fingerprint] = loaded
    return loaded


def _parsed(fingerprint: str, extra: Path | None) -> LoadedPlan:
    plan, where = build(read_sources(extra))
    content = plan.model_dump_json(by_alias=True)
    facts = {
        kind.id: {name: fact.model_dump(mode="json") for name, fact in kind.facts.items()}
        for section in plan.sections.values()
        for kind in section.types
    }
    plan_cache.write(fingerprint, content, {"facts": facts, "sources": where})
    return _loaded(plan, content, where)


def _kept(fingerprint: str) -> LoadedPlan | None:
    """What was parsed before, by another process of this machine."""
    kept = plan_cache.read(fingerprint)
    if kept is None:
        return None
    try:
        plan = restore_plan(kept["content"])
        facts = {
            kind: {name: Fact.model_validate(fact) for name, fact in rows.items()}
            for kind, rows in kept["facts"].items()
        }
        sections = {number: _with_facts(one, facts) for number, one in plan.sections.items()}
        whole = plan.model_copy(update={"sections": sections})
        return _loaded(whole, kept["content"], dict(kept["sources"]))
    except (ValueError, LookupError, AttributeError, TypeError):
        return None


def _loaded(plan: Plan, content: str, where: Mapping[str, str]) -> LoadedPlan:
    return LoadedPlan(
        plan=plan,
        hash=hashlib.sha256(content.encode()).hexdigest(),
        version=plan.version,
        content=content,
        sources=where,
    )
