"""Source files of a plan: which there are, parsed, with the lines of their keys.

Ours stand in `plan/data`, a shop's own in a folder that is read after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plan import file_bounds

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # pragma: no cover - the C library is in every wheel of PyYAML
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

DATA = Path(__file__).parent / "data"
_KEYS = {
    "version",
    "section",
    "actions",
    "causes",
    "facts",
    "notices",
    "phrases",
    "defaults",
    "outline",
    "glossary",
    "engine",
    "check",
}
MOST_FILES = 2000  # of a folder
_APART = ("outline.yaml", "glossary.yaml", "engine.yaml")  # no part of what an incident keeps
CHECKS = "checks"  # folders of checks, which are configuration
DRILLS = "drills"  # folders of stories, which are no part of the plan


class PlanError(ValueError):
    """The plan's files cannot be read. `faults`: one sentence each, with file, line and key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Source:
    """One file, parsed: its data and, for the lines of its keys, the nodes they came from."""

    path: Path
    shown: str
    data: dict[str, Any]
    node: yaml.Node

    def line(self, keys: tuple[str | int, ...]) -> int:
        """The line (from 1) of the deepest of these keys that the file has."""
        node, line = self.node, self.node.start_mark.line
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return int(line) + 1


def _child(node: yaml.Node, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in reversed(node.value):  # an override stands after what is merged
            if name.value == str(key):
                return name.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line, node.value[key]
    return None


def named(keys: tuple[str | int, ...]) -> str:
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _doubled(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """Keys that a mapping has twice: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if name.value in seen and name.value != "<<":
                yield name.start_mark.line + 1, name.value
            seen.add(name.value)
            yield from _doubled(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubled(value)


def _parsed(shown: str, text: str) -> tuple[yaml.Node | None, list[tuple[int, str]], Any]:
    """The document, its keys that stand twice, and its data. Raises PlanError."""
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        doubled = list(_doubled(node)) if node is not None else []  # before merges are written out
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise PlanError([f"{shown}:{line}: not readable as YAML: {error.problem}."]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # a day that is none, too
        said = str(error).splitlines()[0]
        raise PlanError([f"{shown}:1: not readable as YAML: {said}."]) from None
    loader.dispose()
    return node, doubled, data


def read_source(path: Path, root: Path) -> Source:
    """One file. Raises PlanError if it is not YAML or not one of the plan's kinds."""
    shown = str(path.relative_to(root.parent)) if path.is_relative_to(root.parent) else str(path)
    try:
        text = file_bounds.read_text(path)
        file_bounds.check(text)
    except file_bounds.OutOfBounds as error:
        raise PlanError([f"{shown}:{error.line}: not readable: {error}."]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError([f"{shown}:1: not readable: {error}."]) from None
    node, doubled, data = _parsed(shown, text)
    if node is None or not isinstance(data, dict):
        raise PlanError([f"{shown}:1: holds none of {', '.join(sorted(_KEYS))}."])
    source = Source(path, shown, data, node)
    faults = [f"{shown}:{line}: “{key}” stands here twice." for line, key in doubled]
    faults += [
        f"{shown}:{source.line((key,))}: “{key}” is not a part of a plan; "
        f"use one of {', '.join(sorted(_KEYS))}."
        for key in data
        if key not in _KEYS
    ]
    if faults:
        raise PlanError(faults)
    return source


def roots(extra: Path | None) -> list[Path]:
    """The folders of a plan: ours, then the shop's own. Raises PlanError where that is none."""
    if extra is None:
        return [DATA]
    if not extra.is_dir():
        raise PlanError([f"{extra}: the folder of the shop's own plan files does not exist."])
    return [DATA, extra]


def files(root: Path) -> list[Path]:
    """The files of a folder that a plan is made of."""
    found = (*root.rglob("*.yaml"), *root.rglob("*.yml"))
    return sorted(
        path
        for path in found
        if path.name not in _APART and not {DRILLS, CHECKS} & {*path.relative_to(root).parts[:-1]}
    )


def plan_order(name: str) -> tuple[list[int], str]:
    """Where a section, or a story of one, stands among the others."""
    section, _, variant = name.partition("-")
    return [int(part) if part.isdecimal() else 0 for part in section.split(".")], variant


def read_sources(extra: Path | None = None) -> list[Source]:
    """Every file of the plan, the product's own first. Raises PlanError."""
    faults: list[str] = []
    sources: list[Source] = []
    for root in roots(extra):
        found = files(root)
        if len(found) > MOST_FILES:
            raise PlanError([f"{root}: more than {MOST_FILES} files; is it the plan's folder?"])
        for path in found:
            try:
                sources.append(read_source(path, root))
            except PlanError as error:
                faults += error.faults
    if faults:
        raise PlanError(faults)
    return sources
