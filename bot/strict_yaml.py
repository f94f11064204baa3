"""Strict YAML of muster.yaml: what YAML would take for something else than it looks is refused.

A key that stands twice silently hides its first half; `48:30` is 2910, `010` is 8 and `yes` is true
to the YAML of old (1.1). Each is one sentence with its line, and "quote it" where that is the mend.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from plan import file_bounds

_NUMBER = re.compile(
    r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F]+|"
    r"[-+]?(0|[1-9][0-9_]*)?\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?(0|[1-9][0-9_]*)[eE][-+]?[0-9]+|"
    r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_TRUTH = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_OLD = {"tag:yaml.org,2002:int": _NUMBER, "tag:yaml.org,2002:float": _NUMBER}


class NotStrict(ValueError):
    """What is wrong, one sentence each, with its line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read(text: str) -> Any:
    """The one document of the text. Raises NotStrict, and yaml.YAMLError for what is no YAML."""
    try:
        file_bounds.check(text, yaml.SafeLoader)
    except file_bounds.OutOfBounds as error:
        raise NotStrict([f"line {error.line}: {error}."]) from None
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        faults = list(_faults(node)) if node is not None else []
        if faults:
            raise NotStrict(faults)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _faults(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if name.value in seen and name.value != "<<":
                first = seen[name.value]
                yield f"line {line}: “{name.value}” stands twice (also in line {first}); keep one."
            seen.setdefault(str(name.value), line)
            yield from _faults(name)
            yield from _faults(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _faults(value)
    elif isinstance(node, yaml.ScalarNode) and node.style is None:
        said = _otherwise(node)
        if said is not None:
            yield f"line {node.start_mark.line + 1}: “{node.value}” is {said} to YAML; quote it."


def _otherwise(node: yaml.ScalarNode) -> str | None:
    """What YAML 1.1 makes of it, where that is not what it looks like; else None."""
    if node.tag == "tag:yaml.org,2002:bool" and node.value not in _TRUTH:
        return "true or false"
    if node.tag in _OLD and _OLD[node.tag].fullmatch(node.value) is None:
        return "another number"
    return None
